// SPDX-License-Identifier: Apache-2.0
// `doppel ptx`: what becomes of a PTX file, stage by stage, without running it.
#include <dlfcn.h>
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>

#include "cli/commands.h"
#include "cli/installation.h"
#include "cli/output.h"
#include "session/stages.h"

namespace doppel::cli {
namespace {

struct PtxFlags {
  session::StagesRequest request{.show = {"ir"}, .block = {256, 1, 1}};
  std::string card = "rtx-a6000";
};

// Loads what holds the engine. It stays loaded.
Result<decltype(&doppel_show_stages)> load_stages() {
  const Result<std::filesystem::path> library = core_library();
  if (!library) return tl::unexpected(library.error());
  void* handle = dlopen(library->c_str(), RTLD_NOW | RTLD_LOCAL);
  void* found = handle != nullptr ? dlsym(handle, "doppel_show_stages") : nullptr;
  if (found == nullptr) return fail(Error::Kind::Io, fmt::format("cannot load {}", dlerror()));
  return reinterpret_cast<decltype(&doppel_show_stages)>(found);
}

int show(PtxFlags& flags) {
  auto cards = find_cards({flags.card});
  if (!cards) return kBadUsage;
  flags.request.card = std::move(cards->front());
  const auto show_stages = load_stages();
  if (!show_stages) {
    complain(show_stages.error().message);
    return kFailed;
  }
  session::Stages stages;
  (*show_stages)(flags.request, stages);
  say(stdout, "{}", stages.text);
  for (const std::string& each : stages.complaints) complain(each);
  return stages.failed ? kFailed : 0;
}

}  // namespace

void add_ptx(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("ptx", "Show what becomes of a PTX file: operations, lanes, what a card issues");
  auto flags = std::make_shared<PtxFlags>();
  session::StagesRequest& request = flags->request;
  command->add_option("file", request.file, "PTX, or the text of the IR where it ends in .ir")
      ->type_name("FILE")
      ->required();
  command->add_option("--kernel", request.kernel, "Only kernels with this in their name")->type_name("NAME");
  command
      ->add_option(
          "--show", request.show,
          "Stages, with commas between: ir (operations), lanes (patterns, who waits), plan (how host code is "
          "entered), accesses (how the lanes touch memory), llvm and optimised (host code, before and after "
          "LLVM's passes), machine (what the "
          "card issues), registers [ir]")
      ->type_name("STAGES")
      ->delimiter(',')
      ->check(
          CLI::IsMember({"ir", "lanes", "plan", "accesses", "llvm", "optimised", "machine", "registers"}));
  command->add_option("--block", request.block, "Threads of a block in x, y and z [256,1,1]")
      ->type_name("X,Y,Z")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(1, 1024));
  command->add_option("--card", flags->card, "Whose operations: a card's name or file [rtx-a6000]")
      ->type_name("CARD");
  command->callback([flags, &status] { status = show(*flags); });
}

}  // namespace doppel::cli
