// SPDX-License-Identifier: Apache-2.0
#include "reference/machine.h"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <memory>

#include "reference/execute.h"

namespace doppel::reference {

namespace {

// Instructions a thread may run before the next one gets its turn: small enough that a thread that spins on
// another's store is soon answered, large enough that plain code is not slowed down.
constexpr int kThreadTurn = 256;
// Rounds over a block's threads before the next block gets its turn: blocks that wait for each other all move
// on.
constexpr int kBlockTurn = 64;

std::unique_ptr<Block> make_block(const ptx::Module& module, const ModuleLayout& layout, Memory& memory,
                                  const Launch& launch, const ptx::Function& kernel, Dim3 ctaid,
                                  std::uint64_t* steps) {
  auto block = std::make_unique<Block>();
  block->module = &module;
  block->layout = &layout;
  block->memory = &memory;
  block->launch = &launch;
  block->steps_left = steps;
  block->ctaid = ctaid;
  block->shared.resize(layout.static_shared_size + launch.dynamic_shared_bytes);
  block->threads.resize(launch.block.count());
  std::uint32_t index = 0;
  for (Thread& t : block->threads) {
    const Dim3& n = launch.block;
    t.index = index;
    t.tid = {index % n.x, index / n.x % n.y, index / (n.x * n.y)};
    enter(*block, t, kernel);
    ++index;
  }
  return block;
}

std::string where(const Block& block, const Thread& t) {
  const Frame& frame = t.frame();
  std::string at = "the end";
  if (frame.next < frame.function->instructions.size()) {
    const ptx::Instruction& in = t.instruction();
    at = fmt::format("line {}: {}", in.text.line, in.form);
  }
  return fmt::format("{}, block ({},{},{}), thread ({},{},{}), {}", frame.function->name, block.ctaid.x,
                     block.ctaid.y, block.ctaid.z, t.tid.x, t.tid.y, t.tid.z, at);
}

// Stuck: nothing moved, and somebody lives.
enum class Progress { Finished, Waiting, Stuck };

// One turn of a thread. Returns whether it did anything.
bool run_thread(Block& block, Thread& t) {
  bool moved = false;
  try {
    for (int i = 0; i < kThreadTurn && !t.exited && t.wait == Wait::None; ++i) {
      if ((*block.steps_left)-- == 0) throw Fault("the launch takes more instructions than its limit");
      step(block, t);
      moved = true;
    }
  } catch (const std::exception& e) {
    throw Fault(fmt::format("{}: {}", where(block, t), e.what()));
  }
  return moved;
}

Progress run_block(Block& block) {
  for (int turn = 0; turn < kBlockTurn; ++turn) {
    bool moved = false;
    bool live = false;
    for (Thread& t : block.threads) {
      moved |= run_thread(block, t);
      live |= !t.exited;
    }
    if (!live) return Progress::Finished;
    for (std::size_t first = 0; first < block.threads.size(); first += 32) {
      moved |= settle_activemask(block, block.threads[first]);
    }
    if (!moved) return turn == 0 ? Progress::Stuck : Progress::Waiting;
  }
  return Progress::Waiting;
}

// All of its blocks get a turn.
Progress run_cluster(Cluster& cluster) {
  bool finished = true, stuck = true;
  for (const auto& block : cluster.blocks) {
    const Progress progress = run_block(*block);
    settle_cluster_barrier(cluster);
    finished = finished && progress == Progress::Finished;
    stuck = stuck && progress != Progress::Waiting;
  }
  if (finished) return Progress::Finished;
  if (!stuck) return Progress::Waiting;
  for (const auto& block : cluster.blocks) {
    for (const Thread& t : block->threads) {
      // A barrier that has just been completed is one that they can go on from.
      if (!t.exited && t.wait == Wait::None) return Progress::Waiting;
    }
  }
  for (const auto& block : cluster.blocks) {
    for (const Thread& t : block->threads) {
      if (!t.exited) throw Fault(where(*block, t) + ": every thread waits, and none can go on");
    }
  }
  return Progress::Finished;
}

Dim3 place_in(const Dim3& n, std::uint64_t index) {
  return {static_cast<std::uint32_t>(index % n.x), static_cast<std::uint32_t>(index / n.x % n.y),
          static_cast<std::uint32_t>(index / (std::uint64_t{n.x} * n.y))};
}

Dim3 cluster_extent(const ptx::Function& kernel) {
  const auto& blocks = kernel.bounds.required_cluster;
  return {std::max(blocks[0], 1U), std::max(blocks[1], 1U), std::max(blocks[2], 1U)};
}

}  // namespace

Machine::Machine(const ptx::Module& module) : module_(module), layout_(lay_out(module, memory_)) {}

Result<void> Machine::run(const Launch& launch) {
  const ptx::Function* kernel = module_.find_function(launch.kernel);
  if (kernel == nullptr || !kernel->is_kernel) {
    return fail(Error::Kind::NotFound, fmt::format("no kernel {}", launch.kernel));
  }
  std::uint64_t steps = launch.step_limit;
  const Dim3 extent = cluster_extent(*kernel);
  if (launch.grid.x % extent.x != 0 || launch.grid.y % extent.y != 0 || launch.grid.z % extent.z != 0)
    return fail(Error::Kind::InvalidArgument, "the grid is not made of clusters");
  const Dim3 clusters{launch.grid.x / extent.x, launch.grid.y / extent.y, launch.grid.z / extent.z};
  std::deque<std::unique_ptr<Cluster>> live;
  std::uint64_t next = 0;
  try {
    while (next < clusters.count() || !live.empty()) {
      // One that did not end in its turn goes behind the next new one.
      if (next < clusters.count()) {
        const Dim3 at = place_in(clusters, next++);
        auto cluster = std::make_unique<Cluster>();
        cluster->extent = extent;
        for (std::uint32_t rank = 0; rank < extent.count(); ++rank) {
          const Dim3 in = place_in(extent, rank);
          const Dim3 ctaid{at.x * extent.x + in.x, at.y * extent.y + in.y, at.z * extent.z + in.z};
          cluster->blocks.push_back(make_block(module_, layout_, memory_, launch, *kernel, ctaid, &steps));
          cluster->blocks.back()->cluster = cluster.get();
          cluster->blocks.back()->rank = rank;
        }
        live.push_front(std::move(cluster));
      }
      std::unique_ptr<Cluster> cluster = std::move(live.front());
      live.pop_front();
      if (run_cluster(*cluster) == Progress::Waiting) live.push_back(std::move(cluster));
    }
  } catch (const std::exception& e) {
    return fail(Error::Kind::Internal, e.what());
  }
  return {};
}

}  // namespace doppel::reference
