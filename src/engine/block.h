// SPDX-License-Identifier: Apache-2.0
// A resident block: its warps and its barriers.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>

#include "analysis/spin_loops.h"
#include "analysis/trace.h"
#include "engine/barrier_steps.h"
#include "engine/bulk_copies.h"
#include "engine/clock_reads.h"
#include "engine/fiber.h"
#include "engine/pending_copies.h"
#include "engine/shared_window.h"
#include "ir/operation.h"
#include "jit/warp_abi.h"
#include "support/dim3.h"

namespace doppel::engine {

class Cluster;
class SharedChecker;
class Worker;
struct Block;
struct GridRun;

// What a block's coroutines keep while they wait: a piece for each warp, kept from block to block.
class CoroutineFrames {
 public:
  // All frames of a block have the same size. Null: the host has no memory.
  std::byte* get(std::uint32_t warp, std::uint32_t warps, std::size_t bytes);

 private:
  struct Free {
    void operator()(std::byte* memory) const { std::free(memory); }
  };
  std::unique_ptr<std::byte, Free> memory_;
  std::size_t bytes_ = 0;
};

// Of a traced warp: the last round of a loop that waits, until it is known whether it was the last.
struct PollRound {
  const analysis::SpinLoop* loop = nullptr;  // null: there is none
  std::uint32_t mask = 0;                    // the lanes that began it
  std::size_t first_event = 0, first_sector = 0;
  std::size_t end_event = 0;     // where other lanes' events came in between; 0: none have
  bool again = false;            // not the first of its wait
  std::uint32_t last_block = 0;  // of the round, that was entered
};

struct alignas(64) Warp {
  // Ready and AtBarrier: of a coroutine from its start, of others from the first time that they are
  // suspended. What starts, runs and ends in one go stays as it was.
  // AtPhase: until a phase of an mbarrier ends, or nobody else of the block can go on.
  enum class State : std::uint8_t { Fresh, Ready, AtBarrier, AtPhase, Done };
  jit::WarpContext context;
  std::uint64_t prepared_for = 0;  // the worker's grid whose constants are in context; 0: none
  Worker* worker = nullptr;
  Block* block = nullptr;
  // That it is on. Not of a coroutine: where it is current, Ready or AtBarrier, else the last one. Of a
  // coroutine: null where it is on none.
  Fiber* fiber = nullptr;
  std::byte* frame = nullptr;  // of a coroutine
  State state = State::Fresh;
  // At the barrier of its cluster.
  bool in_cluster = false;   // it has not ended
  bool has_arrived = false;  // all its lanes have
  std::uint32_t arrived_lanes = 0;
  std::uint32_t barrier = 0;             // AtPhase: its offset in shared memory
  std::uint32_t barrier_mask = 0;        // for the deadlock report
  analysis::WarpTrace* trace = nullptr;  // kept where the grid has traced blocks
  std::uint64_t issued = 0;              // instructions, only where GridRun::counts_warps
  std::uint64_t issued_in_waits = 0;     // of these: in loops that wait for a clock
  std::uint64_t slept_cycles = 0, waited_cycles = 0;
  ClockReads clock_reads;
  ClockBases clock_bases;                 // of a traced warp
  std::unique_ptr<PendingCopies> copies;  // null: it has never begun any
  std::unique_ptr<BulkCopies> bulk;       // the same
  LocalMemory local;                      // of a coroutine, which may go on on another fibre
  PollRound round;
};

// The time since the launch's start that the warp sees, in cycles of the SM, by its `issued`: a dependent
// instruction issues every 4 cycles on these cards (facts of research on them: 4 cycles from ALU to ALU), and
// the warps of a sub-core take turns. It waited for others until their time.
std::uint64_t cycles_of(const Warp& warp);

// One of the 16 barriers of a block (PTX ISA 9.7.13.1). Arrivals count whole warps, as the ISA says.
struct Barrier {
  std::uint32_t arrived = 0;  // threads: warps that arrived times 32
  std::uint32_t arrived_warps = 0;
  std::uint32_t expected = 0;  // threads; 0: all warps of the block that still run
  ir::BarrierMode mode = ir::BarrierMode::Sync;
  std::uint32_t population = 0;  // lanes with a true predicate
  bool all = true;
  bool any = false;
};

struct Block {
  static constexpr std::uint32_t kBarriers = 16;
  GridRun* grid = nullptr;
  std::uint64_t index = 0;         // in the grid
  Dim3 ctaid;                      // the same as %ctaid
  std::uint32_t sm_id = 0;         // of the modelled card
  std::uint64_t prepared_for = 0;  // as in Warp: shared memory fits this grid
  std::uint32_t warp_count = 0;
  std::uint32_t next_fresh = 0;  // warps from here on have not started
  std::uint32_t running = 0;     // warps that are not done
  std::uint32_t epoch = 0;       // barriers completed; for the race checker
  std::unique_ptr<Warp[]> warps;
  std::uint32_t warp_capacity = 0;
  std::array<Barrier, kBarriers> barriers;
  std::uint32_t open_barriers = 0;  // one bit each: some warp has arrived, and not all that it needs
  Cluster* cluster = nullptr;       // null: of one block, which nobody asks for
  std::uint32_t rank = 0;           // in the cluster
  SharedWindow shared;
  std::unique_ptr<SharedChecker> checker;
  analysis::BlockTrace* trace = nullptr;
  CoroutineFrames frames;
  std::uint32_t pending_arrivals = 0;  // of its warps: PendingCopies::Arrival, BulkCopy
  BarrierPhases phases;

