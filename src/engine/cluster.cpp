// SPDX-License-Identifier: Apache-2.0
#include "engine/cluster.h"

#include <algorithm>

#include "engine/access_checker.h"
#include "engine/grid_run.h"

namespace doppel::engine {
namespace {

template <typename Visit>
void for_each_warp(std::span<const std::unique_ptr<Block>> blocks, const Visit& visit) {
  for (const auto& block : blocks) {
    for (std::uint32_t i = 0; i < block->warp_count; ++i) visit(block->warps[i]);
  }
}

bool waits_for_cluster(const Warp& warp) {
  return warp.in_cluster && warp.state == Warp::State::AtBarrier && warp.barrier == jit::kClusterBarrier;
}

}  // namespace

Cluster::Cluster() = default;
Cluster::~Cluster() = default;

std::unique_ptr<Cluster> Cluster::make(std::uint32_t blocks, std::uint32_t warps, std::uint32_t bytes) {
  auto cluster = std::make_unique<Cluster>();
  std::vector<SharedWindow*> windows;
  for (std::uint32_t rank = 0; rank < blocks; ++rank) {
    auto block = std::make_unique<Block>();
    block->cluster = cluster.get();
    block->rank = rank;
    windows.push_back(&block->shared);
    cluster->blocks_.push_back(std::move(block));
  }
  cluster->warps_ = warps;
  cluster->bytes_ = bytes;
  return SharedWindow::join(windows, bytes) ? std::move(cluster) : nullptr;
}

void Cluster::begin() {
  ended_ = 0;
  missing_ = 0;
  for_each_warp(blocks_, [&](Warp& warp) {
    warp.in_cluster = true;
    warp.has_arrived = false;
    warp.arrived_lanes = 0;
    ++missing_;
  });
}

void Cluster::note_arrival(Warp& warp, std::uint32_t live) {
  if (warp.has_arrived || (live & ~warp.arrived_lanes) != 0) return;
  warp.has_arrived = true;
  if (--missing_ == 0) complete();
}

void Cluster::arrive(Warp& warp, std::uint32_t mask, std::uint32_t live) {
  warp.arrived_lanes |= mask;
  note_arrival(warp, live);
}

bool Cluster::wait(Warp& warp, std::uint32_t mask, std::uint32_t live) {
  note_arrival(warp, live);  // others have exited since
  if ((warp.arrived_lanes & mask) == 0) return false;
  warp.state = Warp::State::AtBarrier;
  warp.barrier = jit::kClusterBarrier;
  warp.barrier_mask = mask;
  return true;
}

void Cluster::left(Warp& warp) {
  warp.in_cluster = false;
  if (!warp.has_arrived && --missing_ == 0) complete();
}

// What was done before it in any block comes before what is done behind it in any other.
void Cluster::complete() {
  if (blocks_[0]->grid->kernel->analysed->reads_clock) share_time();
  missing_ = 0;
  for_each_warp(blocks_, [&](Warp& warp) {
    if (!warp.in_cluster) return;
    if (waits_for_cluster(warp)) warp.state = Warp::State::Ready;
    warp.has_arrived = false;
    warp.arrived_lanes = 0;
    ++missing_;
  });
  blocks_[0]->next_epoch();
}

void Cluster::share_time() {
  std::uint64_t latest = 0;
  for_each_warp(blocks_, [&](const Warp& warp) {
    if (waits_for_cluster(warp)) latest = std::max(latest, cycles_of(warp));
  });
  for_each_warp(blocks_, [&](Warp& warp) {
    if (waits_for_cluster(warp)) warp.waited_cycles += latest - cycles_of(warp);
  });
}

bool Cluster::is_stuck() const {
  bool stuck = true;
  for (const auto& block : blocks_) {
    stuck = stuck && block->next_fresh == block->warp_count;
    for (std::uint32_t i = 0; i < block->next_fresh && stuck; ++i) {
      const Warp& warp = block->warps[i];
      stuck = !warp.in_cluster || warp.state == Warp::State::AtBarrier;
    }
  }
  return stuck;
}

}  // namespace doppel::engine
