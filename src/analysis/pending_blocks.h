// SPDX-License-Identifier: Apache-2.0
// Where else lanes of a warp may wait while one block runs: the static shadow of divergence.
//
// A warp always runs its lowest-numbered pending block, and goes round a loop after all of its body's pending
// blocks have run. A block during which nothing else can be pending runs with all lanes that are left: it is
// convergent.
#pragma once

#include <optional>
#include <vector>

#include "analysis/control_flow_graph.h"

namespace doppel::analysis {

using BlockSet = std::vector<bool>;  // by BlockId

// Where the lanes of a block go, as far as is known. An edge to a block that only leaves the function is left
// out: its lanes are gone at once, so they wait nowhere.
struct BranchFact {
  std::vector<BlockId> successors;
  bool divergent = false;  // lanes of one warp can take different successors
};

class PendingBlocks {
 public:
  // The order of structured code (see above). `graph` must be reducible.
  static PendingBlocks structured(const ControlFlowGraph& graph, const std::vector<BranchFact>& branches);
  // Any pending block may run at any time.
  static PendingBlocks scheduled(const ControlFlowGraph& graph, const std::vector<BranchFact>& branches);

  // Blocks at whose start other lanes may wait while `block` runs.
  const BlockSet& during(BlockId block) const { return during_[block]; }
  bool convergent(BlockId block) const { return convergent_[block]; }
  // True where the block is entered by a test of its pending lanes rather than by a jump of all lanes.
  bool tested(BlockId block) const { return tested_[block]; }

  // Structured order: the first block that a warp tries after `block` when lanes may wait in `pending`;
  // kNoBlock: none is left.
  static BlockId next(const ControlFlowGraph& graph, BlockId block, const BlockSet& pending);
  // The blocks that may be pending when `block` has run.
  BlockSet after(const std::vector<BranchFact>& branches, BlockId block) const;

 private:
  std::vector<BlockSet> during_;
  std::vector<bool> convergent_;
  std::vector<bool> tested_;
};

}  // namespace doppel::analysis
