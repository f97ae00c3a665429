#include "engine/worker.h"

#include <fmt/format.h>
#include <sched.h>

#include <algorithm>
#include <bit>
#include <cstring>

#include "engine/access_checker.h"
#include "engine/callbacks.h"
#include "engine/fault_report.h"
#include "engine/launch_shape.h"
#include "engine/signals.h"

namespace doppel::engine {
namespace {

// Rounds in which no warp got further before another block is started beside those that wait.
constexpr unsigned kIdleRoundsBeforeMore = 32;
// ... and before the launch says that it waits for somebody else.
constexpr unsigned kIdleRoundsBeforeWaiting = 256;
// Polls of a block's loops (each some ten thousand instructions of a warp) after which others get their turn,
// although its barriers complete: it may wait for another block in a loop with barriers.
constexpr unsigned kYieldsBeforeOthers = 256;

// Generated code has no type in front of it, where -fsanitize=function would read one.
#if defined(__clang__)
__attribute__((no_sanitize("function")))
#endif
void enter(jit::WarpEntry entry, jit::WarpContext& context) {
  entry(&context);
}

// Read by signal handlers: the first use must not allocate, so it lies in the thread's static block.
__attribute__((tls_model("initial-exec"))) constinit thread_local Worker* worker_of_thread = nullptr;
}  // namespace

Worker*& current_worker() { return worker_of_thread; }

Worker::Worker() = default;
Worker::~Worker() = default;

void GridRun::fail_with(Fault found) {
  const std::lock_guard lock(mutex);
  if (!fault) fault = std::move(found);
  stop = true;
}

void Worker::run(GridRun& the_grid) {
  grid = &the_grid;
  const SignalScope signals(*this);
  counters.resize(
      std::max<std::size_t>(counters.size(), std::size_t{2} * the_grid.launch.module->counter_slots()));
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
    if (resident_.empty() && start_block() == nullptr) break;
    bool progress = false;
    unsigned finished = 0;
    for (std::size_t i = 0; i < resident_.size();) {
      const BlockState state = run_block(*resident_[i]);
      if (state == BlockState::Stopped) the_grid.cut_short = true;
      if (state == BlockState::Spinning) {
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
      while (finished-- > 0 && start_block() != nullptr) {
      }
      continue;
    }
    ++idle_rounds;
    // All that are here wait: perhaps for blocks that have not started. Doubling keeps the way to a full card
    // short.
    if (idle_rounds >= kIdleRoundsBeforeMore || the_grid.launch.cooperative) {
      for (std::size_t more = resident_.size(); more > 0 && start_block() != nullptr; --more) idle_rounds = 0;
    }
    if (idle_rounds >= kIdleRoundsBeforeWaiting) set_spinning(true);
    sched_yield();
  }
  set_spinning(false);
  collect_counters();
  grid = nullptr;
}

Block* Worker::start_block() {
  if (grid->stopped()) {
    if (grid->next_block < grid->blocks) grid->cut_short = true;
    return nullptr;
  }
  // Count first, so that no more than the limit are ever resident.
  if (grid->resident.fetch_add(1) >= grid->residency_limit && !resident_.empty()) {
    --grid->resident;
    return nullptr;
  }
  std::uint64_t index = grid->next_block.fetch_add(1, std::memory_order_relaxed);
  if (index >= grid->blocks) {
    --grid->resident;
    return nullptr;
  }
  if (grid->launch.traced_only) index = grid->launch.traced_blocks[index];
  if (free_blocks_.empty()) {
    all_blocks_.push_back(std::make_unique<Block>());
    free_blocks_.push_back(all_blocks_.back().get());
  }
  Block* block = free_blocks_.back();
  free_blocks_.pop_back();
  block->grid = grid;
  block->index = index;
  block->ctaid = block_at(grid->launch.grid, index);
  block->warp_count = block->running = grid->warps_per_block;
  block->next_fresh = 0;
  block->epoch = 0;
  if (block->warp_capacity < block->warp_count) {
    block->warps = std::make_unique<Warp[]>(block->warp_count);
    block->warp_capacity = block->warp_count;
    // No address that an access could have had, until one has been noted.
    for (std::uint32_t i = 0; i < block->warp_count; ++i) {
      std::fill_n(block->warps[i].context.access_addresses, jit::kWarpLanes, ~std::uint64_t{0});
    }
  }
  for (std::uint32_t i = 0; i < block->warp_count; ++i) block->warps[i].state = Warp::State::Fresh;
  block->trace = nullptr;
  if (grid->traced_entry != nullptr) {
    const auto& traced = grid->launch.traced_blocks;
    const auto found = std::ranges::lower_bound(traced, index);
    if (found != traced.end() && *found == index) {
      block->trace = &grid->outcome.traces[static_cast<std::size_t>(found - traced.begin())];
      block->trace->warps.resize(block->warp_count);
    }
  }
  if (!block->shared.fit(std::max<std::uint32_t>(grid->shared_bytes, 1))) {
    Fault fault;
    fault.kind = Fault::Kind::HostOutOfMemory;
    fault.message = "the host has no address space for the shared memory of a block";
    grid->fail_with(std::move(fault));
  }
  if (grid->launch.check) {
    if (block->checker == nullptr) block->checker = std::make_unique<SharedChecker>();
    block->checker->reset(grid->shared_bytes);
  }
  resident_.push_back(block);
  return block;
}

void Worker::finish_block(Block& block) {
  block.reset_barriers();
  for (std::uint32_t i = 0; i < std::min(block.next_fresh, block.warp_count); ++i) {
    Warp& warp = block.warps[i];
    if (warp.fiber != nullptr) {  // abandoned
      warp.fiber->reset();
      fibers_.give_back(warp.fiber);
      warp.fiber = nullptr;
    }
  }
  free_blocks_.push_back(&block);
  --grid->resident;
}

void Worker::prepare_warp(Block& block, Warp& warp, std::uint32_t index) {
  const Launch& launch = grid->launch;
  jit::WarpContext& context = warp.context;
  context.callbacks = &runtime_callbacks();
  context.parameters = launch.parameters.data();
  context.shared = block.shared.base();
  context.symbols = launch.symbols.data();
  context.counters = counters.data();
  context.ctaid[0] = block.ctaid.x;
  context.ctaid[1] = block.ctaid.y;
  context.ctaid[2] = block.ctaid.z;
  context.ntid[0] = launch.block.x;
  context.ntid[1] = launch.block.y;
  context.ntid[2] = launch.block.z;
  context.nctaid[0] = launch.grid.x;
  context.nctaid[1] = launch.grid.y;
  context.nctaid[2] = launch.grid.z;
  fill_threads(context, launch.block, grid->shape, index);
  context.exited_mask = 0;
  context.warp_id = index;
  context.warps_per_block = grid->warps_per_block;
  context.warps_per_sm = launch.warps_per_sm;
  // Blocks are dealt to the SMs in turn, as an idle card does.
  context.sm_id = static_cast<std::uint32_t>(block.index % launch.sm_count);
  context.sm_count = launch.sm_count;
  context.static_shared_bytes = grid->kernel->static_shared_bytes;
  context.dynamic_shared_bytes = launch.dynamic_shared_bytes;
  context.grid_id = launch.grid_id;
  context.grid_workspace = launch.grid_workspace;
  context.engine = &warp;
  warp.worker = this;
  warp.block = &block;
  warp.trace = block.trace != nullptr ? &block.trace->warps[index] : nullptr;
  warp.issued = warp.slept_cycles = 0;
  warp.barrier_result = 0;
}

// On a fibre: warps that have not started run one after the other for as long as none of them has to wait.
void Worker::run_fresh_warps(void* argument) {
  auto* self = static_cast<Worker*>(argument);
  while (true) {
    Block& block = *self->starting_;
    if (block.next_fresh >= block.warp_count || self->grid->stopped()) return;
    const std::uint32_t index = block.next_fresh++;
    Warp& warp = block.warps[index];
    self->prepare_warp(block, warp, index);
    Fiber* fiber = self->starting_fiber_;
    warp.fiber = fiber;
    warp.context.local_stride = self->grid->local_bytes;
    warp.context.local = fiber->local;
    self->current = &warp;
    warp.state = Warp::State::Ready;
    if (self->grid->kernel->reads_clock) self->counted_at_switch_ = self->count_instructions();
    self->in_callback = 0;
    enter(block.trace != nullptr ? self->grid->traced_entry : self->grid->entry, warp.context);
    self->in_callback = 1;
    self->current = nullptr;
    warp.state = Warp::State::Done;
    warp.fiber = nullptr;
    --block.running;
    block.warp_left();
    // A warp that was suspended in between has this fibre to itself; others have started the rest.
    if (self->starting_fiber_ != fiber) return;
  }
}

// Starts fresh warps on a fibre of their own. True: at least one got somewhere.
bool Worker::start_fresh(Block& block) {
  Fiber* fiber = fibers_.take();
  if (fiber == nullptr ||
      !FiberPool::ensure_local(*fiber, std::size_t{jit::kWarpLanes} * grid->local_bytes)) {
    Fault fault;
    fault.kind = Fault::Kind::HostOutOfMemory;
    fault.message = "the host has no memory for the stack of a warp";
    grid->fail_with(std::move(fault));
    if (fiber != nullptr) fibers_.give_back(fiber);
    return true;
  }
  starting_ = &block;
  starting_fiber_ = fiber;
  const bool progress = run_fiber(*fiber, block);
  starting_fiber_ = nullptr;
  return progress;
}

bool Worker::resume_warp(Warp& warp) {
  current = &warp;
  if (grid->kernel->reads_clock) counted_at_switch_ = count_instructions();
  return run_fiber(*warp.fiber, *warp.block);
}

// Runs a fibre, and those of the block's warps that it hands over to. True: one of them got further than
// another turn of a loop that waits.
bool Worker::run_fiber(Fiber& fiber, Block& block) {
  handed_over_ = false;
  const Fiber::Suspended back = fiber.resume(run_fresh_warps, this);
  switch (back.reason) {
    case SwitchReason::Idle:
      fibers_.give_back(back.fiber);
      return true;
    case SwitchReason::Left:
      return handle_left(block);
    case SwitchReason::Yield:
      ++yields_;
      current = nullptr;
      return handed_over_;
    default:
      current = nullptr;
      return true;
  }
}

// The warp on the current fibre has ended for good.
bool Worker::handle_left(Block& block) {
  Warp* warp = current;
  current = nullptr;
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

Worker::BlockState Worker::run_block(Block& block) {
  yields_ = 0;
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
      progress = start_fresh(block) || progress;
      if (grid->stopped()) return BlockState::Stopped;
    }
    if (block.running == 0) return BlockState::Finished;
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
  }
}

// The next warp of the block, in turn, that can go on from where it was suspended.
Warp* Worker::next_ready(const Warp& warp) {
  Block& block = *warp.block;
  const auto ready = [&](std::uint32_t i) { return block.warps[i].state == Warp::State::Ready; };
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
  Fiber* fiber = current->fiber;
  if (starting_fiber_ == fiber) starting_fiber_ = nullptr;
  fiber->suspend(SwitchReason::Left);
  __builtin_unreachable();
}

std::uint64_t Worker::count_instructions() const {
  std::uint64_t sum = 0;
  std::size_t next = 0;
  for (const auto& [first, last] : grid->kernel->slot_ranges) {
    for (std::uint32_t slot = first; slot < last; ++slot)
      sum += counters[std::size_t{2} * slot] * grid->kernel->slot_instructions[next++];
  }
  return sum;
}

std::uint64_t Worker::issued_since_switch() {
  const std::uint64_t now = count_instructions();
  const std::uint64_t issued = now - counted_at_switch_;
  counted_at_switch_ = now;
  return issued;
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
