// SPDX-License-Identifier: Apache-2.0
// Stages of src/analysis.
#include <fmt/format.h>

#include "analysis/analysed_function.h"
#include "analysis/clock_reads.h"
#include "analysis/warp_progress.h"
#include "stages.h"

namespace doppel::passes {
namespace {

using analysis::AnalysedFunction;
using analysis::AnalysedModule;
using analysis::BasicBlock;
using analysis::BlockId;

// visit(function, analysed) for each with a body.
template <typename Visit>
void for_each_analysed(const Settings& settings, const AnalysedModule& module, Visit&& visit) {
  const auto basis = analysis::lane_basis(analysis::lane_shape(settings.block),
                                          settings.block.count() % analysis::kLanes == 0);
  for_each_body(module, [&](ir::FunctionId id, const ir::Function& function) {
    visit(function, AnalysedFunction(function, module.graph(id), basis));
  });
}

std::uint32_t line_of(const ir::Function& function, const BasicBlock& block) {
  return passes::line_of(function.operations[block.first]);
}

// Beside each result: its pattern.
Notes lanes(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_analysed(settings, module, [&](const ir::Function& function, const AnalysedFunction& analysed) {
    for (const ir::Operation& operation : function.operations) {
      std::string& note = notes[passes::line_of(operation)];
      ir::for_each_definition(operation, [&](ir::RegisterId reg) {
        if (!note.empty()) note += ", ";
        note += analysis::to_string(analysed.lanes.pattern(reg));
      });
    }
  });
  return notes;
}

// Beside the first operation of each block: which lanes run it, and where others may wait.
Notes blocks(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_analysed(settings, module, [&](const ir::Function& function, const AnalysedFunction& analysed) {
    const auto& pending = analysed.lanes.pending();
    notes[function.text.line] = analysed.scheduled() ? "lanes scheduled" : "";
    for (BlockId block = 0; block < analysed.graph.blocks().size(); ++block) {
      std::string note =
          fmt::format("b{}: {}", block, pending.convergent(block) ? "all lanes" : "some lanes");
      for (BlockId other = 0; other < analysed.graph.blocks().size(); ++other) {
        if (pending.during(block)[other]) note += fmt::format(", b{} waits", other);
      }
      if (analysed.lanes.branches()[block].divergent) note += ", lanes part";
      notes[line_of(function, analysed.graph.blocks()[block])] = note;
    }
    if (const auto& refused = analysed.refused_convergence) {
      std::string& note = notes[passes::line_of(function.operations[refused->operation])];
      note += fmt::format("{}refused: {}", note.empty() ? "" : "; ", refused->why);
    }
  });
  return notes;
}

// Beside the first operation of each block: where control goes, what dominates it, where its lanes meet
// behind it.
Notes graph(const Settings&, const AnalysedModule& module) {
  Notes notes;
  for_each_body(module, [&](ir::FunctionId id, const ir::Function& function) {
    const analysis::ControlFlowGraph& found = module.graph(id);
    notes[function.text.line] = found.reducible() ? "" : "a loop with two entries";
    for (BlockId block = 0; block < found.blocks().size(); ++block) {
      const BasicBlock& basic = found.blocks()[block];
      std::string note = block_name(block);
      if (!basic.successors.empty()) note += " to" + joined(basic.successors, block_name);
      if (basic.may_exit) note += ", may leave";
      if (block > 0) note += fmt::format(", behind {}", block_name(basic.immediate_dominator));
      if (basic.successors.size() > 1 && basic.immediate_post_dominator != analysis::kNoBlock)
        note += fmt::format(", meets at {}", block_name(basic.immediate_post_dominator));
      if (basic.loop != analysis::kNoLoop) {
        const analysis::Loop& loop = found.loops()[basic.loop];
        note += fmt::format(", loop {} to {}", block_name(loop.header), block_name(loop.last));
      }
      notes[line_of(function, basic)] = note;
    }
  });
  return notes;
}

// Beside the first operation of each block: the registers that may still be read.
Notes liveness(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_analysed(settings, module, [&](const ir::Function& function, const AnalysedFunction& analysed) {
    for (BlockId block = 0; block < analysed.graph.blocks().size(); ++block) {
      std::string& note = notes[line_of(function, analysed.graph.blocks()[block])];
      note = "live:";
      for (ir::RegisterId reg = 0; reg < function.registers.size(); ++reg) {
        if (analysed.liveness.live_in(block, reg)) note += fmt::format(" %{}", reg);
      }
    }
  });
  return notes;
}

// Beside the kernel: what is true of it whatever the launch. Beside an operation: that it reads the clock,
// that lanes wait at it, that its NaN may keep its payload for now.
Notes facts(const Settings& settings, const AnalysedModule& module) {
  Notes notes;
  for_each_analysed(settings, module, [&](const ir::Function& function, const AnalysedFunction& analysed) {
    for (const ir::Operation& operation : function.operations) {
      std::string note;
      const auto add = [&note](bool holds, std::string_view what) {
        if (holds) note.append(note.empty() ? "" : ", ").append(what);
      };
      bool deferred = false;
      ir::for_each_definition(operation, [&](ir::RegisterId reg) { deferred = analysed.deferred_nans[reg]; });
      add(analysis::reads_clock(operation), "reads the clock");
      add(analysis::waits_for_lanes(operation), "lanes wait");
      add(deferred, "any NaN");
      notes[passes::line_of(operation)] = note;
    }
  });
  for_each_body(module, [&](ir::FunctionId id, const ir::Function& function) {
    if (!function.is_kernel) return;
    const analysis::AnalysedKernel& kernel = module.kernel(id);
    std::string note =
        fmt::format("functions {}, shared {}, dynamic at {}, local {}", kernel.functions.size(),
                    kernel.shared.static_bytes, kernel.shared.dynamic_offset, kernel.local.chain);
    if (kernel.local.recursive) note += ", recursive";
    if (kernel.reads_clock) note += ", reads the clock";
    if (kernel.has_loops) note += ", has loops";
    if (kernel.follows_data) note += ", follows data";
    if (kernel.may_wait_for_others) note += ", may wait for others";
    for (const analysis::SpinLoop& loop : kernel.spin_loops)
      note += fmt::format(", {} in b{} to b{}", loop.by_clock ? "waits for a clock" : "only waits",
                          loop.header, loop.last);
    notes[function.text.line] = note;
  });
  return notes;
}

}  // namespace

const std::map<std::string, Stage>& analysis_stages() {
  static const std::map<std::string, Stage> stages{
      {"lanes", lanes}, {"blocks", blocks}, {"graph", graph}, {"liveness", liveness}, {"facts", facts}};
  return stages;
}

}  // namespace doppel::passes
