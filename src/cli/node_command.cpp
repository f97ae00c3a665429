// SPDX-License-Identifier: Apache-2.0
// `doppel node`: what processes share, shown; and offered to Prometheus.
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): setenv is POSIX

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "cli/commands.h"
#include "cli/management.h"
#include "cli/output.h"
#include "node/description.h"
#include "node/node.h"
#include "smi/metrics_server.h"
#include "smi/node_view.h"

namespace doppel::cli {
namespace {

struct NodeFlags {
  std::string name;
  bool json = false;
  std::string listen;
};

int listen(const NodeFlags& flags) {
  const auto at = smi::read_endpoint(flags.listen);
  if (!at) {
    complain(at.error().message);
    return kBadUsage;
  }
  const auto served = smi::serve_metrics(
      *at,
      []() -> Result<std::string> {
        auto text = metrics_text();
        if (!text) return fail(Error::Kind::Io, text.error().message);
        return std::move(*text);
      },
      [&](unsigned short port) {
        const bool is_v6 = at->host.find(':') != std::string::npos;
        say(stdout, "http://{}:{}/metrics\n", is_v6 ? "[" + at->host + "]" : at->host, port);
        std::fflush(stdout);
      });
  if (served) return 0;
  complain(served.error().message);
  return kFailed;
}

int run(const NodeFlags& flags) {
  std::string name = flags.name;
  if (const char* named = std::getenv("DOPPEL_NODE"); name.empty() && named != nullptr) name = named;
  if (name.empty() || name == "off") {
    complain("no node: name one, or set DOPPEL_NODE");
    return kBadUsage;
  }
  const auto file = node::store_of(name);
  if (!file) {
    complain(file.error().message);
    return kBadUsage;
  }
  std::error_code ignored;
  if (!node::is_description(name) && !std::filesystem::exists(*file, ignored)) {
    complain(fmt::format(
        "there is no node {}: no program has run on it since this machine started ({} is missing)", name,
        file->string()));
    return kFailed;
  }
  setenv("DOPPEL_NODE", name.c_str(), 1);
  // What is on it, and nothing besides.
  unsetenv("DOPPEL_CARDS");
  unsetenv("DOPPEL_CARD");
  if (!flags.listen.empty()) return listen(flags);
  const auto nvml = open_management();
  const auto gpus = nvml ? smi::all_gpus(*nvml) : tl::unexpected(nvml.error());
  if (!gpus) {
    complain(gpus.error().message);
    return kFailed;
  }
  const auto node = node::Node::open(name);
  if (!node) {
    complain(node.error().message);
    return kFailed;
  }
  const smi::NodeTitle title{name, file->string(), (*node)->host().value_or("")};
  say(stdout, "{}", flags.json ? smi::node_json(title, *gpus) : smi::node_text(title, *gpus));
  return 0;
}

}  // namespace

void add_node(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "node", "Show a node: its cards, how they are joined, who uses them, and where they stand");
  auto flags = std::make_shared<NodeFlags>();
  command->add_option("node", flags->name, "The node, as DOPPEL_NODE names it (default: that variable's)")
      ->type_name("NODE");
  auto* json = command->add_flag("--json", flags->json, "As JSON");
  command
      ->add_option(
          "--listen", flags->listen,
          "Answer GET /metrics with the metrics of 'doppel smi --prometheus', to this machine alone, until "
          "Ctrl-C. Port 0: one that is free. Prints the address")
      ->type_name("ADDRESS:PORT")
      ->excludes(json);
  command->callback([flags, &status] { status = run(*flags); });
}

}  // namespace doppel::cli
