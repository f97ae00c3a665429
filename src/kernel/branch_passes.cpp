// Passes over the branches of a function: tidy_branches, convert_ifs, add_reconvergence.
#include <algorithm>

#include "kernel/machine_lowering.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;

const Instruction& last_instruction(const LoweringContext& context, BlockId id) {
  return context.function.instructions[context.graph.blocks()[id].last - 1];
}

bool only_jumps(const LoweringContext& context, BlockId id) {
  const BasicBlock& block = context.graph.blocks()[id];
  const Instruction& last = last_instruction(context, id);
  return block.last - block.first == 1 && last.opcode == Opcode::Bra && !last.guard;
}

bool only_leaves_function(const LoweringContext& context, BlockId id) {
  const BasicBlock& block = context.graph.blocks()[id];
  const Instruction& last = last_instruction(context, id);
  return block.last - block.first == 1 && (last.opcode == Opcode::Ret || last.opcode == Opcode::Exit) &&
         !last.guard;
}

// The branch that ends the block's operations; null where there is none.
MachineOperation* branch_of(MachineBlock& block) {
  if (block.operations.empty() || !block.operations.back().is_branch || block.operations.back().is_call)
    return nullptr;
  return &block.operations.back();
}

bool conditional(const LoweringContext& context, BlockId id) {
  const Instruction& last = last_instruction(context, id);
  return last.opcode == Opcode::Bra && last.guard.has_value();
}

// The assembler predicates at most so many operations rather than jump over them.
constexpr std::size_t kMostPredicated = 7;

bool may_predicate(const LoweringContext& context, const MachineFunction& machine, BlockId id, BlockId from,
                   BlockId join) {
  const BasicBlock& block = context.graph.blocks()[id];
  if (block.predecessors.size() != 1 || block.predecessors[0] != from) return false;
  if (block.successors.size() != 1 || block.successors[0] != join) return false;
  const auto& operations = machine.blocks[id].operations;
  std::size_t count = operations.size();
  for (const MachineOperation& operation : operations) {
    if (operation.is_branch && !operation.is_call) {
      --count;
      continue;
    }
    if (operation.pipe == Pipe::Barrier || operation.pipe == Pipe::Branch || operation.pipe == Pipe::Fence ||
        operation.pipe == Pipe::Shuffle || operation.pipe == Pipe::Vote ||
        operation.pipe == Pipe::WarpReduce || operation.is_call) {
      return false;
    }
  }
  return count <= kMostPredicated;
}

void predicate(const LoweringContext& context, MachineFunction& machine, BlockId id, ValueId guard) {
  MachineBlock& block = machine.blocks[id];
  if (branch_of(block) != nullptr && !conditional(context, id)) block.operations.pop_back();
  for (MachineOperation& operation : block.operations) {
    const auto free = std::ranges::find(operation.operands, kNoValue);
    if (guard != kNoValue && free != operation.operands.end()) *free = guard;
  }
}

}  // namespace

void tidy_branches(const LoweringContext& context, MachineFunction& machine) {
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    MachineOperation* const branch = branch_of(machine.blocks[id]);
    const Instruction& last = last_instruction(context, id);
    if (branch == nullptr || last.opcode != Opcode::Bra || last.guard) continue;
    const BasicBlock& block = context.graph.blocks()[id];
    const BlockId target = block.successors.empty() ? kNoBlock : block.successors[0];
    // A jump that a conditional branch before it takes along, the other way round.
    const bool behind_branch = only_jumps(context, id) && block.predecessors.size() == 1 &&
                               conditional(context, block.predecessors[0]);
    // A jump to a block that nothing else leads to: the two are laid out one after the other.
    const bool sole_way = target != kNoBlock && context.graph.blocks()[target].predecessors.size() == 1;
    if (behind_branch || sole_way) {
      machine.blocks[id].operations.pop_back();
      machine.blocks[id].fall_through = target;
    }
  }
}

void convert_ifs(const LoweringContext& context, MachineFunction& machine) {
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    if (!conditional(context, id) || branch_of(machine.blocks[id]) == nullptr) continue;
    const BasicBlock& block = context.graph.blocks()[id];
    if (block.successors.size() != 2) continue;
    const BlockId target = block.successors[0], next = block.successors[1];
    const ValueId guard = branch_of(machine.blocks[id])->operands[0];
    if (may_predicate(context, machine, next, id, target)) {
      machine.blocks[id].operations.pop_back();
      machine.blocks[id].predicated = next;
      machine.blocks[id].fall_through = next;
      machine.blocks[next].fall_through = target;
      predicate(context, machine, next, guard);
    } else if (may_predicate(context, machine, target, id, next)) {
      machine.blocks[id].operations.pop_back();
      machine.blocks[id].predicated = target;
      machine.blocks[id].fall_through = target;
      machine.blocks[target].fall_through = next;
      predicate(context, machine, target, guard);
    } else {
      const auto& after = context.graph.blocks()[next].successors;
      if (after.size() != 1) continue;
      const BlockId join = after[0];
      if (!may_predicate(context, machine, next, id, join) ||
          !may_predicate(context, machine, target, id, join))
        continue;
      // In the order in which a warp visits them.
      const BlockId first = std::min(next, target), second = std::max(next, target);
      machine.blocks[id].operations.pop_back();
      machine.blocks[id].predicated = first;
      machine.blocks[id].fall_through = first;
      machine.blocks[first].predicated = second;
      machine.blocks[first].fall_through = second;
      machine.blocks[second].fall_through = join;
      predicate(context, machine, first, guard);
      predicate(context, machine, second, guard);
    }
  }
}

void add_reconvergence(const LoweringContext& context, MachineFunction& machine) {
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    MachineOperation* const branch = branch_of(machine.blocks[id]);
    if (branch == nullptr || !conditional(context, id)) continue;
    const Instruction& last = last_instruction(context, id);
    if (!context.roles[last.guard->predicate].varying) continue;
    const BasicBlock& block = context.graph.blocks()[id];
    const BlockId join = block.immediate_post_dominator;
    if (join == kNoBlock || only_leaves_function(context, join))
      continue;  // lanes that leave need not meet again
    // A loop's own branches: its lanes meet at its end, where the barrier was set before the loop.
    bool backward = false;
    for (BlockId target : block.successors) backward = backward || target <= id;
    if (backward) continue;
    MachineOperation set;
    set.mnemonic = "BSSY";
    set.pipe = Pipe::Branch;
    set.instruction = branch->instruction;
    MachineOperation sync = set;
    sync.mnemonic = "BSYNC";
    machine.blocks[id].operations.insert(machine.blocks[id].operations.end() - 1, set);
    machine.blocks[join].operations.insert(machine.blocks[join].operations.begin(), sync);
  }
}

}  // namespace doppel::kernel
