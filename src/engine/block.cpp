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
  if (!barrier.in_use || !full) return false;
  const std::uint32_t result = result_of(barrier);
  for (Warp* warp : barrier.waiting) {
    warp->state = Warp::State::Ready;
    warp->barrier_result = result;
  }
  barrier.waiting.clear();
  barrier.arrived = barrier.arrived_warps = barrier.expected = barrier.population = 0;
  barrier.all = true;
  barrier.any = false;
  barrier.in_use = false;
  ++epoch;
  return true;
}

bool Block::arrive(Warp& warp, std::uint32_t mask, std::uint32_t number, std::uint32_t thread_count,
                   ptx::BarrierMode mode, std::uint32_t predicate, std::uint32_t& result) {
  Barrier& barrier = barriers[number % kBarriers];
  barrier.in_use = true;
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
    barrier.waiting.push_back(&warp);
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
  for (Barrier& barrier : barriers) {
    if (barrier.in_use && barrier.expected == 0) complete_if_full(barrier);
  }
}

std::string Block::describe_deadlock() const {
  std::string text = "every warp of the block waits at a barrier that cannot be completed:";
  for (std::uint32_t number = 0; number < kBarriers; ++number) {
    const Barrier& barrier = barriers[number];
    if (barrier.waiting.empty()) continue;
    text += fmt::format(" barrier {}: warps", number);
    for (const Warp* warp : barrier.waiting) text += fmt::format(" {}", warp->context.warp_id);
    const std::uint32_t expected = barrier.expected != 0 ? barrier.expected : running * jit::kWarpLanes;
    text += fmt::format(" wait, {} of {} threads arrived;", barrier.arrived, expected);
  }
  text.pop_back();
  return text;
}

void Block::reset_barriers() {
  for (Barrier& barrier : barriers) {
    if (!barrier.in_use) continue;
    barrier.waiting.clear();
    barrier = Barrier{};
  }
}

}  // namespace doppel::engine
