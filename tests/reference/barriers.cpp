// SPDX-License-Identifier: Apache-2.0
// bar and barrier (PTX ISA 9.7.13.1).
#include <algorithm>

#include "reference/execute.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::BarrierMode;
using ptx::Operand;

namespace {

bool is_reduction(BarrierMode mode) {
  return mode == BarrierMode::RedPopc || mode == BarrierMode::RedAnd || mode == BarrierMode::RedOr;
}

// Counts as the hardware does for a given thread count: by whole warps, so that the last, partial warp counts
// 32 too.
std::size_t arrivals(Block& block, const Barrier& barrier) {
  if (barrier.required == 0) return barrier.arrived.size();
  std::size_t count = 0;
  for (std::size_t first = 0; first < block.threads.size(); first += 32) {
    std::size_t live = 0;
    for (const Thread& t : block.warp_of(block.threads[first])) live += t.exited ? 0 : 1;
    const auto here = static_cast<std::size_t>(
        std::ranges::count_if(barrier.arrived, [&](const Thread* t) { return t->index / 32 == first / 32; }));
    count += here != 0 && here >= live ? 32 : here;
  }
  return count;
}

void release(Barrier& barrier) {
  const std::vector<Thread*> arrived = std::move(barrier.arrived);
  for (Thread* t : arrived) {
    if (t->wait != Wait::Barrier) continue;  // it only arrived
    const ptx::Instruction& in = t->instruction();
    switch (in.modifiers.barrier) {
      case BarrierMode::RedPopc:
        write(*t, in.operands[0], barrier.true_predicates);
        break;
      case BarrierMode::RedAnd:
        write(*t, in.operands[0], barrier.true_predicates == barrier.predicates ? 1 : 0);
        break;
      case BarrierMode::RedOr:
        write(*t, in.operands[0], barrier.true_predicates != 0 ? 1 : 0);
        break;
      default:
        break;
    }
    t->wait = Wait::None;
    ++t->frame().next;
  }
  barrier = Barrier{};
}

}  // namespace

void settle_barriers(Block& block) {
  const auto live = static_cast<std::size_t>(
      std::ranges::count_if(block.threads, [](const Thread& t) { return !t.exited; }));
  for (Barrier& barrier : block.barriers) {
    if (barrier.arrived.empty()) continue;
    const std::size_t required = barrier.required == 0 ? live : barrier.required;
    if (arrivals(block, barrier) >= required) release(barrier);
  }
}

void arrive_at_barrier(Block& block, Thread& thread, const ptx::Instruction& in) {
  const bool reduces = is_reduction(in.modifiers.barrier);
  const std::size_t first = reduces ? 1 : 0;                        // the barrier's number
  const std::size_t last = in.operands.size() - (reduces ? 1 : 0);  // past the thread count
  const auto id = static_cast<std::uint32_t>(read(block, thread, in.operands.at(first)));
  if (id >= block.barriers.size()) throw Fault("a barrier number over 15");
  Barrier& barrier = block.barriers.at(id);
  if (last > first + 1)
    barrier.required = static_cast<std::uint32_t>(read(block, thread, in.operands[first + 1]));
  if (reduces) {
    ++barrier.predicates;
    barrier.true_predicates += read(block, thread, in.operands.back()) != 0 ? 1 : 0;
  }
  barrier.arrived.push_back(&thread);
  thread.barrier = id;
  if (in.modifiers.barrier == BarrierMode::Arrive) {
    ++thread.frame().next;
  } else {
    thread.wait = Wait::Barrier;
  }
  settle_barriers(block);
}

}  // namespace doppel::reference
