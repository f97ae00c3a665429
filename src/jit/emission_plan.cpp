// SPDX-License-Identifier: Apache-2.0
#include "jit/emission_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "analysis/clock_reads.h"
#include "ir/operation.h"

namespace doppel::jit {
namespace {

using analysis::AnalysedFunction;
using analysis::BasicBlock;
using analysis::BlockId;
using ir::Operation;

// Code that runs whole blocks. In longer kernels the step from warp to warp no longer counts, and LLVM would
// keep more values over the loop than the host has registers.
constexpr std::size_t kMostInstructions = 256;
// Registers times blocks. Below, scheduled code is compiled as quickly with promoted registers.
constexpr std::size_t kMostPromoted = 20000;

bool waits_for_block(const Operation& operation) { return ir::row(operation).wait == ir::Wait::Block; }

bool may_wait_or_count(const Operation& operation) {
  return waits_for_block(operation) || operation.op == ir::Op::BarrierArrive ||
         operation.op == ir::Op::ClusterArrive || operation.op == ir::Op::AsyncStore ||
         operation.op == ir::Op::BulkFill || operation.op == ir::Op::LaunchCancel ||
         operation.op == ir::Op::Call || operation.op == ir::Op::AsyncCopy ||
         operation.op == ir::Op::BulkCopy || operation.op == ir::Op::TensorCopy ||
         operation.op == ir::Op::Mbarrier || operation.op == ir::Op::MbarrierTest ||
         analysis::reads_clock(operation);
}

class Planner {
 public:
  Planner(const AnalysedFunction& analysed, const Variant& variant)
      : analysed_(analysed), function_(analysed.function), graph_(analysed.graph), variant_(variant) {}

  EmissionPlan plan() const {
    EmissionPlan plan;
    plan.local = analysis::local_layout(function_);
    plan.parameters = analysis::parameter_layout(function_.parameters);
    plan.entry = entry(plan.local.bytes);
    if (function_.is_kernel && variant_.full_warps) {
      if (leaves_together()) {
        plan.full = FullCode::Only;
      } else if (plan.entry == EntryShape::Block && leaves_where_all_are()) {
        plan.full = FullCode::First;
      }
    }
    plan.of_block = registers_of_blocks();
    const auto places = static_cast<std::size_t>(std::ranges::count(plan.of_block, false));
    plan.registers_in_memory = analysed_.scheduled() && places * graph_.blocks().size() > kMostPromoted;
    return plan;
  }

 private:
  EntryShape entry(std::uint64_t local_bytes) const {
    if (!function_.is_kernel) return EntryShape::Call;
    // Traced and checked code stays on fibres, and so do lane-scheduled kernels: they wait in many more
    // places than at barriers.
    if (analysed_.scheduled() || variant_.build != Build::Plain) return EntryShape::Warp;
    if (std::ranges::any_of(function_.operations, waits_for_block)) return EntryShape::Coroutine;
    // Where no warp ever waits, nor needs memory of its own: without loops, calls, barriers and local memory.
    const bool whole_blocks = graph_.reducible() && graph_.loops().empty() && local_bytes == 0 &&
                              function_.operations.size() <= kMostInstructions &&
                              std::ranges::none_of(function_.operations, may_wait_or_count);
    return whole_blocks ? EntryShape::Block : EntryShape::Warp;
  }

  bool only_leaves(BlockId id) const { return analysis::only_leaves(function_, graph_.blocks()[id]); }

  // Whether lanes can leave the function at the block's end. A block that does nothing else is judged at the
  // edges to it.
  bool lanes_leave_after(BlockId id) const {
    const BasicBlock& block = graph_.blocks()[id];
    if (only_leaves(id) && id != 0) return false;
    return block.may_exit ||
           std::ranges::any_of(block.successors, [&](BlockId successor) { return only_leaves(successor); });
  }

