// SPDX-License-Identifier: Apache-2.0
#include "analysis/warp_progress.h"

#include <algorithm>

#include "ir/operation.h"

namespace doppel::analysis {

using ir::MemoryEffect;
using ir::Operation;

bool reads_shared_state(const Operation& operation) {
  const MemoryEffect effect = ir::row(operation).memory;
  if (effect == MemoryEffect::Atomic) return true;
  return effect == MemoryEffect::Load && operation.accesses[0].is_strong();
}

namespace {

// Registers whose value hangs on such a read.
std::vector<bool> tainted_registers(const ir::Function& function) {
  std::vector<bool> tainted(function.registers.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Operation& operation : function.operations) {
      bool hangs = reads_shared_state(operation);
      if (!hangs) for_each_use(operation, [&](ir::RegisterId reg) { hangs |= tainted[reg]; });
      if (!hangs) continue;
      for_each_definition(operation, [&](ir::RegisterId reg) {
        changed |= !tainted[reg];
        tainted[reg] = true;
      });
    }
  }
  return tainted;
}

bool ends_on(const Operation& last, const std::vector<bool>& registers) {
  return last.op == ir::Op::Branch && last.guard && registers[last.guard->predicate];
}

}  // namespace

bool waits_for_lanes(const Operation& operation) {
  const ir::Wait wait = ir::row(operation).wait;
  return wait == ir::Wait::Warp || wait == ir::Wait::Block;
}

std::vector<std::uint32_t> waiting_points(const ir::Function& function) {
  std::vector<std::uint32_t> points;
  for (std::uint32_t i = 0; i < function.operations.size(); ++i) {
    if (!waits_for_lanes(function.operations[i])) continue;
    points.push_back(i);
    points.push_back(i + 1);
  }
  return points;
}

bool loops_on_memory(const ir::Function& function, const ControlFlowGraph& graph) {
  if (std::ranges::none_of(function.operations, reads_shared_state)) return false;
  if (!graph.reducible()) return true;
  const std::vector<bool> tainted = tainted_registers(function);
  for (const BasicBlock& block : graph.blocks()) {
    const Operation& last = function.operations[block.last - 1];
    if (block.loop != kNoLoop && ends_on(last, tainted)) return true;
  }
  return false;
}

SchedulerReason needs_scheduler(const ir::Function& function, const ControlFlowGraph& graph,
                                const LaneAnalysis& analysis) {
  if (!graph.reducible()) return SchedulerReason::Irreducible;
  bool shared_state = false;
  for (BlockId id = 0; id < graph.blocks().size(); ++id) {
    const BasicBlock& block = graph.blocks()[id];
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Operation& operation = function.operations[i];
      if (waits_for_lanes(operation) && !analysis.pending().convergent(id))
        return SchedulerReason::WaitsApart;
      shared_state |= reads_shared_state(operation);
    }
  }
  if (!shared_state) return SchedulerReason::None;
  const std::vector<bool> tainted = tainted_registers(function);
  for (const Loop& loop : graph.loops()) {
    bool diverges = false, hangs = false;
    for (BlockId id = loop.header; id <= loop.last; ++id) {
      diverges |= !analysis.pending().convergent(id) || analysis.branches()[id].divergent;
      const Operation& last = function.operations[graph.blocks()[id].last - 1];
      hangs |= ends_on(last, tainted);
    }
    if (diverges && hangs) return SchedulerReason::SpinsApart;
  }
  return SchedulerReason::None;
}

}  // namespace doppel::analysis
