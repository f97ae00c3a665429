#include "engine/block.h"

#include <fmt/format.h>

#include <bit>

#include "engine/access_checker.h"

namespace doppel::engine {
namespace {

std::uint32_t result_of(const Barrier& barrier) {
  switch (barrier.mode) {
    case ptx::BarrierMode::RedPopc:
      return barrier.population;
    case ptx::BarrierMode::RedAnd:
      return barrier.all ? 1 : 0;
    case ptx::BarrierMode::RedOr:
      return barrier.any ? 1 : 0;
    default:
      return 0;
  }
}

}  // namespace

bool Block::complete_if_full(Barrier& barrier) {
  const bool full =
      barrier.expected != 0 ? barrier.arrived >= barrier.expected : barrier.arrived_warps >= running;
  if (!full) return false;
  const std::uint32_t result = result_of(barrier);
  const auto number = static_cast<std::uint32_t>(&barrier - barriers.data());
  for (std::uint32_t i = 0; i < next_fresh; ++i) {
    Warp& warp = warps[i];
    if (!waits_at(warp, number)) continue;
    warp.state = Warp::State::Ready;
    warp.barrier_result = result;
  }
  barrier = {};
  open_barriers &= ~(1u << number);
  ++epoch;
  return true;
}

bool Block::arrive(Warp& warp, std::uint32_t mask, std::uint32_t number, std::uint32_t thread_count,
                   ptx::BarrierMode mode, std::uint32_t predicate, std::uint32_t& result) {
  Barrier& barrier = barriers[number % kBarriers];
  open_barriers |= 1u << (number % kBarriers);
  barrier.expected = thread_count;
  if (mode != ptx::BarrierMode::Arrive) barrier.mode = mode;
  // "The arrival count is incremented by the warp size (not the number of active threads in the warp)."
  barrier.arrived += jit::kWarpLanes;
  ++barrier.arrived_warps;
  if (mode != ptx::BarrierMode::Sync) {
    barrier.population += static_cast<std::uint32_t>(std::popcount(mask & predicate));
    barrier.all = barrier.all && (mask & ~predicate) == 0;
    barrier.any = barrier.any || (mask & predicate) != 0;
  }
  const bool waits = mode != ptx::BarrierMode::Arrive;
  if (waits) {
    warp.state = Warp::State::AtBarrier;
    warp.barrier = number % kBarriers;
    warp.barrier_mask = mask;
  }
  complete_if_full(barrier);
  if (!waits) {
    result = 0;
    return false;
  }
  if (warp.state == Warp::State::Ready) {  // it was the last
    result = warp.barrier_result;
    return false;
  }
  return true;
}

void Block::warp_left() {
  for (std::uint32_t open = open_barriers; open != 0; open &= open - 1) {
    Barrier& barrier = barriers[static_cast<std::size_t>(std::countr_zero(open))];
    if (barrier.expected == 0) complete_if_full(barrier);
  }
}

std::string Block::describe_deadlock() const {
  std::string text = "every warp of the block waits at a barrier that cannot be completed:";
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

void Block::reset_barriers() {
  if (open_barriers != 0) barriers = {};
  open_barriers = 0;
}

}  // namespace doppel::engine
