// SPDX-License-Identifier: Apache-2.0
// Basic blocks of one PTX function, their order, dominators and loops.
//
// The blocks are numbered in the order in which a warp visits them when it always runs its lowest-numbered
// pending block: a reverse post-order in which the blocks of a loop are contiguous and every block outside of
// the loop that it can reach comes after all of them. With that order, lanes that diverge meet again at the
// immediate post-dominator in structured code, and each block of a loop body runs at most once in an
// iteration (PTX ISA 3.1 leaves the place of reconvergence open).
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "ir/module.h"

namespace doppel::analysis {

using BlockId = std::uint32_t;
inline constexpr BlockId kNoBlock = std::numeric_limits<BlockId>::max();
using LoopId = std::uint32_t;
inline constexpr LoopId kNoLoop = std::numeric_limits<LoopId>::max();

struct BasicBlock {
  std::uint32_t first = 0;  // instruction range [first, last) of the function
  std::uint32_t last = 0;
  std::vector<BlockId> successors;  // branch target(s) first, fall-through last; no duplicates
  std::vector<BlockId> predecessors;
  BlockId fall_through = kNoBlock;  // the block after it in the text, where control can run into it
  bool may_exit =
      false;  // some lanes can leave the function at its end: ret, exit, trap, or the end of the text
  BlockId immediate_dominator = kNoBlock;
  BlockId immediate_post_dominator = kNoBlock;  // kNoBlock: the function's exit
  LoopId loop = kNoLoop;                        // the innermost loop that holds it
};

struct Loop {
  BlockId header = kNoBlock;
  BlockId last = kNoBlock;  // its blocks are exactly [header, last]
  LoopId parent = kNoLoop;
  std::vector<BlockId> latches;  // blocks with an edge back to the header
  std::vector<BlockId> exits;    // blocks outside with an edge from inside
};

class ControlFlowGraph {
 public:
  // Blocks that cannot be reached are dropped. A block also begins at each instruction of `split_at`; traces
  // and counters know the blocks without such splits only.
  static ControlFlowGraph build(const ir::Function& function, std::span<const std::uint32_t> split_at = {});

  const std::vector<BasicBlock>& blocks() const { return blocks_; }
  const std::vector<Loop>& loops() const { return loops_; }
  // False where a cycle has two entries: then loops() does not describe every cycle, and only the general
  // scheduler may run it.
  bool reducible() const { return reducible_; }
  bool dominates(BlockId above, BlockId below) const;
  BlockId block_of(std::uint32_t operation) const { return block_of_[operation]; }  // kNoBlock: unreachable

 private:
  std::vector<BasicBlock> blocks_;
  std::vector<Loop> loops_;
  std::vector<BlockId> block_of_;
  bool reducible_ = true;
};

}  // namespace doppel::analysis
