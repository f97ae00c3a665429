// SPDX-License-Identifier: Apache-2.0
#include "session/stages.h"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "analysis/analysed_function.h"
#include "analysis/analysed_module.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "ir/parse.h"
#include "ir/print.h"
#include "jit/emission_plan.h"
#include "jit/module_compiler.h"
#include "machine/machine_lowering.h"
#include "support/dim3.h"
#include "support/result.h"
#include "timing/kernel_model.h"

namespace doppel::session {
namespace {

Result<ir::Module> read_module(const std::string& file, std::vector<std::string>& complaints) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return fail(Error::Kind::Io, fmt::format("cannot read {}", file));
  std::ostringstream text;
  text << in.rdbuf();
  if (file.ends_with(".ir")) return ir::parse(text.str());
  auto parsed = ptx::parse_usable(text.str());
  if (!parsed) {
    std::string all;
    for (const ptx::Diagnostic& each : parsed.error().diagnostics) {
      if (!all.empty()) all += '\n';
      all += ptx::to_string(each);
    }
    return fail(Error::Kind::InvalidInput, all);
  }
  // What cannot run is told, and shown as the trap that stands for it.
  for (const auto& [id, why] : parsed->refused_functions) {
    for (const ptx::Diagnostic& each : why) complaints.push_back(ptx::to_string(each));
  }
  return ptx::to_ir(std::move(parsed->module));
}

class StageText {
 public:
  StageText(const StagesRequest& request, ir::Module module, std::string& text)
      : request_(request),
        block_{request.block[0], request.block[1], request.block[2]},
        module_(std::make_shared<const analysis::AnalysedModule>(std::move(module))),
        text_(text) {}

  Result<void> write() {
    bool found = false;
    for (std::uint32_t id = 0; id < module_->ir().functions.size(); ++id) {
      const ir::Function& kernel = module_->ir().functions[id];
      if (!kernel.is_kernel || kernel.is_declaration) continue;
      if (kernel.name.find(request_.kernel) == std::string::npos) continue;
      found = true;
      write_functions(id);
      if (wants("accesses") || wants("llvm") || wants("optimised")) {
        if (const auto written = write_code(id); !written) return written;
      }
      if (wants("machine") || wants("registers")) {
        try {
          write_machine(id);
        } catch (const std::runtime_error& refused) {
          return fail(Error::Kind::NotSupported, refused.what());
        }
      }
    }
    if (found) return {};
    return fail(Error::Kind::NotFound,
                request_.kernel.empty()
                    ? fmt::format("{}: there is no kernel in it", request_.file)
                    : fmt::format("{}: no kernel has '{}' in its name", request_.file, request_.kernel));
  }

 private:
  bool wants(std::string_view stage) const {
    return std::ranges::find(request_.show, stage) != request_.show.end();
  }

  // Of a plain launch of the block.
  jit::Variant variant() const {
    jit::Variant variant;
    variant.shape = analysis::lane_shape(block_);
    variant.full_warps = block_.count() % analysis::kLanes == 0;
    return variant;
  }

  template <typename... Arguments>
  void say(fmt::format_string<Arguments...> text, Arguments&&... arguments) {
    fmt::format_to(std::back_inserter(text_), text, std::forward<Arguments>(arguments)...);
  }

  void write_functions(std::uint32_t kernel) {
    const auto basis = analysis::lane_basis(variant().shape, variant().full_warps);
    for (const std::uint32_t each : module_->kernel(kernel).functions) {
      const ir::Function& function = module_->ir().functions[each];
      if (function.is_declaration) continue;
      if (wants("ir")) say("{}", ir::print(module_->ir(), function));
      if (!wants("lanes") && !wants("plan")) continue;
      const analysis::AnalysedFunction analysed(function, module_->graph(each), basis);
      if (wants("lanes"))
        say("lanes of {}x{}x{} threads\n{}", block_.x, block_.y, block_.z, analysis::to_string(analysed));
      if (wants("plan")) say("plan of {}", jit::to_string(analysed, jit::plan_emission(analysed, variant())));
    }
  }

  // As the host's code is made of it.
  Result<void> write_code(std::uint32_t kernel) {
    const auto stages = jit::stages_of({*module_, kernel, variant()});
    if (!stages) return tl::unexpected(stages.error());
    const std::string& name = module_->ir().functions[kernel].name;
    if (wants("accesses"))
      say("accesses of \"{}\"\n{}", name, jit::to_string(module_->ir(), stages->accesses));
    if (wants("llvm")) say("; as emitted\n{}", stages->emitted);
    if (wants("optimised")) say("; behind LLVM's passes\n{}", stages->optimised);
    return {};
  }

  // As predictions see it: with what the launch bounds, the block and the card leave of the registers. Throws
  // std::runtime_error where no machine operation can be made of one.
  void write_machine(std::uint32_t kernel) {
    const timing::LoweredKernel lowered(module_, kernel, request_.card);
    const machine::MachineProgram& program = lowered.program_for(static_cast<std::uint32_t>(block_.count()));
    for (const std::uint32_t each : module_->kernel(kernel).functions) {
      const machine::MachineFunction& function = program.functions[each];
      if (function.blocks.empty()) continue;
      const std::string& name = module_->ir().functions[each].name;
      if (wants("registers"))
        say("registers \"{}\": {} of a thread, {} words spilled\n", name, function.registers,
            function.spill_words);
      if (wants("machine"))
        say("machine \"{}\" on {}\n{}", name, request_.card.name, machine::to_string(function));
    }
  }

  const StagesRequest& request_;
  Dim3 block_;
  std::shared_ptr<const analysis::AnalysedModule> module_;
  std::string& text_;
};

}  // namespace
}  // namespace doppel::session

void doppel_show_stages(const doppel::session::StagesRequest& request, doppel::session::Stages& stages) {
  using namespace doppel;
  const auto written =
      session::read_module(request.file, stages.complaints).and_then([&](ir::Module&& module) {
        return session::StageText(request, std::move(module), stages.text).write();
      });
  stages.failed = !written;
  if (!written) stages.complaints.push_back(written.error().message);
}
