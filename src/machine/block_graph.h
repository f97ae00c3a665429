// SPDX-License-Identifier: Apache-2.0
// One basic block of machine operations as a graph: what must come before what, and which values live how
// long. What the scheduler and the estimate of registers work on.
#pragma once

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "machine/machine_liveness.h"
#include "machine/machine_operation.h"

namespace doppel::machine {

inline constexpr std::uint32_t kNoVersion = UINT32_MAX;

struct BlockGraph {
  // What one definition of a value in the block holds, or what the value held when the block began.
  struct Version {
    ValueId value = kNoValue;
    std::uint32_t definer = UINT32_MAX;  // the operation; UINT32_MAX: live when the block begins
    std::uint32_t reads = 0;             // operations that read it
    std::uint32_t readers = 0;           // their numbers, exclusive-or
    std::uint32_t width = 0;             // 32-bit registers
    bool leaves = false;                 // live when the block ends
  };
  struct Edge {
    std::uint32_t to = 0;
    int cycles = 0;  // that a scheduler wants between the two
  };
  struct Node {
    ListPart uses, defines;             // of version_list
    std::vector<Edge> successors;       // each operation once
    std::uint32_t predecessors = 0;     // operations
    std::uint32_t predecessor_ids = 0;  // their numbers, exclusive-or
  };
  std::vector<Node> nodes;  // by operation
  std::vector<Version> versions;
  std::vector<std::uint32_t> version_list;
  std::span<const std::uint32_t> uses(const Node& node) const {
    return {version_list.data() + node.uses.first, node.uses.count};
  }
  std::span<const std::uint32_t> defines(const Node& node) const {
    return {version_list.data() + node.defines.first, node.defines.count};
  }
  int through = 0;  // registers of values that are live all through the block and not touched in it
};

// Builds the graphs of one function's blocks. Keeps tables by value, so that each costs what its block is
// long.
class BlockGraphBuilder {
 public:
  BlockGraphBuilder(const MachineFunction& machine, const MachineLiveness& liveness);
  BlockGraph build(BlockId block);

 private:
  const MachineFunction& machine_;
  const MachineLiveness& liveness_;
  std::vector<std::uint32_t> current_;               // by value: its version now
  std::vector<std::vector<std::uint32_t>> readers_;  // by version: since it was made
};

// Registers that are in use as operations of a block are placed one after the other.
class BlockPressure {
 public:
  explicit BlockPressure(const BlockGraph& graph);
  int live() const { return live_; }
  // By how much placing it changes live().
  int change(std::uint32_t operation) const;
  // Registers in use while it runs: its operands' and its results', as far as they do not share.
  int place(std::uint32_t operation);
  std::uint32_t reads_left(std::uint32_t version) const { return reads_[version]; }
  // The one operation that still reads it, where reads_left is 1.
  std::uint32_t last_reader(std::uint32_t version) const { return readers_[version]; }

 private:
  const BlockGraph* graph_;
  std::vector<std::uint32_t> reads_, readers_;
  int live_ = 0;
};

}  // namespace doppel::machine
