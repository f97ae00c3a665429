#include "kernel/warp_progress.h"

#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::MemorySemantics;
using ptx::Opcode;

// What it reads may change while a lane waits for it.
bool reads_shared_state(const Instruction& instruction) {
  if (instruction.opcode == Opcode::Atom) return true;
  if (instruction.opcode != Opcode::Ld) return false;
  return instruction.modifiers.semantics != MemorySemantics::None &&
         instruction.modifiers.semantics != MemorySemantics::Weak;
}

// Registers whose value hangs on such a read.
std::vector<bool> tainted_registers(const ptx::Function& function) {
  std::vector<bool> tainted(function.registers.size(), false);
  for (bool changed = true; changed;) {
    changed = false;
    for (const Instruction& instruction : function.instructions) {
      bool hangs = reads_shared_state(instruction);
      if (!hangs) for_each_use(instruction, [&](ptx::RegisterId reg) { hangs |= tainted[reg]; });
      if (!hangs) continue;
      for_each_definition(instruction, [&](ptx::RegisterId reg) {
        changed |= !tainted[reg];
        tainted[reg] = true;
      });
    }
  }
  return tainted;
}

}  // namespace

bool waits_for_lanes(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Shfl:
    case Opcode::Vote:
    case Opcode::Match:
    case Opcode::Redux:
    case Opcode::Elect:
    case Opcode::BarWarpSync:
      return true;
    case Opcode::Bar:
      return instruction.modifiers.barrier != ptx::BarrierMode::Arrive;
    default:
      return false;
  }
}

std::vector<std::uint32_t> waiting_points(const ptx::Function& function) {
  std::vector<std::uint32_t> points;
  for (std::uint32_t i = 0; i < function.instructions.size(); ++i) {
    if (!waits_for_lanes(function.instructions[i])) continue;
    points.push_back(i);
    points.push_back(i + 1);
  }
  return points;
}

bool needs_scheduler(const ptx::Function& function, const ControlFlowGraph& graph,
                     const LaneAnalysis& analysis) {
  if (!graph.reducible()) return true;
  bool shared_state = false;
  for (BlockId id = 0; id < graph.blocks().size(); ++id) {
    const BasicBlock& block = graph.blocks()[id];
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Instruction& instruction = function.instructions[i];
      if (waits_for_lanes(instruction) && !analysis.pending().convergent(id)) return true;
      shared_state |= reads_shared_state(instruction);
    }
  }
  if (!shared_state) return false;
  const std::vector<bool> tainted = tainted_registers(function);
  for (const Loop& loop : graph.loops()) {
    bool diverges = false, hangs = false;
    for (BlockId id = loop.header; id <= loop.last; ++id) {
      diverges |= !analysis.pending().convergent(id) || analysis.branches()[id].divergent;
      const Instruction& last = function.instructions[graph.blocks()[id].last - 1];
      hangs |= last.opcode == Opcode::Bra && last.guard && tainted[last.guard->predicate];
    }
    if (diverges && hangs) return true;
  }
  return false;
}

}  // namespace doppel::kernel
