// SPDX-License-Identifier: Apache-2.0
#include "machine/block_graph.h"

#include <algorithm>
#include <array>

namespace doppel::machine {
namespace {

bool is_of_shared_memory(const MachineAccess& access) { return access.space == MemorySpace::Shared; }

// What the scheduler expects, in cycles. A cache miss takes longer than any block can cover, so loads only go
// first.
int expected_latency(const MachineFunction& machine, const MachineOperation& operation) {
  if (operation.is_predicate) return 12;
  if (is_tensor(operation.pipe)) return 32;
  switch (operation.pipe) {
    case Pipe::Texture:
      return 120;
    case Pipe::Memory:
      return std::ranges::all_of(machine.accesses(operation), is_of_shared_memory) ? 28 : 120;
    // NOLINTNEXTLINE(bugprone-branch-clone): one case a kind
    case Pipe::Special:
    case Pipe::Convert:
    case Pipe::BitCount:
    case Pipe::SpecialRegister:
    case Pipe::Shuffle:
    case Pipe::WarpReduce:
    case Pipe::ConstantLoad:
      return 24;
    case Pipe::Fp64:
    case Pipe::Convert64:
      return 24;
    case Pipe::Vote:
      return 12;
    default:
      return 5;
  }
}

bool is_fence(const MachineOperation& operation) {
  if (operation.asynchronous == Asynchronous::Closes || operation.asynchronous == Asynchronous::Waits ||
      operation.phase != PhaseStep::None)
    return true;
  return operation.pipe == Pipe::Barrier || operation.pipe == Pipe::Fence || operation.pipe == Pipe::Branch ||
         operation.pipe == Pipe::Nop;
}

}  // namespace

BlockGraphBuilder::BlockGraphBuilder(const MachineFunction& machine, const MachineLiveness& liveness)
    : machine_(machine), liveness_(liveness), current_(machine.value_count(), kNoVersion) {}

BlockGraph BlockGraphBuilder::build(BlockId block) {
  const std::vector<MachineOperation>& operations = machine_.blocks[block].operations;
  BlockGraph graph;
  graph.nodes.resize(operations.size());
  readers_.clear();
  std::vector<ValueId> touched;
  const auto version_of = [&](ValueId value, std::uint32_t definer) {
    if (current_[value] == kNoVersion) touched.push_back(value);
    current_[value] = static_cast<std::uint32_t>(graph.versions.size());
    graph.versions.push_back({value, definer, 0, 0, machine_.value_registers[value], false});
    readers_.emplace_back();
    return current_[value];
  };
  const auto connect = [&](std::uint32_t from, std::uint32_t to, int cycles) {
    if (from == UINT32_MAX || from == to) return;
    // Edges to one operation are made one after the other.
    std::vector<BlockGraph::Edge>& edges = graph.nodes[from].successors;
    if (!edges.empty() && edges.back().to == to) {
      edges.back().cycles = std::max(edges.back().cycles, cycles);
      return;
    }
    edges.push_back({to, cycles});
    ++graph.nodes[to].predecessors;
    graph.nodes[to].predecessor_ids ^= from;
  };
  std::uint32_t fence = UINT32_MAX;
  std::uint32_t after_fence = 0;
  struct Space {
    std::uint32_t store = UINT32_MAX;
    std::vector<std::uint32_t> loads;
  };
  std::array<Space, 4> spaces;
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    const MachineOperation& operation = operations[i];
    BlockGraph::Node& node = graph.nodes[i];
    node.uses = {static_cast<std::uint32_t>(graph.version_list.size()), operation.operands.count};
    for (const ValueId value : machine_.operands(operation)) {
      const std::uint32_t id =
          current_[value] != kNoVersion ? current_[value] : version_of(value, UINT32_MAX);
      graph.version_list.push_back(id);
      BlockGraph::Version& version = graph.versions[id];
      ++version.reads;
      version.readers ^= i;
      readers_[id].push_back(i);
      if (version.definer != UINT32_MAX)
        connect(version.definer, i, expected_latency(machine_, operations[version.definer]));
    }
    node.defines = {static_cast<std::uint32_t>(graph.version_list.size()), operation.results.count};
    for (const ValueId value : machine_.results(operation)) {
      const std::uint32_t before = current_[value];
      if (before != kNoVersion) {
        connect(graph.versions[before].definer, i, 1);
        for (std::uint32_t reader : readers_[before]) connect(reader, i, 1);
      }
      graph.version_list.push_back(version_of(value, i));
    }
    if (is_fence(operation)) {
      for (std::uint32_t before = after_fence; before < i; ++before) connect(before, i, 1);
      connect(fence, i, 1);
      fence = i;
      after_fence = i + 1;
    } else {
      connect(fence, i, 1);
    }
    for (const MachineAccess& access : machine_.accesses(operation)) {
      // Nothing is known of two addresses, so loads pass loads only. Global memory and shared memory are
      // apart.
      Space& space = spaces[static_cast<std::size_t>(access.space)];
      if (access.is_store || operation.is_atomic) {
        connect(space.store, i, 1);
        for (std::uint32_t load : space.loads) connect(load, i, 1);
        space.loads.clear();
        space.store = i;
      } else {
        connect(space.store, i, 1);
        space.loads.push_back(i);
      }
    }
  }
  for (ValueId value : liveness_.at_end(block)) {
    if (current_[value] != kNoVersion) {
      graph.versions[current_[value]].leaves = true;
    } else {
      graph.through += static_cast<int>(machine_.value_registers[value]);
    }
  }
  for (ValueId value : touched) current_[value] = kNoVersion;
  return graph;
}

BlockPressure::BlockPressure(const BlockGraph& graph) : graph_(&graph), live_(graph.through) {
  reads_.reserve(graph.versions.size());
  readers_.reserve(graph.versions.size());
  for (const BlockGraph::Version& version : graph.versions) {
    reads_.push_back(version.reads);
    readers_.push_back(version.readers);
    if (version.definer == UINT32_MAX) live_ += static_cast<int>(version.width);
  }
}

int BlockPressure::change(std::uint32_t operation) const {
  const BlockGraph::Node& node = graph_->nodes[operation];
  int registers = 0;
  for (const std::uint32_t id : graph_->defines(node)) {
    if (graph_->versions[id].reads > 0 || graph_->versions[id].leaves)
      registers += static_cast<int>(graph_->versions[id].width);
  }
  for (const std::uint32_t id : graph_->uses(node)) {
    if (reads_[id] == 1 && !graph_->versions[id].leaves)
      registers -= static_cast<int>(graph_->versions[id].width);
  }
  return registers;
}

int BlockPressure::place(std::uint32_t operation) {
  const BlockGraph::Node& node = graph_->nodes[operation];
  const int before = live_;
  live_ += change(operation);
  for (const std::uint32_t id : graph_->uses(node)) {
    --reads_[id];
    readers_[id] ^= operation;
  }
  return std::max(before, live_);
}

}  // namespace doppel::machine
