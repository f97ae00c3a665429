// SPDX-License-Identifier: Apache-2.0
// Which registers may still be read, at the start of each basic block.
#pragma once

#include <span>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "ir/module.h"

namespace doppel::analysis {

class Liveness {
 public:
  static Liveness build(const ir::Function& function, const ControlFlowGraph& graph);

  // True where some path from the start of `block` reads `reg` before writing it. A guarded write does not
  // end a live range: the lanes whose guard is false keep the old value.
  bool live_in(BlockId block, ir::RegisterId reg) const {
    return (live_in_[block * words_ + reg / 64] >> (reg % 64) & 1) != 0;
  }
  // The same for all registers, 64 a word.
  std::span<const std::uint64_t> live_in(BlockId block) const {
    return {live_in_.data() + block * words_, words_};
  }

 private:
  std::size_t words_ = 0;
  std::vector<std::uint64_t> live_in_;  // words_ a block
};

}  // namespace doppel::analysis
