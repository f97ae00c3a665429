// A resident block: its warps and its barriers.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>

#include "engine/fiber.h"
#include "engine/shared_window.h"
#include "jit/warp_abi.h"
#include "kernel/trace.h"
#include "ptx/instruction.h"
#include "support/dim3.h"

namespace doppel::engine {

class SharedChecker;
class Worker;
struct Block;
struct GridRun;

struct Warp {
  enum class State : std::uint8_t { Fresh, Ready, AtBarrier, Done };
  jit::WarpContext context;
  Worker* worker = nullptr;
  Block* block = nullptr;
  Fiber* fiber = nullptr;
  State state = State::Fresh;
  std::uint32_t barrier = 0;
  std::uint32_t barrier_result = 0;
  std::uint32_t barrier_mask = 0;  // for the deadlock report
  kernel::WarpTrace* trace = nullptr;
  std::uint64_t issued = 0;  // instructions, only where the kernel reads a clock
  std::uint64_t slept_cycles = 0;
};

// One of the 16 barriers of a block (PTX ISA 9.7.13.1). Arrivals count whole warps, as the ISA says.
struct Barrier {
  std::uint32_t arrived = 0;  // threads: warps that arrived times 32
  std::uint32_t arrived_warps = 0;
  std::uint32_t expected = 0;  // threads; 0: all warps of the block that still run
  ptx::BarrierMode mode = ptx::BarrierMode::Sync;
  std::uint32_t population = 0;  // lanes with a true predicate
  bool all = true;
  bool any = false;
};

struct Block {
  static constexpr std::uint32_t kBarriers = 16;
  GridRun* grid = nullptr;
  std::uint64_t index = 0;  // in the grid
  Dim3 ctaid;               // the same as %ctaid
  std::uint32_t warp_count = 0;
  std::uint32_t next_fresh = 0;  // warps from here on have not started
  std::uint32_t running = 0;     // warps that are not done
  std::uint32_t epoch = 0;       // barriers completed; for the race checker
  std::unique_ptr<Warp[]> warps;
  std::uint32_t warp_capacity = 0;
  std::array<Barrier, kBarriers> barriers;
  std::uint32_t open_barriers = 0;  // one bit each: some warp has arrived, and not all that it needs
  SharedWindow shared;
  std::unique_ptr<SharedChecker> checker;
  kernel::BlockTrace* trace = nullptr;

  // A warp arrives. True: it has to wait. Else `result` is what the
  // instruction gives.
  bool arrive(Warp& warp, std::uint32_t mask, std::uint32_t barrier, std::uint32_t thread_count,
              ptx::BarrierMode mode, std::uint32_t predicate, std::uint32_t& result);
  // A warp has ended: barriers that waited for it may be complete.
  void warp_left();
  // All that still run wait at barriers that nobody can complete.
  std::string describe_deadlock() const;
  void reset_barriers();

 private:
  static bool waits_at(const Warp& warp, std::uint32_t barrier) {
    return warp.state == Warp::State::AtBarrier && warp.barrier == barrier;
  }
  bool complete_if_full(Barrier& barrier);
};

}  // namespace doppel::engine
