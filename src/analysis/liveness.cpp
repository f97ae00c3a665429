// SPDX-License-Identifier: Apache-2.0
#include "analysis/liveness.h"

#include "ir/operation.h"

namespace doppel::analysis {

Liveness Liveness::build(const ir::Function& function, const ControlFlowGraph& graph) {
  Liveness result;
  const std::size_t words = (function.registers.size() + 63) / 64;
  const std::size_t blocks = graph.blocks().size();
  result.words_ = words;
  result.live_in_.assign(words * blocks, 0);
  std::vector<std::uint64_t> used(words * blocks, 0), killed(words * blocks, 0);

  for (BlockId id = 0; id < blocks; ++id) {
    std::uint64_t* use = used.data() + id * words;
    std::uint64_t* kill = killed.data() + id * words;
    for (std::uint32_t i = graph.blocks()[id].first; i < graph.blocks()[id].last; ++i) {
      const ir::Operation& operation = function.operations[i];
      for_each_use(operation, [&](ir::RegisterId reg) {
        if ((kill[reg / 64] >> (reg % 64) & 1) == 0) use[reg / 64] |= std::uint64_t{1} << (reg % 64);
      });
      if (operation.guard) continue;
      for_each_definition(operation,
                          [&](ir::RegisterId reg) { kill[reg / 64] |= std::uint64_t{1} << (reg % 64); });
    }
  }
  // The registers that hold a function's results are read by its callers.
  std::vector<std::uint64_t> at_exit(words, 0);
  for (std::size_t i = 0; i < function.return_registers.size(); ++i) {
    if (function.return_parameters[i].space != ir::Space::Reg) continue;
    const ir::RegisterId reg = function.return_registers[i];
    at_exit[reg / 64] |= std::uint64_t{1} << (reg % 64);
  }

  for (bool changed = true; changed;) {
    changed = false;
    for (auto id = static_cast<BlockId>(blocks); id-- > 0;) {
      const BasicBlock& block = graph.blocks()[id];
      for (std::size_t word = 0; word < words; ++word) {
        std::uint64_t out = block.may_exit ? at_exit[word] : 0;
        for (BlockId successor : block.successors) out |= result.live_in_[successor * words + word];
        const std::uint64_t in = used[id * words + word] | (out & ~killed[id * words + word]);
        if (in != result.live_in_[id * words + word]) {
          result.live_in_[id * words + word] = in;
          changed = true;
        }
      }
    }
  }
  return result;
}

}  // namespace doppel::analysis
