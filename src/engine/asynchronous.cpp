// SPDX-License-Identifier: Apache-2.0
#include "engine/asynchronous.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <memory>
#include <type_traits>

#include "engine/access_checker.h"
#include "engine/async_stores.h"
#include "engine/barrier_steps.h"
#include "engine/block.h"
#include "engine/bulk_copies.h"
#include "engine/cluster.h"
#include "engine/grid_run.h"
#include "engine/pending_copies.h"
#include "engine/tensor_copies.h"
#include "engine/worker.h"

namespace doppel::engine {
namespace {

PendingCopies& copies_of(Warp& warp) {
  if (warp.copies == nullptr) warp.copies = std::make_unique<PendingCopies>();
  return *warp.copies;
}

// Mostly all of them.
template <typename Visit>
void for_mostly_all_lanes(std::uint32_t mask, const Visit& visit) {
  if (mask == ~0u) {
    for (std::size_t lane = 0; lane < jit::kWarpLanes; ++lane) visit(lane);
  } else {
    for_each_lane(mask, [&](int lane) { visit(static_cast<std::size_t>(lane)); });
  }
}

// The number of bytes as a constant, of which the loop over lanes is made.
template <typename Do>
void with_bytes(std::uint32_t bytes, const Do& run) {
  if (bytes == 16) {
    run(std::integral_constant<std::size_t, 16>());
  } else if (bytes == 8) {
    run(std::integral_constant<std::size_t, 8>());
  } else {
    run(std::integral_constant<std::size_t, 4>());
  }
}

void read_whole(PendingCopies::Copy& copy, std::uint32_t mask, LaneValues from) {
  with_bytes(copy.bytes, [&](auto bytes) {
    for_mostly_all_lanes(mask, [&](std::size_t lane) {
      std::memcpy(copy.data[lane].data(), reinterpret_cast<const void*>(from[lane]), bytes);
    });
  });
}

// What the warp will read next, where it goes on as it did: rows of a matrix are on pages of their own, where
// the host does not look ahead.
void prefetch_next(PendingCopies& copies, std::uint32_t mask, LaneValues from) {
  constexpr std::int64_t kHostLine = 64;
  if (mask != ~0u) return;
  const std::int64_t step = copies.next_step(from[0]);
  if (step == 0) return;
  std::uint64_t last = 0;
  for (std::size_t lane = 0; lane < jit::kWarpLanes; ++lane) {
    const std::uint64_t next = from[lane] + static_cast<std::uint64_t>(step);
    if (next / kHostLine != last) __builtin_prefetch(reinterpret_cast<const void*>(next), 0, 2);
    last = next / kHostLine;
  }
}

std::optional<Fault> copy(Warp& warp, std::uint32_t mask, Site site, const ir::Operation& operation,
                          LaneValues values) {
  const LaneValues to = values, from = values + jit::kWarpLanes;
  const std::uint32_t bytes = operation.accesses[0].bytes();
  const bool alike = operation.sources.empty() || operation.sources[0].is_immediate();
  const LaneValues counts = values + std::size_t{2} * jit::kWarpLanes;
  // More than are copied is not defined; all are then read.
  const auto read_by = [&](int lane) {
    if (operation.sources.empty()) return bytes;
    return static_cast<std::uint32_t>(std::min<std::uint64_t>(counts[lane], bytes));
  };
  std::uint32_t whole = 0, part = 0;
  if (alike && read_by(0) == bytes) {
    whole = mask;
  } else {
    for_each_lane(mask, [&](int lane) {
      const std::uint32_t count = read_by(lane);
      if (count == bytes) whole |= 1u << lane;
      if (count != bytes && count != 0) part |= 1u << lane;
    });
  }
  // In the order of the accesses, of which the first is made by all lanes.
  if (auto fault = announce_shared(warp, mask, site, to,
                                   access_flags(ir::Space::Shared, bytes, jit::kAccessStore, bytes)))
    return fault;
  if (auto fault = announce_access(warp, whole, site, from, access_flags(ir::Space::Global, bytes, 0, bytes)))
    return fault;
  // Of the others only the first bytes have to be there.
  for (std::uint32_t rest = part; rest != 0; rest &= rest - 1) {
    const int lane = std::countr_zero(rest);
    if (auto fault = announce_access(warp, 1u << lane, site, from,
                                     access_flags(ir::Space::Global, read_by(lane), 0, 1)))
      return fault;
  }
  leave_addresses(warp, from);  // a page fault is one of the reads'

  PendingCopies::Copy& pending = copies_of(warp).add(mask, bytes);
  const auto shared = reinterpret_cast<std::uint64_t>(warp.block->shared.base());
  for_mostly_all_lanes(
      mask, [&](std::size_t lane) { pending.offset[lane] = static_cast<std::uint32_t>(to[lane] - shared); });
  read_whole(pending, whole, from);
  prefetch_next(*warp.copies, whole, from);
  for_each_lane(mask & ~whole, [&](int lane) {
    auto& data = pending.data[static_cast<std::size_t>(lane)];
    data = {};
    std::memcpy(data.data(), reinterpret_cast<const void*>(from[lane]), read_by(lane));
  });
  if (SharedChecker* const checker = warp.block->checker.get()) {
    for_each_lane(
        mask, [&](int lane) { checker->copy_begins(pending.offset[static_cast<std::size_t>(lane)], bytes); });
  }
  return std::nullopt;
}

auto copy_ends(Warp& warp) {
  return [&warp](const PendingCopies::Copy& copy, std::uint32_t lanes) {
    std::byte* const shared = warp.block->shared.base();
    with_bytes(copy.bytes, [&](auto bytes) {
      for_mostly_all_lanes(lanes, [&](std::size_t lane) {
        std::memcpy(shared + copy.offset[lane], copy.data[lane].data(), bytes);
      });
    });
    if (SharedChecker* const checker = warp.block->checker.get()) {
      for_each_lane(lanes, [&](int lane) {
        checker->copy_ends(copy.offset[static_cast<std::size_t>(lane)], copy.bytes, warp.context.warp_id,
                           warp.block->epoch);
      });
    }
  };
}

void wait_for_copies(Warp& warp, std::uint32_t mask, const ir::Operation& operation, LaneValues values) {
  if (warp.copies == nullptr) return;
  warp.copies->waited();
  if (operation.sources.empty()) {
    warp.copies->finish_all(mask, copy_ends(warp));
  } else {
    warp.copies->finish_groups(mask, static_cast<std::uint32_t>(values[0]), copy_ends(warp));
  }
}

// The copies end when somebody looks at the barrier, or the warp ends: the latest that the ISA allows.
std::optional<Fault> arrive_behind_copies(Warp& warp, std::uint32_t mask, Site site, ir::BarrierStep step,
                                          std::uint64_t* values) {
  if (auto fault = announce_arrivals(warp, mask, site, values, step == ir::BarrierStep::Copies)) return fault;
  copies_of(warp).waited();
  PendingCopies::Arrival& arrival = copies_of(warp).add_arrival(mask);
  for_each_lane(mask, [&](int lane) {
    arrival.offset[static_cast<std::size_t>(lane)] = shared_offset(warp, values[lane]);
  });
  arrival.site = site;
  ++warp.block->pending_arrivals;
  return std::nullopt;
}

std::optional<Fault> finish_arrivals(Warp& warp, std::uint32_t barrier, bool any) {
  std::optional<Fault> fault;
  warp.copies->finish_arrivals(
      [&](const PendingCopies::Arrival& arrival) {
        std::uint32_t lanes = 0;
        for_each_lane(arrival.mask, [&](int lane) {
          if (any || arrival.offset[static_cast<std::size_t>(lane)] == barrier) lanes |= 1u << lane;
        });
        return lanes;
      },
      copy_ends(warp),
      [&](const PendingCopies::Arrival& arrival, std::uint32_t lanes) {
        if (!fault) fault = arrive_at(warp, lanes, arrival.site, arrival.offset.data());
        if (lanes == arrival.mask) --warp.block->pending_arrivals;
      });
  return fault;
}

// Of the block's warps.
std::optional<Fault> finish_copies_of(Block& block, std::uint32_t barrier) {
  std::optional<Fault> fault;
  for (std::uint32_t i = 0; i < block.next_fresh && block.pending_arrivals != 0; ++i) {
    Warp& warp = block.warps[i];
    auto found = finish_bulk_copies(warp, barrier);
    if (!found && warp.copies != nullptr) found = finish_arrivals(warp, barrier, false);
    if (found && !fault) fault = std::move(found);
  }
  return fault;
}

// And of those of the other blocks in its cluster, which know the barrier by its place in the cluster.
std::optional<Fault> finish_copies_for(Block& block, std::uint32_t barrier) {
  auto fault = finish_copies_of(block, barrier);
  if (block.cluster == nullptr) return fault;
  for (const auto& other : block.cluster->blocks()) {
    if (other.get() == &block) continue;
    auto found = finish_copies_of(*other, (block.rank + 1) << jit::kClusterRankShift | barrier);
    if (found && !fault) fault = std::move(found);
  }
  return fault;
}

bool any_pending(const Block& block) {
  if (block.cluster == nullptr) return block.pending_arrivals != 0;
  return std::ranges::any_of(block.cluster->blocks(),
                             [](const auto& each) { return each->pending_arrivals != 0; });
}

// What is to arrive does so when somebody looks. Where a phase has not ended, others run first: until it has,
// or until none of them can.
std::optional<Fault> look_at_barrier(Warp& warp, std::uint32_t mask, Site site,
                                     const ir::Operation& operation, std::uint64_t* values) {
  const auto finish_copies = [&] {
    std::optional<Fault> fault;
    for (std::uint32_t rest = mask; rest != 0 && any_pending(*warp.block) && !fault; rest &= rest - 1)
      fault = finish_copies_for(*warp.block, shared_offset(warp, values[std::countr_zero(rest)]));
    return fault;
  };
  if (auto fault = finish_copies()) return fault;
  if (const auto ahead = first_ahead(warp, mask, operation, values)) {
    // Others use the same memory for their operands.
    std::array<std::uint64_t, std::size_t{2} * jit::kWarpLanes> kept;
    std::copy_n(values, kept.size(), kept.begin());
    Worker& worker = *warp.worker;
    warp.state = Warp::State::AtPhase;
    warp.barrier = *ahead;
    worker.suspend_warp(warp, SwitchReason::Barrier);
    if (warp.block->grid->stopped()) worker.leave_warp();
    worker.in_callback = kInAccess;
    std::ranges::copy(kept, values);
    if (auto fault = finish_copies()) return fault;
  }
  return test_barrier(warp, mask, site, operation, values);
}

// All that the warp's lanes have begun.
std::optional<Fault> finish_all(Warp& warp) {
  auto fault = finish_bulk_copies(warp, std::nullopt);
  if (warp.copies == nullptr) return fault;
  if (auto found = finish_arrivals(warp, 0, true); found && !fault) fault = std::move(found);
  warp.copies->finish_all(~0u, copy_ends(warp));
  return fault;
}

// A kernel that never waits does not take the host's memory for that: copies may end at any time.
std::optional<Fault> make_room(Warp& warp) {
  constexpr std::size_t kMostPending = 4096;
  const std::size_t pending =
      (warp.copies != nullptr ? warp.copies->size() : 0) + (warp.bulk != nullptr ? warp.bulk->size() : 0);
  return pending < kMostPending ? std::nullopt : finish_all(warp);
}

}  // namespace

std::optional<Fault> run_asynchronous(Warp& warp, std::uint32_t mask, Site site, std::uint64_t* values) {
  const ir::Module& module = warp.block->grid->launch.module->module();
  const ir::Operation& operation = module.functions[site.function].operations[site.operation];
  if (auto fault = make_room(warp)) return fault;
  switch (operation.op) {
    case ir::Op::AsyncCopy:
      return copy(warp, mask, site, operation, values);
    case ir::Op::AsyncCommit:
      copies_of(warp).close_group(mask);
      return std::nullopt;
    case ir::Op::AsyncWait:
      wait_for_copies(warp, mask, operation, values);
      return std::nullopt;
    case ir::Op::BulkCopy:
      return begin_bulk_copies(warp, mask, site, operation, values);
    case ir::Op::AsyncStore:
      return begin_async_stores(warp, mask, site, operation, values);
    case ir::Op::LaunchCancel:
      return begin_launch_cancel(warp, mask, site, operation, values);
    case ir::Op::BulkFill:
      return fill_with_zeros(warp, mask, site, values);
    case ir::Op::TensorCopy:
      return begin_tensor_copies(warp, mask, site, operation, values);
    case ir::Op::BulkCommit:
      close_bulk_group(warp, mask);
      return std::nullopt;
    case ir::Op::BulkWait:
      return wait_for_bulk_groups(warp, mask, static_cast<std::uint32_t>(values[0]));
    case ir::Op::Mbarrier:
      if (operation.attributes.barrier_step == ir::BarrierStep::Copies ||
          operation.attributes.barrier_step == ir::BarrierStep::CopiesCounted)
        return arrive_behind_copies(warp, mask, site, operation.attributes.barrier_step, values);
      return step_barrier(warp, mask, site, operation, values);
    default:
      return look_at_barrier(warp, mask, site, operation, values);
  }
}

void finish_asynchronous(Warp& warp) {
  auto fault = finish_all(warp);
  if (warp.copies != nullptr) warp.copies->clear();
  if (warp.bulk != nullptr) warp.bulk->clear();
  if (fault) warp.block->grid->fail_with(std::move(*fault));
}

}  // namespace doppel::engine
