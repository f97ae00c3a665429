// SPDX-License-Identifier: Apache-2.0
// What the registers of a loop hang on, from round to round.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "analysis/liveness.h"
#include "ir/module.h"

namespace doppel::analysis {

using Registers = std::vector<bool>;  // by register

bool reads_any(const ir::Operation& operation, const Registers& set);

// Refers to all that it is made of.
class LoopValues {
 public:
  LoopValues(const ir::Function& function, const ControlFlowGraph& graph, const Liveness& liveness,
             const Loop& loop)
      : function_(function), graph_(graph), liveness_(liveness), loop_(loop) {}

  const ir::Function& function() const { return function_; }
  const ControlFlowGraph& graph() const { return graph_; }
  const Loop& loop() const { return loop_; }
  Registers none() const {
    Registers set(function_.registers.size(), false);
    return set;
  }
  bool holds(std::uint32_t operation) const {
    const BlockId block = graph_.block_of(operation);
    return block != kNoBlock && block >= loop_.header && block <= loop_.last;
  }

  template <typename Visit>  // (operation, its index in the function)
  void for_each_operation(const Visit& visit) const {
    for (BlockId block = loop_.header; block <= loop_.last; ++block) {
      const BasicBlock& basic = graph_.blocks()[block];
      for (std::uint32_t i = basic.first; i < basic.last; ++i) visit(function_.operations[i], i);
    }
  }

  // Registers that an operation of the loop makes for which that holds, and what is computed from them in it.
  template <typename Holds>
  Registers made_by(const Holds& holds) const {
    Registers set = none();
    for_each_operation([&](const ir::Operation& each, std::uint32_t) {
      if (holds(each)) for_each_definition(each, [&](ir::RegisterId reg) { set[reg] = true; });
    });
    close_over_uses(set);
    return set;
  }
  // Grows a set by what is computed from it in the loop.
  void close_over_uses(Registers& set) const;
  // Registers whose value in one round hangs on their own value in the round before, and what is computed
  // from them.
  Registers grown() const;
  // Whether a round leaves the same behind as any other, where registers of `grown` are the ones that differ:
  // none of them is an address, is stored, tested or read behind the loop. But for how long a round sleeps.
  bool rounds_are_alike(const Registers& grown) const;

 private:
  const ir::Function& function_;
  const ControlFlowGraph& graph_;
  const Liveness& liveness_;
  const Loop& loop_;
};

}  // namespace doppel::analysis
