// SPDX-License-Identifier: Apache-2.0
// Passes over the branches of a function: tidy_branches, convert_ifs, add_reconvergence,
// merge_straight_lines.
#include <algorithm>

#include "analysis/convergence.h"
#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

using ir::Op;
using ir::Operation;

const Operation& last_instruction(const LoweringContext& context, BlockId id) {
  return context.function.operations[context.graph.blocks()[id].last - 1];
}

bool only_jumps(const LoweringContext& context, BlockId id) {
  const BasicBlock& block = context.graph.blocks()[id];
  const Operation& last = last_instruction(context, id);
  return block.last - block.first == 1 && last.op == Op::Branch && !last.guard;
}

bool only_leaves_function(const LoweringContext& context, BlockId id) {
  const BasicBlock& block = context.graph.blocks()[id];
  const Operation& last = last_instruction(context, id);
  return block.last - block.first == 1 && (last.op == Op::Return || last.op == Op::Exit) && !last.guard;
}

// The branch that ends the block's operations; null where there is none.
MachineOperation* branch_of(MachineBlock& block) {
  if (block.operations.empty() || !block.operations.back().is_branch || block.operations.back().is_call)
    return nullptr;
  return &block.operations.back();
}

bool conditional(const LoweringContext& context, BlockId id) {
  const Operation& last = last_instruction(context, id);
  return last.op == Op::Branch && last.guard.has_value();
}

// The assembler predicates at most so many operations rather than jump over them.
constexpr std::size_t kMostPredicated = 7;
// Longer straight lines stay apart: nothing is gained there.
constexpr std::size_t kLongestLine = 4096;

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
        operation.pipe == Pipe::WarpReduce || is_tensor(operation.pipe) || operation.is_call) {
      return false;
    }
  }
  return count <= kMostPredicated;
}

class IfConversion {
 public:
  IfConversion(const LoweringContext& context, MachineFunction& machine)
      : context_(context), machine_(machine), definitions_(machine.value_count(), 0) {
    for (const MachineBlock& block : machine.blocks) {
      for (const MachineOperation& operation : block.operations) {
        for (const ValueId id : machine.results(operation)) ++definitions_[id];
      }
    }
  }

  // The block's operations run under `guard`, behind block `before`. `or_else`: a block behind it, of the
  // other lanes.
  void predicate(BlockId id, BlockId before, ValueId guard, BlockId or_else = kNoBlock) {
    MachineBlock& block = machine_.blocks[id];
    if (branch_of(block) != nullptr && !conditional(context_, id)) block.operations.pop_back();
    for (MachineOperation& operation : block.operations) {
      machine_.add_operand(operation, guard);
      // The lanes without the guard keep what was there, unless they get theirs later.
      for (std::uint32_t i = 0; i < operation.results.count; ++i) {
        const ValueId result = machine_.results(operation)[i];
        if (definitions_[result] > 1 && !defines(or_else, result)) machine_.add_operand(operation, result);
      }
    }
    machine_.blocks[before].merged.push_back(id);
    machine_.blocks[before].fall_through = id;
  }

 private:
  bool defines(BlockId id, ValueId value) const {
    if (id == kNoBlock) return false;
    return std::ranges::any_of(machine_.blocks[id].operations, [&](const MachineOperation& operation) {
      return machine_.writes(operation, value);
    });
  }

  const LoweringContext& context_;
  MachineFunction& machine_;
  std::vector<std::uint32_t> definitions_;  // by value
};

}  // namespace

void tidy_branches(const LoweringContext& context, MachineFunction& machine) {
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    MachineOperation* const branch = branch_of(machine.blocks[id]);
    const Operation& last = last_instruction(context, id);
    if (branch == nullptr || last.op != Op::Branch || last.guard) continue;
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
  IfConversion conversion(context, machine);
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    if (!conditional(context, id) || branch_of(machine.blocks[id]) == nullptr) continue;
    const BasicBlock& block = context.graph.blocks()[id];
    if (block.successors.size() != 2) continue;
    const BlockId target = block.successors[0], next = block.successors[1];
    const std::span<const ValueId> read = machine.operands(*branch_of(machine.blocks[id]));
    const ValueId guard = read.empty() ? kNoValue : read[0];
    if (may_predicate(context, machine, next, id, target)) {
      machine.blocks[id].operations.pop_back();
      conversion.predicate(next, id, guard);
      machine.blocks[next].fall_through = target;
    } else if (may_predicate(context, machine, target, id, next)) {
      machine.blocks[id].operations.pop_back();
      conversion.predicate(target, id, guard);
      machine.blocks[target].fall_through = next;
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
      conversion.predicate(first, id, guard, second);
      conversion.predicate(second, first, guard);
      machine.blocks[second].fall_through = join;
    }
  }
}

