// SPDX-License-Identifier: Apache-2.0
// How a worker runs the warps of a block: on fibres, and coroutines on whichever fibre is at work.
#include <algorithm>
#include <atomic>
#include <limits>

#include "engine/asynchronous.h"
#include "engine/callbacks.h"
#include "engine/fault_report.h"
#include "engine/launch_shape.h"
#include "engine/worker.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

// Generated code has no type in front of it, where -fsanitize=function would read one.
template <class Argument>
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
void enter(void (*entry)(Argument*), Argument& argument) {
  entry(&argument);
}

constexpr std::uint32_t kNoWarp = std::numeric_limits<std::uint32_t>::max();

// The warp that a fibre runs when `last` has returned: in turn, a coroutine that can go on, or the first that
// has not started.
std::uint32_t next_in_turn(const Block& block, std::uint32_t last) {
  const auto runs = [&](std::uint32_t i) {
    const Warp& warp = block.warps[i];
    return i == block.next_fresh || (warp.state == Warp::State::Ready && warp.fiber == nullptr);
  };
  const std::uint32_t end = std::min(block.next_fresh + 1, block.warp_count);
  for (std::uint32_t i = last + 1; i < end; ++i) {
    if (runs(i)) return i;
  }
  for (std::uint32_t i = 0; i < last; ++i) {
    if (runs(i)) return i;
  }
  return kNoWarp;
}

}  // namespace

// What is the same for this warp of every block of the grid.
void Worker::prepare_for_grid(Block& block, Warp& warp, std::uint32_t index) {
  const Launch& launch = grid->launch;
  jit::WarpContext& context = warp.context;
  context.callbacks = &runtime_callbacks(launch.finds_error != nullptr);
  context.parameters = grid->parameters;
  context.shared = block.shared.base();
  context.memory = launch.memory != nullptr ? launch.memory->base() : 0;
  context.symbols = launch.symbols.data();
  context.counters = counters.data();
  context.ntid[0] = launch.config.block.x;
  context.ntid[1] = launch.config.block.y;
  context.ntid[2] = launch.config.block.z;
  context.nctaid[0] = launch.config.grid.x;
  context.nctaid[1] = launch.config.grid.y;
  context.nctaid[2] = launch.config.grid.z;
  context.cluster_nctaid[0] = launch.config.cluster.x;
  context.cluster_nctaid[1] = launch.config.cluster.y;
  context.cluster_nctaid[2] = launch.config.cluster.z;
  context.is_explicit_cluster = launch.config.cluster.count() > 1 ? 1 : 0;
  fill_threads(context, launch.config.block, grid->shape, index);
  context.warp_id = index;
  context.warps_per_block = grid->warps_per_block;
  context.warps_per_sm = launch.warps_per_sm;
  context.sm_count = launch.sm_count;
  context.static_shared_bytes = grid->kernel->analysed->shared.static_bytes;
  context.dynamic_shared_bytes = launch.config.dynamic_shared_bytes;
  context.grid_id = launch.grid_id;
  context.grid_workspace = launch.grid_workspace;
  context.local_stride = grid->local_bytes;
  context.engine = &warp;
  context.scratch = scratch_.bytes;
  warp.worker = this;
  warp.block = &block;
  warp.trace = nullptr;
  warp.prepared_for = grids_;
}

// What a warp of another block of the grid needs. Little, and stored at once where it can be: kernels of a
// few instructions wait for memory behind the host's stores, of which it keeps no more than some dozens in
// flight.
void Worker::prepare_warp(Block& block, Warp& warp, std::uint32_t index) {
  if (warp.prepared_for != grids_) prepare_for_grid(block, warp, index);
  jit::WarpContext& context = warp.context;
  context.ctaid[0] = block.ctaid.x;
  context.ctaid[1] = block.ctaid.y;
  context.ctaid[2] = block.ctaid.z;
  context.sm_id = block.sm_id;
  if (grid->traced_entry != nullptr) {
    warp.trace = block.trace != nullptr ? &block.trace->warps[index] : nullptr;
    warp.round = {};
    context.callbacks = &runtime_callbacks(warp.trace != nullptr || grid->launch.finds_error != nullptr);
  }
  if (warp.copies != nullptr) warp.copies->clear();
  if (warp.bulk != nullptr) warp.bulk->clear();
  if (grid->counts_warps) {
    warp.issued = warp.issued_in_waits = warp.slept_cycles = warp.waited_cycles = 0;
    warp.clock_reads.clear();
    warp.clock_bases.clear();
  }
}