  // A warp arrives. True: it has to wait. What the instruction gives is in context.barrier_result when it
  // goes on.
  bool arrive(Warp& warp, std::uint32_t mask, std::uint32_t barrier, std::uint32_t thread_count,
              ir::BarrierMode mode, std::uint32_t predicate);
  // A warp has ended: barriers that waited for it may be complete.
  void warp_left(Warp& warp) {
    --running;
    if (open_barriers != 0) complete_without();
    if (cluster != nullptr) leave_cluster(warp);
  }
  // What was done before comes before what is done from here on. For the race checker: blocks of a cluster
  // count as one, so that fewer races are found than could be and none is made up.
  void next_epoch();
  // Where an offset in the block's window lies: in whose shared memory, and where there.
  struct Place {
    Block* block;
    std::uint64_t offset;
  };
  Place place_of(std::uint64_t offset);
  // The offset in this block's window of an address in shared memory; that of one in a window of another
  // block of the cluster too. Beyond the window for all others.
  std::uint64_t window_offset(std::uint64_t address) const;
  // Whether it is an address of a shared window that the block's threads may know.
  bool knows(std::uint64_t address) const { return window_offset(address) < SharedWindow::kBytes; }
  // All that still run wait at barriers that nobody can complete.
  std::string describe_deadlock() const;
  // A phase has ended of the mbarrier at this offset.
  void wake_at_phase(std::uint32_t offset) {
    for (std::uint32_t i = 0; i < next_fresh; ++i) {
      Warp& warp = warps[i];
      if (warp.state == Warp::State::AtPhase && warp.barrier == offset) warp.state = Warp::State::Ready;
    }
  }
  // Whether there were warps that wait for phases, and may look again now.
  bool wake_all_at_phases() {
    bool any = false;
    for (std::uint32_t i = 0; i < next_fresh; ++i) {
      if (warps[i].state != Warp::State::AtPhase) continue;
      warps[i].state = Warp::State::Ready;
      any = true;
    }
    return any;
  }
  void reset_barriers() {
    if (open_barriers != 0) barriers = {};
    open_barriers = 0;
    pending_arrivals = 0;
    phases.clear();
  }

 private:
  void leave_cluster(Warp& warp);
  void share_time(std::uint32_t number);  // of those that wait at the barrier
  void complete_without();
  static bool waits_at(const Warp& warp, std::uint32_t barrier) {
    return warp.state == Warp::State::AtBarrier && warp.barrier == barrier;
  }
  bool full(const Barrier& barrier) const {
    return barrier.expected != 0 ? barrier.arrived >= barrier.expected : barrier.arrived_warps >= running;
  }
  void complete(Barrier& barrier);
};

// Here, because it is all that stands between one warp's arrival and the next one's.
inline bool Block::arrive(Warp& warp, std::uint32_t mask, std::uint32_t number, std::uint32_t thread_count,
                          ir::BarrierMode mode, std::uint32_t predicate) {
  Barrier& barrier = barriers[number % kBarriers];
  open_barriers |= 1u << (number % kBarriers);
  barrier.expected = thread_count;
  if (mode != ir::BarrierMode::Arrive) barrier.mode = mode;
  // "The arrival count is incremented by the warp size (not the number of active threads in the warp)."
  barrier.arrived += jit::kWarpLanes;
  ++barrier.arrived_warps;
  if (mode != ir::BarrierMode::Sync) {
    barrier.population += static_cast<std::uint32_t>(std::popcount(mask & predicate));
    barrier.all = barrier.all && (mask & ~predicate) == 0;
    barrier.any = barrier.any || (mask & predicate) != 0;
  }
  const bool waits = mode != ir::BarrierMode::Arrive;
  if (waits) {
    warp.state = Warp::State::AtBarrier;
    warp.barrier = number % kBarriers;
    warp.barrier_mask = mask;
  }
  if (full(barrier)) complete(barrier);
  if (!waits) warp.context.barrier_result = 0;
  return warp.state == Warp::State::AtBarrier;  // else it was the last
}

}  // namespace doppel::engine
