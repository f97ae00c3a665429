// SPDX-License-Identifier: Apache-2.0
#include "engine/barrier_steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/block.h"
#include "engine/fault_report.h"
#include "engine/grid_run.h"
#include "engine/mbarrier.h"
#include "engine/trace_recorder.h"

namespace doppel::engine {

using ir::BarrierStep;

void BarrierPhases::clear() {
  if (used_ == 0) return;
  numbers_.clear();
  used_ = 0;
}

BarrierPhases::Numbers& BarrierPhases::of(std::uint32_t offset) {
  Numbers& numbers = numbers_[offset];
  if (numbers.current == 0) numbers.current = ++used_;
  return numbers;
}

void BarrierPhases::completed(std::uint32_t offset) {
  Numbers& numbers = of(offset);
  numbers = {numbers.current, ++used_};
}

namespace {

constexpr std::uint32_t kBytes = 8;

std::uint64_t load(const Warp& warp, std::uint32_t offset) {
  std::uint64_t bits = 0;
  std::memcpy(&bits, warp.block->shared.base() + offset, kBytes);
  return bits;
}

void store(Warp& warp, std::uint32_t offset, std::uint64_t bits) {
  std::memcpy(warp.block->shared.base() + offset, &bits, kBytes);
}

Fault wrong(const Warp& warp, int lane, Site site, std::uint32_t offset, std::string why) {
  Fault fault = fault_of_warp(warp, 1u << lane);
  fault.kind = Fault::Kind::WrongBarrier;
  name_instruction(fault, warp.block->grid->launch.module->module(), site.function, site.operation);
  fault.address = offset;
  fault.bytes = kBytes;
  fault.space = "shared";
  fault.message = std::move(why);
  return fault;
}

std::string not_made(std::uint32_t offset) {
  return fmt::format("no mbarrier.init has made the barrier at offset {} of shared memory", offset);
}

// Ends the phase where that was the last that it waited for. Whoever waits for it comes behind what those who
// have arrived did before.
void settle(Warp& warp, std::uint32_t offset, Mbarrier& barrier) {
  if (!barrier.settle()) return;
  const auto [block, in_block] = warp.block->place_of(offset);
  block->next_epoch();
  block->wake_at_phase(static_cast<std::uint32_t>(in_block));
  if (block->trace != nullptr) block->phases.completed(static_cast<std::uint32_t>(in_block));
}

// A step other than init and inval; empty where all is well.
std::string take_step(BarrierStep step, std::uint64_t count, Mbarrier& barrier) {
  const bool expects = step == BarrierStep::ExpectTx || step == BarrierStep::ArriveExpectTx ||
                       step == BarrierStep::DropExpectTx;
  const bool drops =
      step == BarrierStep::Drop || step == BarrierStep::DropExpectTx || step == BarrierStep::DropNoComplete;
  const bool of_bytes = expects || step == BarrierStep::CompleteTx;
  if (of_bytes) {
    if (count > static_cast<std::uint64_t>(Mbarrier::kMostTx))
      return fmt::format("a transaction count of {}; {} is the most", count, Mbarrier::kMostTx);
    barrier.tx += expects ? static_cast<std::int32_t>(count) : -static_cast<std::int32_t>(count);
    if (barrier.tx > Mbarrier::kMostTx || barrier.tx < -Mbarrier::kMostTx)
      return fmt::format("its transaction count would be {}; {} is the most", barrier.tx, Mbarrier::kMostTx);
    if (step == BarrierStep::ExpectTx || step == BarrierStep::CompleteTx) return {};
    count = 1;
  }
  if (count == 0 || count > barrier.pending)
    return fmt::format("{} arrivals, where the phase waits for {} more", count, barrier.pending);
  barrier.pending -= static_cast<std::uint32_t>(count);
  if (drops) barrier.expected -= static_cast<std::uint32_t>(std::min<std::uint64_t>(count, barrier.expected));
  const bool completes = barrier.pending == 0 && barrier.tx == 0;
  if (completes && (step == BarrierStep::ArriveNoComplete || step == BarrierStep::DropNoComplete))
    return "an arrival with .noComplete would complete the phase";
  return {};
}

std::uint32_t arrivals_of(BarrierStep step, std::uint64_t count) {
  switch (step) {
    case BarrierStep::Arrive:
    case BarrierStep::ArriveNoComplete:
    case BarrierStep::Drop:
    case BarrierStep::DropNoComplete:
      return static_cast<std::uint32_t>(count);
    case BarrierStep::ArriveExpectTx:
    case BarrierStep::DropExpectTx:
      return 1;
    default:
      return 0;
  }
}

std::uint32_t flags(std::uint32_t kind) { return access_flags(ir::Space::Shared, kBytes, kind, kBytes); }

bool has_passed(const Mbarrier& barrier, bool by_state, std::uint64_t value) {
  const bool odd = by_state ? Mbarrier::unpack(value).odd : (value & 1) != 0;
  return barrier.odd != odd;
}

// All lanes at one barrier: the usual way to use it.
bool at_one_address(std::uint32_t mask, LaneValues addresses) {
  const std::uint64_t first = addresses[std::countr_zero(mask)];
  std::uint64_t other = 0;
  for (std::uint32_t lane = 0; lane < jit::kWarpLanes; ++lane)
    other |= (0 - std::uint64_t{mask >> lane & 1}) & (addresses[lane] ^ first);
  return other == 0;
}

// Arrivals of one each at one barrier, one lane after the other, where the phase does not end before the last
// of them. False: it has not been done.
bool arrive_together(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses, std::uint64_t* before) {
  if (!at_one_address(mask, addresses)) return false;
  const auto lanes = static_cast<std::uint32_t>(std::popcount(mask));
  const std::uint32_t offset = shared_offset(warp, addresses[std::countr_zero(mask)]);
  std::uint64_t bits = load(warp, offset);
  Mbarrier barrier = Mbarrier::unpack(bits);
  if (!barrier.is_valid() || barrier.pending < lanes) return false;
  if (warp.trace != nullptr)
    record_arrival(warp, operation_number(warp, site), mask, warp.block->phases.of(offset).current, lanes);
  for_each_lane(mask, [&](int lane) {
    before[lane] = bits;
    --bits;  // the pending arrivals are its lowest bits
  });
  barrier.pending -= lanes;
  settle(warp, offset, barrier);
  store(warp, offset, barrier.pack());
  return true;
}

}  // namespace

std::optional<Fault> step_barrier(Warp& warp, std::uint32_t mask, Site site, const ir::Operation& operation,
                                  std::uint64_t* values) {
  const BarrierStep step = operation.attributes.barrier_step;
  const bool makes = step == BarrierStep::Init;
  if (auto fault =
          announce_shared(warp, mask, site, values, flags(makes ? jit::kAccessStore : jit::kAccessAtomic)))
    return fault;
  const std::size_t sources = operation.sources.size();
  const LaneValues counts = sources != 0 ? values + jit::kWarpLanes : nullptr;
  std::uint64_t* const before = values + (1 + sources) * jit::kWarpLanes;
  if (step == BarrierStep::Arrive && counts == nullptr && arrive_together(warp, mask, site, values, before))
    return std::nullopt;
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    if (fault) return;
    const std::uint32_t offset = shared_offset(warp, values[lane]);
    const std::uint64_t count = counts != nullptr ? counts[lane] & UINT32_MAX : 1;
    if (makes) {
      if (count == 0 || count > Mbarrier::kMostArrivals) {
        fault = wrong(
            warp, lane, site, offset,
            fmt::format("a barrier of {} arrivals; it may have 1 to {}", count, Mbarrier::kMostArrivals));
        return;
      }
      const auto arrivals = static_cast<std::uint32_t>(count);
      store(warp, offset, Mbarrier{arrivals, arrivals, 0, false}.pack());
      if (warp.block->trace != nullptr) warp.block->phases.of(offset) = {};
      return;
    }
    const std::uint64_t bits = load(warp, offset);
    Mbarrier barrier = Mbarrier::unpack(bits);
    std::string why;
    if (!barrier.is_valid()) {
      why = not_made(offset);
    } else if (step == BarrierStep::Invalidate) {
      store(warp, offset, 0);
      return;
    } else {
      why = take_step(step, count, barrier);
    }
    if (!why.empty()) {
      fault = wrong(warp, lane, site, offset, std::move(why));
      return;
    }
    if (!operation.results.empty()) before[lane] = bits;
    if (warp.trace != nullptr)
      record_arrival(warp, operation_number(warp, site), 1u << lane, warp.block->phases.of(offset).current,
                     arrivals_of(step, count));
    settle(warp, offset, barrier);
    store(warp, offset, barrier.pack());
  });
  return fault;
}

