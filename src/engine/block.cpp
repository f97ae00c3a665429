// SPDX-License-Identifier: Apache-2.0
#include "engine/block.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "engine/access_checker.h"
#include "engine/cluster.h"
#include "engine/grid_run.h"

namespace doppel::engine {
namespace {

std::uint32_t result_of(const Barrier& barrier) {
  switch (barrier.mode) {
    case ir::BarrierMode::RedPopc:
      return barrier.population;
    case ir::BarrierMode::RedAnd:
      return barrier.all ? 1 : 0;
    case ir::BarrierMode::RedOr:
      return barrier.any ? 1 : 0;
    default:
      return 0;
  }
}

}  // namespace

std::byte* CoroutineFrames::get(std::uint32_t warp, std::uint32_t warps, std::size_t bytes) {
  // An odd number of pieces, so that the frames do not meet in the same few sets of the host's first cache.
  const std::size_t stride =
      ((bytes + jit::kFrameAlignment - 1) / jit::kFrameAlignment | 1) * jit::kFrameAlignment;
  // Only the first warp of a block can find too little: nobody has a frame then.
  if (stride * warps > bytes_) {
    memory_.reset(static_cast<std::byte*>(std::aligned_alloc(jit::kFrameAlignment, stride * warps)));
    bytes_ = memory_ != nullptr ? stride * warps : 0;
  }
  return memory_ != nullptr ? memory_.get() + stride * warp : nullptr;
}

std::uint64_t cycles_of(const Warp& warp) {
  constexpr std::uint64_t kDependentIssueCycles = 4;
  constexpr std::uint64_t kSubCores = 4;
  const Launch& launch = warp.block->grid->launch;
  const std::uint64_t blocks_per_sm = std::min<std::uint64_t>(
      launch.resident_blocks_per_sm, (launch.config.grid.count() + launch.sm_count - 1) / launch.sm_count);
  const std::uint64_t warps = blocks_per_sm * warp.context.warps_per_block;
  return warp.issued * std::max(kDependentIssueCycles, (warps + kSubCores - 1) / kSubCores) +
         warp.slept_cycles + warp.waited_cycles;
}

void Block::share_time(std::uint32_t number) {
  std::uint64_t latest = 0;
  for (std::uint32_t i = 0; i < next_fresh; ++i) {
    if (waits_at(warps[i], number)) latest = std::max(latest, cycles_of(warps[i]));
  }
  for (std::uint32_t i = 0; i < next_fresh; ++i) {
    if (waits_at(warps[i], number)) warps[i].waited_cycles += latest - cycles_of(warps[i]);
  }
}

void Block::complete(Barrier& barrier) {
  const std::uint32_t result = result_of(barrier);
  const auto number = static_cast<std::uint32_t>(&barrier - barriers.data());
  if (grid->kernel->analysed->reads_clock) share_time(number);
  for (std::uint32_t i = 0; i < next_fresh; ++i) {
    Warp& warp = warps[i];
    if (!waits_at(warp, number)) continue;
    warp.state = Warp::State::Ready;
    warp.context.barrier_result = result;
  }
  barrier = {};
  open_barriers &= ~(1u << number);
  next_epoch();
}

void Block::leave_cluster(Warp& warp) { cluster->left(warp); }

void Block::next_epoch() {
  if (cluster == nullptr) {
    ++epoch;
    return;
  }
  for (const auto& each : cluster->blocks()) ++each->epoch;
}

Block::Place Block::place_of(std::uint64_t offset) {
  const std::uint64_t behind = offset >> jit::kClusterRankShift;
  if (cluster == nullptr || behind == 0 || behind > cluster->blocks().size()) return {this, offset};
  return {cluster->blocks()[behind - 1].get(), offset & ((std::uint64_t{1} << jit::kClusterRankShift) - 1)};
}

std::uint64_t Block::window_offset(std::uint64_t address) const {
  const std::uint64_t own = address - reinterpret_cast<std::uint64_t>(shared.base());
  if (cluster == nullptr) return own;
  const std::uint64_t rank_bits = std::uint64_t{rank + 1} << jit::kClusterRankShift;
  constexpr std::uint64_t kInBlock = (std::uint64_t{1} << jit::kClusterRankShift) - 1;
  if (own < SharedWindow::kBytes) return (own & ~kInBlock) == rank_bits ? own & kInBlock : own;
  for (const auto& other : cluster->blocks()) {
    if (!other->shared.contains(address)) continue;
    const std::uint64_t there = address - reinterpret_cast<std::uint64_t>(other->shared.base());
    if (there > kInBlock) return (there & ~kInBlock) == rank_bits ? there & kInBlock : there;
    return std::uint64_t{other->rank + 1} << jit::kClusterRankShift | there;
  }
  return own;
}

void Block::complete_without() {
  for (std::uint32_t open = open_barriers; open != 0; open &= open - 1) {
    Barrier& barrier = barriers[static_cast<std::size_t>(std::countr_zero(open))];
    if (barrier.expected == 0 && full(barrier)) complete(barrier);
  }
}

std::string Block::describe_deadlock() const {
  std::string text = "every warp of the block waits at a barrier that cannot be completed:";
  std::string at_cluster;
  for (std::uint32_t i = 0; i < next_fresh; ++i) {
    if (warps[i].state == Warp::State::AtBarrier && warps[i].barrier == jit::kClusterBarrier)
      at_cluster += fmt::format(" {}", i);
  }
  if (!at_cluster.empty())
    text += fmt::format(" that of the cluster: warps{} of the block of rank {} wait;", at_cluster, rank);
  for (std::uint32_t number = 0; number < kBarriers; ++number) {
    const Barrier& barrier = barriers[number];
    std::string waiting;
    for (std::uint32_t i = 0; i < next_fresh; ++i) {
      if (waits_at(warps[i], number)) waiting += fmt::format(" {}", i);
    }
    if (waiting.empty()) continue;
    text += fmt::format(" barrier {}: warps{}", number, waiting);
    const std::uint32_t expected = barrier.expected != 0 ? barrier.expected : running * jit::kWarpLanes;
    text += fmt::format(" wait, {} of {} threads arrived;", barrier.arrived, expected);
  }
  text.pop_back();
  return text;
}

}  // namespace doppel::engine
