// SPDX-License-Identifier: Apache-2.0
// One host thread at work on a grid: starts its blocks, switches between their warps, and catches what goes
// wrong in them.
#pragma once

#include <csignal>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/block.h"
#include "engine/cluster.h"
#include "engine/fault.h"
#include "engine/fiber.h"
#include "engine/grid_run.h"
#include "texture/touched.h"

namespace doppel::engine {

class MatrixProducts;

// What the signal handler found; read when the fibre has been left.
struct SignalReport {
  int signal = 0;             // 0: none
  std::uint64_t address = 0;  // that was touched
  bool address_known = false;
  bool is_store = false;
  const void* code = nullptr;  // the instruction
};

// Worker::in_callback in a callback that makes the accesses of the operation at WarpContext::access_site.
inline constexpr std::sig_atomic_t kInAccess = 2;

class Worker {
 public:
  Worker();
  ~Worker();

  // Runs blocks of the grid until it has none left to start and all that this thread started have ended.
  void run(GridRun& grid);

  // Of callbacks and the signal handler, on the warp's fibre. They do not return where the warp has ended.
  [[noreturn]] void leave_warp();
  void suspend_warp(Warp& warp, SwitchReason reason);
  void note_issued(Warp& warp);  // what it has issued since it was last looked at, where that is counted

  GridRun* grid = nullptr;
  // Whose code or callback runs; null: nobody's.
  Warp* current() const { return static_cast<Warp*>(range_.current); }
  // 0: where a warp is current, its code runs, and may be left for good at any instruction.
  volatile std::sig_atomic_t in_callback = 1;
  SignalReport signal_report;
  std::vector<std::uint64_t> counters;  // of this thread, for the whole grid
  texture::Touched touched;             // by the texture operation that runs
  // The form of the last one, packed and not: mostly the next one's.
  std::uint64_t packed_texture_form = ir::packed(ir::TextureForm{});
  ir::TextureForm texture_form;
  const std::unique_ptr<MatrixProducts> matrix_products;

 private:
  struct alignas(jit::kFrameAlignment) Scratch {
    std::byte bytes[jit::kScratchSlots * jit::kScratchSlotBytes];
  };
  // Waiting: it got further, and now waits for other blocks of its cluster.
  enum class BlockState { Finished, Spinning, Waiting, Stopped };
  static void run_warps(void* self);
  template <class Go>
  void run_warp(Warp& warp, const Go& go);
  bool run_in_order(Block& block, Fiber& fiber);
  bool run_block_entry(Block& block, Fiber& fiber);
  bool step_in_row(Block& block);
  void note_end(Warp& warp);
  bool run_coroutines(Block& block, Fiber& fiber, std::uint32_t first);
  bool start();  // one more block, or cluster; false: there is none, or no place for it
  Block* start_block();
  bool start_cluster();
  Cluster* free_cluster();
  void end_in_cluster(Block& block);
  void reset_block(Block& block);
  std::optional<std::uint64_t> claim_block();
  void begin(Block& block, std::uint64_t index);
  bool renew(Block& block);
  BlockState run_block(Block& block);
  bool resume_warp(Warp& warp);
  bool run_fiber(Fiber& fiber, Block& block);
  static Warp* next_ready(const Warp& warp);
  bool handle_left(Block& block);
  bool run_from(Block& block, std::uint32_t index);
  void finish_block(Block& block);
  void prepare_for_grid(Block& block, Warp& warp, std::uint32_t index);
  void prepare_warp(Block& block, Warp& warp, std::uint32_t index);
  void collect_counters();
  Fault fault_here(const Warp& warp) const;

  void make_current(Warp* warp) { range_.current = warp; }

  FiberPool fibers_;
  jit::WarpRange range_{};  // of a kernel that runs whole blocks; the current warp always
  std::vector<std::unique_ptr<Block>> all_blocks_;
  std::vector<Block*> free_blocks_, resident_;
  std::vector<std::unique_ptr<Cluster>> clusters_;
  std::vector<Cluster*> free_clusters_;
  std::uint64_t grids_ = 0;  // that this worker has been at, the current one included
  Scratch scratch_;
  std::uint64_t claimed_ = 0, claimed_end_ = 0;  // blocks of the grid that only this worker may start
  Block* starting_ = nullptr;                    // whose fresh warps the current fibre runs
  Fiber* starting_fiber_ = nullptr;
  std::uint32_t starting_at_ = 0;  // the first of them
  bool handed_over_ = false;       // a warp reached a barrier since the last resume, and another went on
  unsigned yields_ = 0;            // of the current block, since its turn began
  struct Issued {
    std::uint64_t all = 0, in_waits = 0;
  };
  Issued counted_at_switch_;
  Issued count_instructions() const;
};

// Here for the same reason as Fiber::switch_to.
inline void Worker::suspend_warp(Warp& warp, SwitchReason reason) {
  if (grid->counts_warps) note_issued(warp);
  // The rest of the fresh warps is not this fibre's any more.
  if (starting_fiber_ == warp.fiber) starting_fiber_ = nullptr;
  if (warp.state != Warp::State::AtBarrier && warp.state != Warp::State::AtPhase)
    warp.state = Warp::State::Ready;
  Warp* next = reason == SwitchReason::Barrier ? next_ready(warp) : nullptr;
  if (next == nullptr) {
    warp.fiber->suspend(reason);
    return;
  }
  handed_over_ = true;
  make_current(next);
  warp.fiber->switch_to(*next->fiber);
}

// Fills in what the module tells of a place in a kernel: line, source, form, space, bytes.
void name_instruction(Fault& fault, const ir::Module& module, std::uint32_t function,
                      std::uint32_t instruction);

}  // namespace doppel::engine
