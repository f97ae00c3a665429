// SPDX-License-Identifier: Apache-2.0
// For one function and one shape of launch: each register's lane pattern, which branches diverge, where lanes
// may wait, and which writes must keep the old value of the lanes that do not take part.
#pragma once

#include <functional>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "analysis/lane_basis.h"
#include "analysis/lane_pattern.h"
#include "analysis/liveness.h"
#include "analysis/pending_blocks.h"

namespace doppel::analysis {

struct LaneAnalysisOptions {
  LaneBasis basis;
  bool scheduled = false;  // lanes run in any order: the (pc, mask) scheduler
  bool is_kernel = true;   // a device function starts with some lanes only, and with parameters that vary
};

class LaneAnalysis {
 public:
  static LaneAnalysis build(const ir::Function& function, const ControlFlowGraph& graph,
                            const Liveness& liveness, const LaneAnalysisOptions& options);

  const LanePattern& pattern(ir::RegisterId reg) const { return patterns_[reg]; }
  // What a source of one of its operations holds; `bits`: the width of what is no register.
  LanePattern operand_pattern(const ir::Operand& operand, int bits) const;
  LanePattern address_pattern(const ir::Address& address) const;  // of its base
  const PendingBlocks& pending() const { return pending_; }
  const std::vector<BranchFact>& branches() const { return branches_; }
  // True where a write of `reg` in `block` must leave the lanes outside of the mask as they were.
  bool keeps_old_lanes(ir::RegisterId reg, BlockId block) const;
  // The pattern of a special register.
  LanePattern special_pattern(const ir::Operand& operand) const;

 private:
  void find_branches(bool first);
  void find_kept_registers();
  bool update_patterns();
  LanePattern result_pattern(const ir::Operation& operation, ir::RegisterId reg) const;
  bool loads_own_memory(const ir::Operation& operation) const;

  const ir::Function* function_ = nullptr;
  const ControlFlowGraph* graph_ = nullptr;
  const Liveness* liveness_ = nullptr;
  LaneAnalysisOptions options_;
  std::vector<LanePattern> patterns_;
  std::vector<BranchFact> branches_;
  PendingBlocks pending_;
  // For each block the place in `kept_` of the registers that are live where lanes may wait during it. Many
  // blocks share one set.
  std::vector<std::uint32_t> kept_set_;
  std::vector<std::vector<std::uint64_t>> kept_;  // 64 registers a word
};

// True for a block that does nothing but leave the function: lanes that branch to it are gone at once.
bool only_leaves(const ir::Function& function, const BasicBlock& block);

}  // namespace doppel::analysis