std::optional<std::uint32_t> first_ahead(const Warp& warp, std::uint32_t mask, const ir::Operation& operation,
                                         LaneValues values) {
  const bool by_state = operation.source_type == ir::Type::B64;
  std::uint64_t last = ~std::uint64_t{0};
  for (; mask != 0; mask &= mask - 1) {
    const int lane = std::countr_zero(mask);
    if (by_state && values[lane] == last) continue;  // states of one phase, as far as a program is sound
    last = values[lane];
    const std::uint64_t offset = warp.block->window_offset(values[lane]);
    const std::uint64_t size = warp.block->grid->shared_bytes;
    if (offset >= size || size - offset < kBytes) return std::nullopt;
    const Mbarrier barrier = Mbarrier::unpack(load(warp, static_cast<std::uint32_t>(offset)));
    if (barrier.is_valid() && !has_passed(barrier, by_state, values[jit::kWarpLanes + lane]))
      return static_cast<std::uint32_t>(offset);
  }
  return std::nullopt;
}

std::optional<Fault> test_barrier(Warp& warp, std::uint32_t mask, Site site, const ir::Operation& operation,
                                  std::uint64_t* values) {
  if (auto fault = announce_shared(warp, mask, site, values, flags(jit::kAccessAtomic))) return fault;
  const bool by_state = operation.source_type == ir::Type::B64;
  const LaneValues states = values + jit::kWarpLanes;
  std::uint64_t* const answers = values + std::size_t{2} * jit::kWarpLanes;
  std::optional<Fault> fault;
  std::uint32_t offset = UINT32_MAX;
  Mbarrier barrier;
  for_each_lane(mask, [&](int lane) {
    if (const std::uint32_t here = shared_offset(warp, values[lane]); here != offset) {
      offset = here;
      barrier = Mbarrier::unpack(load(warp, offset));
    }
    if (!barrier.is_valid() && !fault) fault = wrong(warp, lane, site, offset, not_made(offset));
    answers[lane] = has_passed(barrier, by_state, states[lane]) ? 1 : 0;
    if (answers[lane] == 0 || warp.trace == nullptr) return;
    const std::uint32_t phase = warp.block->phases.of(offset).last;
    if (phase != 0) record_arrival(warp, operation_number(warp, site), 1u << lane, phase, 0);
  });
  return fault;
}