// On a fibre: the warps of a block, and of those after it, for as long as none of them has to be suspended in
// the middle.
void Worker::run_warps(void* argument) {
  auto* self = static_cast<Worker*>(argument);
  Block& block = *self->starting_;
  Fiber& fiber = *self->starting_fiber_;
  if (self->grid->counts_warps) self->counted_at_switch_ = self->count_instructions();
  std::uint32_t first = self->starting_at_;
  bool whole = true;
  do {
    const bool traced = block.trace != nullptr;
    if (!traced && self->grid->block_entry != nullptr) {
      whole = self->run_block_entry(block, fiber);
    } else if (!traced && self->grid->coroutine) {
      whole = self->run_coroutines(block, fiber, first);
    } else {
      whole = self->run_in_order(block, fiber);
    }
    first = 0;
  } while (whole && self->renew(block));
}

// Enters a warp for the first time, or a coroutine again: `go`. The warp is current just as long as that, so
// that no signal is taken for its own that is not.
template <class Go>
void Worker::run_warp(Warp& warp, const Go& go) {
  make_current(&warp);
  std::atomic_signal_fence(std::memory_order_seq_cst);
  go();
  std::atomic_signal_fence(std::memory_order_seq_cst);
  make_current(nullptr);
  if (grid->counts_warps) note_issued(warp);
}

// One warp after the other, each until it ends. False: one was suspended in between, and others have started
// the rest.
bool Worker::run_in_order(Block& block, Fiber& fiber) {
  const jit::WarpEntry entry = block.trace != nullptr ? grid->traced_entry : grid->entry;
  if (!fiber.local.fit(std::size_t{jit::kWarpLanes} * grid->local_bytes)) {
    grid->fail_with(out_of_memory("the local memory of a warp"));
    return false;
  }
  std::byte* const local = fiber.local.base();
  in_callback = 0;
  while (block.next_fresh < block.warp_count && !grid->stopped()) {
    const std::uint32_t index = block.next_fresh++;
    Warp& warp = block.warps[index];
    prepare_warp(block, warp, index);
    if (warp.context.local != local) warp.context.local = local;
    if (warp.fiber != &fiber) warp.fiber = &fiber;
    run_warp(warp, [&] { enter(entry, warp.context); });
    if (warp.state == Warp::State::Ready) warp.state = Warp::State::Done;
    note_end(warp);
    block.warp_left(warp);
    // A warp that was suspended in between had this fibre to itself.
    if (starting_fiber_ != &fiber) return false;
  }
  return true;
}

// All warps of a block, none of which can be suspended, and of those that follow it in a row of the grid.
bool Worker::run_block_entry(Block& block, Fiber& fiber) {
  for (std::uint32_t index = 0; index < block.warp_count; ++index) {
    Warp& warp = block.warps[index];
    if (warp.prepared_for == grids_ && warp.fiber == &fiber) break;  // then so are the others
    prepare_for_grid(block, warp, index);
    warp.fiber = &fiber;
    warp.context.local = fiber.local.base();
  }
  prepare_warp(block, block.warps[0], 0);
  block.next_fresh = block.warp_count;
  range_.first = &block.warps[0].context;
  range_.stride = sizeof(Warp);
  range_.warps = block.warp_count;
  in_callback = 0;
  do {
    run_warp(block.warps[0], [&] { enter(grid->block_entry, range_); });
  } while (step_in_row(block));
  block.running = 0;
  return true;
}

// renew() for what all warps of a kernel have run in one call: the next block, where it is claimed and needs
// nothing but its place.
bool Worker::step_in_row(Block& block) {
  if (claimed_ == claimed_end_ || claimed_ != block.index + 1 ||
      block.ctaid.x + 1 == grid->launch.config.grid.x || grid->traced_entry != nullptr ||
      grid->kernel->analysed->uses_reserved_shared || block.cluster != nullptr || resident_.size() != 1 ||
      grid->stopped())
    return false;
  block.index = claimed_++;
  block.sm_id = block.sm_id + 1 == grid->launch.sm_count ? 0 : block.sm_id + 1;
  jit::WarpContext& first = block.warps[0].context;
  first.ctaid[0] = ++block.ctaid.x;
  first.sm_id = block.sm_id;
  return true;
}

