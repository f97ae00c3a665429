// SPDX-License-Identifier: Apache-2.0
#include "engine/worker.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <bit>

#include "engine/access_checker.h"
#include "engine/callbacks.h"
#include "engine/fault_report.h"
#include "engine/launch_shape.h"
#include "engine/matrix_products.h"
#include "engine/signals.h"

namespace doppel::engine {
namespace {

// Rounds in which no warp got further before another block is started beside those that wait.
constexpr unsigned kIdleRoundsBeforeMore = 32;
// ... and before the launch says that it waits for somebody else.
constexpr unsigned kIdleRoundsBeforeWaiting = 256;
// Times that a block's loops gave way (each after some ten thousand instructions of a warp) after which
// others get their turn, although its barriers complete: it may wait for another block in a loop with
// barriers.
constexpr unsigned kYieldsBeforeOthers = 256;
// A worker claims up to so many blocks at once, and no more than a sixteenth of its share of what is left:
// each claim makes the host's stores wait for each other.
constexpr std::uint64_t kMostClaimed = 16;
constexpr std::uint64_t kClaimsOfShare = 16;

}  // namespace

Worker::Worker() : matrix_products(std::make_unique<MatrixProducts>()) {}
Worker::~Worker() = default;

void GridRun::fail_with(Fault found) {
  const std::lock_guard lock(mutex);
  if (!fault) fault = std::move(found);
  stop = true;
}

void Worker::run(GridRun& the_grid) {
  grid = &the_grid;
  ++grids_;
  claimed_ = claimed_end_ = 0;
  const SignalScope signals(*this);
  counters.resize(std::max(counters.size(), std::size_t{2} * the_grid.kernel->analysed->counter_slots));
  unsigned idle_rounds = 0;
  bool counted_as_spinning = false;
  const auto set_spinning = [&](bool spinning) {
    if (spinning == counted_as_spinning) return;
    counted_as_spinning = spinning;
    spinning ? ++the_grid.spinning_workers : --the_grid.spinning_workers;
    if (the_grid.launch.waiting != nullptr) {
      const std::lock_guard lock(the_grid.mutex);
      *the_grid.launch.waiting = the_grid.spinning_workers == the_grid.helpers + 1;
    }
  };
  while (true) {
    if (resident_.empty() && !start()) break;
    bool progress = false;
    unsigned finished = 0;
    for (std::size_t i = 0; i < resident_.size();) {
      const BlockState state = run_block(*resident_[i]);
      if (state == BlockState::Stopped) the_grid.cut_short = true;
      if (state == BlockState::Spinning || state == BlockState::Waiting) {
        progress = progress || state == BlockState::Waiting;
        ++i;
        continue;
      }
      progress = true;
      ++finished;
      finish_block(*resident_[i]);
      resident_.erase(resident_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (resident_.empty()) continue;
    if (progress) {
      idle_rounds = 0;
      set_spinning(false);
      while (finished-- > 0 && start()) {
      }
      continue;
    }
    ++idle_rounds;
    // All that are here wait: perhaps for blocks that have not started. Doubling keeps the way to a full card
    // short.
    if (idle_rounds >= kIdleRoundsBeforeMore || the_grid.launch.config.cooperative) {
      for (std::size_t more = resident_.size(); more > 0 && start(); --more) idle_rounds = 0;
    }
    if (idle_rounds >= kIdleRoundsBeforeWaiting) set_spinning(true);
    sched_yield();
  }
  set_spinning(false);
  collect_counters();
  grid = nullptr;
}

// The next block, or cluster, that this worker may start. Other workers do not wait for those that it has
// claimed: it starts them in their order, and one at a time even where no more may be resident, so that a
// block which waits for an earlier one never waits for a claimed one for good.
std::optional<std::uint64_t> Worker::claim_block() {
  if (claimed_ == claimed_end_) {
    const std::uint64_t next = grid->next_start.load(std::memory_order_relaxed);
    if (next >= grid->starts) return std::nullopt;
    const std::uint64_t count =
        std::clamp<std::uint64_t>((grid->starts - next) / (kClaimsOfShare * grid->threads), 1, kMostClaimed);
    claimed_ = grid->next_start.fetch_add(count, std::memory_order_relaxed);
    claimed_end_ = std::min(claimed_ + count, grid->starts);
    if (claimed_ >= grid->starts) {
      claimed_ = claimed_end_ = 0;
      return std::nullopt;
    }
  }
  const std::uint64_t index = claimed_++;
  if (!grid->launch.traced_only) return index;
  return grid->cluster_blocks == 0 ? grid->launch.traced_blocks[index] : grid->traced_clusters[index];
}

bool Worker::start() {
  if (grid->stopped()) {
    if (claimed_ < claimed_end_ || grid->next_start < grid->starts) grid->cut_short = true;
    return false;
  }
  return grid->cluster_blocks == 0 ? start_block() != nullptr : start_cluster();
}

Block* Worker::start_block() {
  // Count first, so that no more than the limit are ever resident.
  if (grid->resident.fetch_add(1) >= grid->residency_limit && !resident_.empty()) {
    --grid->resident;
    return nullptr;
  }
  const std::optional<std::uint64_t> index = claim_block();
  if (!index) {
    --grid->resident;
    return nullptr;
  }
  if (free_blocks_.empty()) {
    all_blocks_.push_back(std::make_unique<Block>());
    free_blocks_.push_back(all_blocks_.back().get());
  }
  Block* block = free_blocks_.back();
  free_blocks_.pop_back();
  begin(*block, *index);
  resident_.push_back(block);
  return block;
}

// On a fibre, where all warps of the block have ended: it goes on as the grid's next block, where nobody else
// has to be looked after first. Cheaper than finish_block() and start_block(), which small blocks are mostly
// made of.
bool Worker::renew(Block& block) {
  if (block.running != 0 || resident_.size() != 1 || block.cluster != nullptr || grid->stopped())
    return false;
  const std::optional<std::uint64_t> index = claim_block();
  if (!index) return false;
  block.reset_barriers();
  yields_ = 0;
  begin(block, *index);
  return true;
}

// Makes it the block of that index, with all its warps still to start.
void Worker::begin(Block& block, std::uint64_t index) {
  const Launch& launch = grid->launch;
  const bool known_grid = block.prepared_for == grids_;
  // Blocks are dealt to the SMs in turn, as an idle card does.
  if (known_grid && index == block.index + 1 && block.ctaid.x + 1 < launch.config.grid.x) {
    ++block.ctaid.x;
    block.sm_id = block.sm_id + 1 == launch.sm_count ? 0 : block.sm_id + 1;
  } else {
    block.ctaid = block_at(launch.config.grid, index);
    block.sm_id = static_cast<std::uint32_t>(index % launch.sm_count);
  }
  block.index = index;
  block.running = grid->warps_per_block;
  block.next_fresh = 0;
  block.epoch = 0;
  if (!known_grid) {
    block.grid = grid;
    block.warp_count = grid->warps_per_block;
    if (block.warp_capacity < block.warp_count) {
      block.warps = std::make_unique<Warp[]>(block.warp_count);
      block.warp_capacity = block.warp_count;
      // No address that an access could have had, until one has been noted.
      for (std::uint32_t i = 0; i < block.warp_count; ++i) {
        std::fill_n(block.warps[i].context.access_addresses, jit::kWarpLanes, ~std::uint64_t{0});
      }
    }
    if (block.cluster == nullptr && !block.shared.fit(std::max<std::uint32_t>(grid->shared_bytes, 1))) {
      grid->fail_with(out_of_memory("the shared memory of a block"));
      return;
    }
    // In a grid's next block those of the last one are done.
    for (std::uint32_t i = 0; i < block.warp_count; ++i) block.warps[i].state = Warp::State::Fresh;
    block.prepared_for = grids_;
  }
  if (grid->kernel->analysed->uses_reserved_shared) block.shared.clear_reserved();
  block.trace = nullptr;
  if (grid->traced_entry != nullptr) {
    const auto& traced = launch.traced_blocks;
    const auto found = std::ranges::lower_bound(traced, index);
    if (found != traced.end() && *found == index) {
      block.trace = &grid->outcome.traces[static_cast<std::size_t>(found - traced.begin())];
      block.trace->warps.resize(block.warp_count);
    }
  }
  if (launch.check) {
    if (block.checker == nullptr) block.checker = std::make_unique<SharedChecker>();
    block.checker->reset(grid->shared_bytes);
  }
}

void Worker::finish_block(Block& block) {
  if (block.cluster != nullptr) return end_in_cluster(block);
  reset_block(block);
  free_blocks_.push_back(&block);
  --grid->resident;
}

void Worker::reset_block(Block& block) {
  block.reset_barriers();
  for (std::uint32_t i = 0; i < std::min(block.next_fresh, block.warp_count); ++i) {
    Warp& warp = block.warps[i];
    const bool suspended = warp.state == Warp::State::Ready || warp.state == Warp::State::AtBarrier ||
                           warp.state == Warp::State::AtPhase;
    if (suspended && warp.fiber != nullptr) {  // abandoned
      warp.fiber->reset();
      fibers_.give_back(warp.fiber);
      warp.fiber = nullptr;
    }
  }
}

Worker::BlockState Worker::run_block(Block& block) {
  yields_ = 0;
  bool got_further = false;
  while (true) {
    if (grid->stopped()) return BlockState::Stopped;
    bool progress = false;
    bool any_ready = false;
    const std::uint32_t started = block.next_fresh;
    for (std::uint32_t i = 0; i < started; ++i) {
      Warp& warp = block.warps[i];
      if (warp.state != Warp::State::Ready) continue;
      any_ready = true;
      progress = resume_warp(warp) || progress;
      if (grid->stopped()) return BlockState::Stopped;
    }
    while (block.next_fresh < block.warp_count) {
      any_ready = true;
      progress = run_from(block, block.next_fresh) || progress;
      if (grid->stopped()) return BlockState::Stopped;
    }
    if (block.running == 0) return BlockState::Finished;
    // They look in vain, once, and others may run.
    if (!any_ready && block.wake_all_at_phases())
      return got_further && block.cluster != nullptr ? BlockState::Waiting : BlockState::Spinning;
    if (!any_ready && block.cluster != nullptr && !block.cluster->is_stuck())
      return got_further ? BlockState::Waiting : BlockState::Spinning;
    if (!any_ready) {
      Warp* first = nullptr;
      for (std::uint32_t i = 0; i < block.warp_count && first == nullptr; ++i) {
        if (block.warps[i].state == Warp::State::AtBarrier) first = &block.warps[i];
      }
      Fault fault = fault_of_warp(*first, first->barrier_mask);
      fault.kind = Fault::Kind::Deadlock;
      fault.message = block.describe_deadlock();
      grid->fail_with(std::move(fault));
      return BlockState::Stopped;
    }
    if (!progress || yields_ >= kYieldsBeforeOthers) return BlockState::Spinning;
    got_further = true;
  }
}

Worker::Issued Worker::count_instructions() const {
  Issued sum;
  std::size_t next = 0;
  for (const auto& [first, last] : grid->kernel->slot_ranges) {
    for (std::uint32_t slot = first; slot < last; ++slot)
      sum.all += counters[std::size_t{2} * slot] * grid->kernel->slot_instructions[next++];
  }
  for (const auto& [slot, instructions] : grid->kernel->clock_slots)
    sum.in_waits += counters[std::size_t{2} * slot] * instructions;
  return sum;
}

void Worker::note_issued(Warp& warp) {
  const Issued now = count_instructions();
  warp.issued += now.all - counted_at_switch_.all;
  warp.issued_in_waits += now.in_waits - counted_at_switch_.in_waits;
  counted_at_switch_ = now;
}

void Worker::collect_counters() {
  const std::lock_guard lock(grid->mutex);
  auto& counts = grid->outcome.counts;
  for (const auto& [first, last] : grid->kernel->slot_ranges) {
    for (std::uint32_t slot = first; slot < last; ++slot) {
      std::uint64_t* words = &counters[std::size_t{2} * slot];
      counts[slot].warps += words[0];
      counts[slot].lanes += words[1];
      words[0] = words[1] = 0;
    }
  }
}

}  // namespace doppel::engine