std::optional<Fault> announce_arrivals(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                       bool one_more) {
  if (auto fault = announce_shared(warp, mask, site, addresses, flags(jit::kAccessAtomic))) return fault;
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    const std::uint32_t offset = shared_offset(warp, addresses[lane]);
    Mbarrier barrier = Mbarrier::unpack(load(warp, offset));
    if (fault) return;
    if (!barrier.is_valid() || barrier.pending == Mbarrier::kMostArrivals) {
      fault = wrong(warp, lane, site, offset,
                    barrier.is_valid() ? "more arrivals than a barrier can have" : not_made(offset));
      return;
    }
    if (one_more) {
      ++barrier.pending;
      store(warp, offset, barrier.pack());
    }
    if (warp.trace != nullptr)
      record_arrival(warp, operation_number(warp, site), 1u << lane, warp.block->phases.of(offset).current,
                     1);
  });
  return fault;
}

std::optional<Fault> arrive_at(Warp& warp, std::uint32_t mask, Site site, const std::uint32_t* offsets) {
  std::optional<Fault> fault;
  for_each_lane(mask, [&](int lane) {
    Mbarrier barrier = Mbarrier::unpack(load(warp, offsets[lane]));
    std::string why =
        barrier.is_valid() ? take_step(BarrierStep::Arrive, 1, barrier) : not_made(offsets[lane]);
    if (!why.empty()) {
      if (!fault) fault = wrong(warp, lane, site, offsets[lane], std::move(why));
      return;
    }
    settle(warp, offsets[lane], barrier);
    store(warp, offsets[lane], barrier.pack());
  });
  return fault;
}

std::optional<Fault> complete_transactions(Warp& warp, std::uint32_t lane, Site site, std::uint32_t offset,
                                           std::uint32_t bytes) {
  Mbarrier barrier = Mbarrier::unpack(load(warp, offset));
  std::string why =
      barrier.is_valid() ? take_step(BarrierStep::CompleteTx, bytes, barrier) : not_made(offset);
  if (!why.empty()) return wrong(warp, std::countr_zero(lane), site, offset, std::move(why));
  settle(warp, offset, barrier);
  store(warp, offset, barrier.pack());
  return std::nullopt;
}

}  // namespace doppel::engine