// The same with coroutines, which also return at a barrier, and go on when their turn comes.
bool Worker::run_coroutines(Block& block, Fiber& fiber, std::uint32_t first) {
  const std::size_t local_bytes = std::size_t{jit::kWarpLanes} * grid->local_bytes;
  for (std::uint32_t index = first; index != kNoWarp && !grid->stopped();
       index = next_in_turn(block, index)) {
    Warp& warp = block.warps[index];
    const bool fresh = index == block.next_fresh;
    if (fresh) {
      ++block.next_fresh;
      prepare_warp(block, warp, index);
      if (!warp.local.fit(local_bytes)) {
        grid->fail_with(out_of_memory("the local memory of a warp"));
        return false;
      }
      warp.context.local = warp.local.base();
      warp.frame = nullptr;
    }
    warp.fiber = &fiber;
    warp.state = Warp::State::Ready;
    in_callback = 0;
    run_warp(warp, [&] { fresh ? enter(grid->entry, warp.context) : jit::resume_warp(warp.frame); });
    warp.fiber = nullptr;
    if (warp.state == Warp::State::AtBarrier) {
      handed_over_ = true;
      continue;
    }
    warp.state = Warp::State::Done;
    note_end(warp);
    block.warp_left(warp);
  }
  return true;
}

// A warp has ended: what it has begun ends, and what it issued is its block's work.
void Worker::note_end(Warp& warp) {
  if (warp.copies != nullptr || warp.bulk != nullptr) finish_asynchronous(warp);
  auto& work = grid->outcome.work;
  if (work.empty()) return;
  analysis::BlockWork& block = work[warp.block->index];
  const std::uint64_t issued = warp.issued - warp.issued_in_waits;
  block.instructions += issued;
  block.longest_warp = std::max(block.longest_warp, issued);
  block.waited_cycles = std::max(block.waited_cycles, warp.clock_reads.waited() + warp.slept_cycles);
}

// Runs a warp that is on no fibre, and then others, on a fibre of their own. True: at least one got
// somewhere.
bool Worker::run_from(Block& block, std::uint32_t index) {
  Fiber* fiber = fibers_.take(grid->stack_bytes);
  if (fiber == nullptr) {
    grid->fail_with(out_of_memory("the stack of a warp"));
    return true;
  }
  starting_ = &block;
  starting_fiber_ = fiber;
  starting_at_ = index;
  const bool progress = run_fiber(*fiber, block);
  starting_fiber_ = nullptr;
  return progress;
}

bool Worker::resume_warp(Warp& warp) {
  if (warp.fiber == nullptr) return run_from(*warp.block, warp.context.warp_id);
  make_current(&warp);
  if (grid->counts_warps) counted_at_switch_ = count_instructions();
  return run_fiber(*warp.fiber, *warp.block);
}

// Runs a fibre, and those of the block's warps that it hands over to. True: one of them got further than
// another turn of a loop that waits.
bool Worker::run_fiber(Fiber& fiber, Block& block) {
  handed_over_ = false;
  const Fiber::Suspended back = fiber.resume(run_warps, this);
  switch (back.reason) {
    case SwitchReason::Idle:
      fibers_.give_back(back.fiber);
      return true;
    case SwitchReason::Left:
      return handle_left(block);
    case SwitchReason::Yield:
      ++yields_;
      make_current(nullptr);
      return handed_over_;
    default:
      make_current(nullptr);
      return true;
  }
}

// The warp on the current fibre has ended for good.
bool Worker::handle_left(Block& block) {
  Warp* warp = current();
  make_current(nullptr);
  in_callback = 1;
  if (signal_report.signal != 0) {
    grid->fail_with(fault_from_signal(*warp, signal_report));
    signal_report = {};
  }
  grid->stop = true;
  fibers_.give_back(warp->fiber);
  warp->fiber = nullptr;
  warp->state = Warp::State::Done;
  --block.running;
  return true;
}

// The next warp of the block, in turn, that can go on from where its fibre was suspended.
Warp* Worker::next_ready(const Warp& warp) {
  Block& block = *warp.block;
  const auto ready = [&](std::uint32_t i) {
    return block.warps[i].state == Warp::State::Ready && block.warps[i].fiber != nullptr;
  };
  const std::uint32_t own = warp.context.warp_id;
  for (std::uint32_t i = own + 1; i < block.next_fresh; ++i) {
    if (ready(i)) return &block.warps[i];
  }
  for (std::uint32_t i = 0; i < own; ++i) {
    if (ready(i)) return &block.warps[i];
  }
  return nullptr;
}

void Worker::leave_warp() {
  Fiber* fiber = current()->fiber;
  if (starting_fiber_ == fiber) starting_fiber_ = nullptr;
  fiber->suspend(SwitchReason::Left);
  __builtin_unreachable();
}

}  // namespace doppel::engine