  // Whether lanes leave the function only all at once.
  bool leaves_together() const {
    for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
      const BasicBlock& block = graph_.blocks()[id];
      if (only_leaves(id) && id != 0) continue;  // judged at the edges to it
      for (std::uint32_t i = block.first; i < block.last; ++i) {
        if (function_.operations[i].op == ir::Op::Call) return false;
      }
      if (!lanes_leave_after(id)) continue;
      const Operation& last = function_.operations[block.last - 1];
      const bool uniform = !last.guard || analysed_.lanes.pattern(last.guard->predicate).is_uniform();
      if (!analysed_.lanes.pending().convergent(id) || !uniform || last.op == ir::Op::BranchTable)
        return false;
    }
    return true;
  }

  // Whether the kernel is worth code of its own for warps of which no lane leaves before the others: those of
  // which some do are few, as behind `if (i >= count) return;`. They change over to the general code where it
  // happens, which must be where all lanes are.
  bool leaves_where_all_are() const {
    for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
      if (!lanes_leave_after(id)) continue;
      const analysis::BranchFact& fact = analysed_.lanes.branches()[id];
      if (!analysed_.lanes.pending().convergent(id) || fact.divergent || fact.successors.size() > 1)
        return false;
    }
    return true;
  }

  std::vector<bool> registers_of_blocks() const {
    std::vector<BlockId> home(function_.registers.size(), analysis::kNoBlock);
    std::vector<bool> result(function_.registers.size(), true);
    for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
      const BasicBlock& block = graph_.blocks()[id];
      for (std::uint32_t i = block.first; i < block.last; ++i) {
        const Operation& operation = function_.operations[i];
        const auto see = [&](ir::RegisterId reg) {
          if (home[reg] == analysis::kNoBlock) {
            home[reg] = id;
            result[reg] = !analysed_.liveness.live_in(id, reg);
          }
          if (home[reg] != id) result[reg] = false;
        };
        ir::for_each_use(operation, [&](ir::RegisterId reg) {
          see(reg);
          // The end of a block may be made twice, and be reached from both (FullCode::First).
          if (ir::ends_block(operation)) result[reg] = false;
        });
        ir::for_each_definition(operation, see);
      }
    }
    for (const auto* registers : {&function_.parameter_registers, &function_.return_registers}) {
      for (ir::RegisterId reg : *registers) {
        if (reg < result.size()) result[reg] = false;
      }
    }
    return result;
  }

  const AnalysedFunction& analysed_;
  const ir::Function& function_;
  const analysis::ControlFlowGraph& graph_;
  const Variant& variant_;
};

std::string_view text(EntryShape entry) {
  switch (entry) {
    case EntryShape::Call:
      return "called with some lanes";
    case EntryShape::Warp:
      return "a call runs a warp, on a fibre";
    case EntryShape::Block:
      return "a call runs the warps of a block";
    case EntryShape::Coroutine:
      return "a call runs a warp to its next barrier";
  }
  return "";
}

std::string_view text(FullCode full) {
  switch (full) {
    case FullCode::None:
      return "code for some lanes";
    case FullCode::Only:
      return "code for 32 lanes, which leave together";
    case FullCode::First:
      return "code for 32 lanes, and for some lanes behind the first that leave";
  }
  return "";
}

}  // namespace

EmissionPlan plan_emission(const AnalysedFunction& analysed, const Variant& variant) {
  return Planner(analysed, variant).plan();
}

std::string to_string(const AnalysedFunction& analysed, const EmissionPlan& plan) {
  const auto own = std::ranges::count(plan.of_block, true);
  return fmt::format(
      "{} \"{}\"\n  entry: {}\n  lanes: {}\n  flow: {}\n  registers: {} known in one block only, {} in {}\n"
      "  local memory: {} bytes of a thread\n",
      analysed.function.is_kernel ? "kernel" : "function", analysed.function.name, text(plan.entry),
      text(plan.full), analysis::to_string(analysed.scheduler), own,
      static_cast<std::ptrdiff_t>(plan.of_block.size()) - own,
      plan.registers_in_memory ? "memory" : "slots that LLVM promotes", plan.local.bytes);
}

}  // namespace doppel::jit
