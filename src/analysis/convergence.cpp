// SPDX-License-Identifier: Apache-2.0
#include "analysis/convergence.h"

#include <algorithm>
#include <vector>

namespace doppel::analysis {
namespace {

using ir::Op;
using ir::Operation;

bool is_of(const Operation& operation, Op op, std::uint64_t barrier) {
  return operation.op == op && operation.sources[0].immediate == barrier;
}

// Where lanes that a barrier holds may be: from where it is set to where they wait for it or leave it.
class Holders {
 public:
  Holders(const ir::Function& function, const ControlFlowGraph& graph, std::uint64_t barrier)
      : function_(function), graph_(graph), barrier_(barrier), at_begin_(graph.blocks().size(), false) {
    for (BlockId id = 0; id < graph.blocks().size(); ++id) {
      for (std::uint32_t i = graph.blocks()[id].first; i < graph.blocks()[id].last; ++i) {
        if (is_of(function.operations[i], Op::ConvergeSet, barrier)) follow(id, i + 1);
      }
    }
  }
  bool at_begin(BlockId block) const { return at_begin_[block]; }

 private:
  void follow(BlockId from, std::uint32_t at) {
    std::vector<std::pair<BlockId, std::uint32_t>> work{{from, at}};
    while (!work.empty()) {
      const auto [block, first] = work.back();
      work.pop_back();
      for (const BlockId next : behind(block, first)) {
        if (at_begin_[next]) continue;
        at_begin_[next] = true;
        work.emplace_back(next, graph_.blocks()[next].first);
      }
    }
  }

  // The blocks to which such lanes go from operation `at` of the block.
  std::vector<BlockId> behind(BlockId id, std::uint32_t at) const {
    const BasicBlock& block = graph_.blocks()[id];
    const Operation* left = nullptr;
    for (; at < block.last; ++at) {
      const Operation& operation = function_.operations[at];
      if (is_of(operation, Op::ConvergeWait, barrier_)) return {};
      if (is_of(operation, Op::ConvergeBreak, barrier_)) {
        if (!operation.guard) return {};
        left = &operation;
      } else if (left != nullptr && writes(operation, left->guard->predicate)) {
        left = nullptr;
      }
    }
    // Lanes that leave it under the branch's own guard are those that take the branch.
    const Operation& last = function_.operations[block.last - 1];
    const bool only_falls_through = left != nullptr && ir::ends_block(last) && last.guard == left->guard &&
                                    block.fall_through != kNoBlock;
    return only_falls_through ? std::vector<BlockId>{block.fall_through} : block.successors;
  }

  static bool writes(const Operation& operation, ir::RegisterId reg) {
    bool found = false;
    ir::for_each_definition(operation, [&](ir::RegisterId each) { found = found || each == reg; });
    return found;
  }

  const ir::Function& function_;
  const ControlFlowGraph& graph_;
  std::uint64_t barrier_;
  std::vector<bool> at_begin_;
};

bool sees_lanes(const Operation& operation) {
  const ir::OperationRow& row = ir::row(operation);
  return row.lanes == ir::LaneEffect::Shared && row.wait == ir::Wait::Never;
}

// The same lanes are here, whatever meets elsewhere.
bool has_one_way_here(const ir::Function& function, const ControlFlowGraph& graph, BlockId id) {
  for (;;) {
    const BasicBlock& block = graph.blocks()[id];
    if (function.operations[block.first].op == Op::ConvergeWait) return true;
    if (block.predecessors.empty()) return true;
    if (block.predecessors.size() > 1 || id == 0) return false;
    id = block.predecessors[0];
  }
}

}  // namespace

bool states_convergence(const ir::Function& function) {
  return std::ranges::any_of(function.operations,
                             [](const Operation& each) { return each.op == Op::ConvergeSet; });
}

std::optional<ConvergenceRefusal> refused_convergence(const ir::Function& function,
                                                      const ControlFlowGraph& graph,
                                                      const PendingBlocks& pending, bool scheduled) {
  if (!states_convergence(function)) return std::nullopt;
  for (BlockId id = 0; id < graph.blocks().size(); ++id) {
    for (std::uint32_t i = graph.blocks()[id].first; i < graph.blocks()[id].last; ++i) {
      const Operation& operation = function.operations[i];
      if (operation.op == Op::ConvergeWait) {
        if (scheduled) return ConvergenceRefusal{i, "lanes of this function run in an order of their own"};
        const Holders holders(function, graph, operation.sources[0].immediate);
        for (BlockId other = 0; other < graph.blocks().size(); ++other) {
          if (other != id && pending.during(id)[other] && holders.at_begin(other))
            return ConvergenceRefusal{i, "lanes that it waits for may be elsewhere"};
        }
      }
      if (sees_lanes(operation) && !has_one_way_here(function, graph, id))
        return ConvergenceRefusal{i, "lanes may be here that the function has not let meet"};
    }
  }
  return std::nullopt;
}

}  // namespace doppel::analysis
