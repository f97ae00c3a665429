// `doppel ptx`: what becomes of a PTX file, stage by stage, without running it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "analysis/analysed_function.h"
#include "analysis/analysed_module.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "jit/emission_plan.h"
#include "jit/module_compiler.h"
#include "machine/machine_lowering.h"
#include "timing/kernel_model.h"

namespace doppel::cli {
namespace {

struct PtxRequest {
  std::string file;
  std::string kernel;  // empty: all
  std::vector<std::string> show{"ir"};
  std::vector<std::uint32_t> block{256, 1, 1};
  std::string card = "rtx-a6000";
};

Result<ir::Module> read_module(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Error::Kind::Io, fmt::format("cannot read {}", file));
  std::ostringstream text;
  text << in.rdbuf();
  if (file.ends_with(".ir")) return ir::parse(text.str());
  auto parsed = ptx::parse_usable(text.str());
  if (!parsed) {
    std::string all;
    for (const ptx::Diagnostic& each : parsed.error().diagnostics)
      all += (all.empty() ? "" : "\n") + ptx::to_string(each);
    return fail(Error::Kind::InvalidInput, all);
  }
  // What cannot run is told, and shown as the trap that stands for it.
  for (const auto& [id, why] : parsed->refused_functions) {
    for (const ptx::Diagnostic& each : why) complain(ptx::to_string(each));
  }
  return ptx::to_ir(std::move(parsed->module));
}

bool wants(const PtxRequest& request, std::string_view stage) {
  return std::ranges::find(request.show, stage) != request.show.end();
}

// As predictions see it: with what the launch bounds, the block and the card leave of the registers. Throws
// std::runtime_error where no machine operation can be made of one.
void show_machine(const PtxRequest& request, const std::shared_ptr<const analysis::AnalysedModule>& module,
                  std::uint32_t kernel, const Dim3& block, const card::Card& card) {
  const timing::LoweredKernel lowered(module, kernel, card);
  const machine::MachineProgram& program = lowered.program_for(static_cast<std::uint32_t>(block.count()));
  for (const std::uint32_t each : module->kernel(kernel).functions) {
    const machine::MachineFunction& function = program.functions[each];
    if (function.blocks.empty()) continue;
    const std::string& name = module->ir().functions[each].name;
    if (wants(request, "registers"))
      say(stdout, "registers \"{}\": {} of a thread, {} words spilled\n", name, function.registers,
          function.spill_words);
    if (wants(request, "machine"))
      say(stdout, "machine \"{}\" on {}\n{}", name, card.name, machine::to_string(function));
  }
}

// Of a plain launch of the block.
jit::Variant variant_of(const Dim3& block) {
  jit::Variant variant;
  variant.shape = analysis::lane_shape(block);
  variant.full_warps = block.count() % analysis::kLanes == 0;
  return variant;
}

// As the host's code is made of it.
Result<void> show_code(const PtxRequest& request, const analysis::AnalysedModule& module,
                       std::uint32_t kernel, const Dim3& block) {
  const auto stages = jit::stages_of({module, kernel, variant_of(block)});
  if (!stages) return tl::unexpected(stages.error());
  const std::string& name = module.ir().functions[kernel].name;
  if (wants(request, "accesses"))
    say(stdout, "accesses of \"{}\"\n{}", name, jit::to_string(module.ir(), stages->accesses));
  if (wants(request, "llvm")) say(stdout, "; as emitted\n{}", stages->emitted);
  if (wants(request, "optimised")) say(stdout, "; behind LLVM's passes\n{}", stages->optimised);
  return {};
}

int show(const PtxRequest& request) {
  auto read = read_module(request.file);
  if (!read) {
    complain(read.error().message);
    return kFailed;
  }
  const auto module = std::make_shared<const analysis::AnalysedModule>(std::move(*read));
  const auto cards = find_cards({request.card});
  if (!cards) return kBadUsage;
  const Dim3 block{request.block[0], request.block[1], request.block[2]};
  const jit::Variant variant = variant_of(block);
  const auto basis = analysis::lane_basis(variant.shape, variant.full_warps);
  bool found = false;
  for (std::uint32_t id = 0; id < module->ir().functions.size(); ++id) {
    const ir::Function& kernel = module->ir().functions[id];
    if (!kernel.is_kernel || kernel.is_declaration) continue;
    if (!request.kernel.empty() && kernel.name.find(request.kernel) == std::string::npos) continue;
    found = true;
    for (const std::uint32_t each : module->kernel(id).functions) {
      const ir::Function& function = module->ir().functions[each];
      if (function.is_declaration) continue;
      if (wants(request, "ir")) say(stdout, "{}", ir::print(module->ir(), function));
      if (!wants(request, "lanes") && !wants(request, "plan")) continue;
      const analysis::AnalysedFunction analysed(function, module->graph(each), basis);
      if (wants(request, "lanes"))
        say(stdout, "lanes of {}x{}x{} threads\n{}", block.x, block.y, block.z,
            analysis::to_string(analysed));
      if (wants(request, "plan"))
        say(stdout, "plan of {}", jit::to_string(analysed, jit::plan_emission(analysed, variant)));
    }
    if (wants(request, "accesses") || wants(request, "llvm") || wants(request, "optimised")) {
      if (const auto shown = show_code(request, *module, id, block); !shown) {
        complain(shown.error().message);
        return kFailed;
      }
    }
    if (wants(request, "machine") || wants(request, "registers")) {
      try {
        show_machine(request, module, id, block, cards->front());
      } catch (const std::runtime_error& refused) {
        complain(refused.what());
        return kFailed;
      }
    }
  }
  if (found) return 0;
  complain(request.kernel.empty()
               ? fmt::format("{}: there is no kernel in it", request.file)
               : fmt::format("{}: no kernel has '{}' in its name", request.file, request.kernel));
  return kFailed;
}

}  // namespace

void add_ptx(CLI::App& app, int& status) {
  CLI::App* command =
      app.add_subcommand("ptx", "Show what becomes of a PTX file: operations, lanes, what a card issues");
  auto request = std::make_shared<PtxRequest>();
  command->add_option("file", request->file, "PTX, or the text of the IR where it ends in .ir")
      ->type_name("FILE")
      ->required();
  command->add_option("--kernel", request->kernel, "Only kernels with this in their name")->type_name("NAME");
  command
      ->add_option(
          "--show", request->show,
          "Stages, with commas between: ir (operations), lanes (patterns, who waits), plan (how host code is "
          "entered), accesses (how the lanes touch memory), llvm and optimised (host code, before and after "
          "LLVM's passes), machine (what the "
          "card issues), registers [ir]")
      ->type_name("STAGES")
      ->delimiter(',')
      ->check(
          CLI::IsMember({"ir", "lanes", "plan", "accesses", "llvm", "optimised", "machine", "registers"}));
  command->add_option("--block", request->block, "Threads of a block in x, y and z [256,1,1]")
      ->type_name("X,Y,Z")
      ->delimiter(',')
      ->expected(3)
      ->check(CLI::Range(1, 1024));
  command->add_option("--card", request->card, "Whose operations: a card's name or file [rtx-a6000]")
      ->type_name("CARD");
  command->callback([request, &status] { status = show(*request); });
}

}  // namespace doppel::cli