void add_reconvergence(const LoweringContext& context, MachineFunction& machine) {
  if (analysis::states_convergence(context.function)) return;    // its own are there
  std::vector<std::vector<BlockId>> set(machine.blocks.size());  // by join: where its barrier is set
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    MachineOperation* const branch = branch_of(machine.blocks[id]);
    if (branch == nullptr || !conditional(context, id)) continue;
    const Operation& last = last_instruction(context, id);
    if (!context.roles[last.guard->predicate].varying) continue;
    const BasicBlock& block = context.graph.blocks()[id];
    const BlockId join = block.immediate_post_dominator;
    if (join == kNoBlock || only_leaves_function(context, join))
      continue;  // lanes that leave need not meet again
    // A loop's own branches: its lanes meet at its end, where the barrier was set before the loop.
    bool backward = false;
    for (BlockId target : block.successors) backward = backward || target <= id;
    if (backward) continue;
    // Branches that meet where an earlier one does share its barrier.
    if (std::ranges::any_of(set[join], [&](BlockId earlier) { return context.graph.dominates(earlier, id); }))
      continue;
    MachineOperation barrier;
    barrier.mnemonic = "BSSY";
    barrier.pipe = Pipe::Branch;
    barrier.instruction = branch->instruction;
    MachineOperation sync = barrier;
    sync.mnemonic = "BSYNC";
    machine.blocks[id].operations.insert(machine.blocks[id].operations.end() - 1, barrier);
    if (set[join].empty())
      machine.blocks[join].operations.insert(machine.blocks[join].operations.begin(), sync);
    set[join].push_back(id);
  }
}

void merge_straight_lines(const LoweringContext& context, MachineFunction& machine) {
  const auto& blocks = context.graph.blocks();
  const auto calls = [&](BlockId id) {
    return std::ranges::any_of(machine.blocks[id].operations, &MachineOperation::is_call);
  };
  std::vector<BlockId> head(machine.blocks.size(), kNoBlock);  // the block that a merged one is part of
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    if (head[id] != kNoBlock) continue;
    MachineBlock& block = machine.blocks[id];
    std::vector<BlockId> line;
    for (BlockId last = id;;) {
      const BlockId next = machine.blocks[last].fall_through;
      const MachineBlock& end = machine.blocks[last];
      const bool leaves = !end.operations.empty() && end.operations.back().is_branch;
      // A warp visits blocks in ascending order; only what comes from this line may come to the next one.
      if (leaves || next == kNoBlock || next <= last || blocks[last].may_exit || calls(last) || calls(next) ||
          machine.blocks[last].operations.size() > kLongestLine)
        break;
      const auto from_line = [&](BlockId from) {
        return from == id || std::ranges::find(line, from) != line.end();
      };
      if (!std::ranges::all_of(blocks[next].predecessors, from_line)) break;
      line.push_back(next);
      head[next] = id;
      last = next;
    }
    block.merged = line;
    for (BlockId next : line) {
      MachineBlock& other = machine.blocks[next];
      for (MachineOperation& operation : other.operations) {
        for (MachineAccess& access : machine.accesses(operation)) {
          if (access.rank != kNoAccess) access.rank += block.accesses;
        }
      }
      block.operations.insert(block.operations.end(), other.operations.begin(), other.operations.end());
      block.access_instructions.insert(block.access_instructions.end(), other.access_instructions.begin(),
                                       other.access_instructions.end());
      block.accesses += other.accesses;
      block.fall_through = other.fall_through;
      other.operations.clear();
      other.access_instructions.clear();
      other.accesses = 0;
    }
  }
}

}  // namespace doppel::machine
