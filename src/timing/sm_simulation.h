// SPDX-License-Identifier: Apache-2.0
// Some SMs of a card, running thread blocks from their traces. Time moves from issue to issue: what an
// operation waits for is known when the one before it was issued, because every shared resource is a queue
// with a known end.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>
#include <vector>

#include "timing/chip_memory.h"
#include "timing/explanation.h"
#include "timing/l1_cache.h"
#include "timing/sm_parameters.h"
#include "timing/warp_replay.h"

namespace doppel::timing {

struct SimulationCounts {
  Cycle cycles = 0;              // of the last event
  std::uint64_t operations = 0;  // issued, warps
  std::uint64_t polls = 0;       // beside them: of rounds that found nothing, in loops that only wait
  std::uint64_t blocks = 0;      // finished
  std::array<double, kUnitCount>
      unit_busy{};                      // cycles, sum over sub-cores and SMs; of shared units: sum over SMs
  double load_store_busy = 0;           // cycles of the load/store path, sum over SMs
  double shared_busy = 0, l1_busy = 0;  // its parts
  double shared_passes = 0;
  double l1_sectors = 0, l1_hits = 0;
  std::array<double, kStallCount> stalled{};  // cycles, sum over sub-cores
  double warp_cycles = 0;                     // residence of all warps that have ended
  // By function, then by instruction; one more for what stands for none. Empty where nothing ran.
  std::vector<std::vector<CodeCycles>> code;
};

class SmSimulation {
 public:
  // What an SM runs next.
  struct Work {
    const analysis::BlockTrace* trace = nullptr;
    BlockPlacement placement;
  };
  // Asked for the next block of SM `sm` at `now`, which may be nothing.
  using NextBlock = std::function<bool(int sm, Cycle now, Work& work)>;

  struct Options {
    int sms = 1;
    int blocks_per_sm = 1;
    std::int64_t l1_bytes = 128 * 1024;
    double blocks_for_one = 1;  // that the whole card starts while the simulated SMs start one
  };
  SmSimulation(const SmParameters& parameters, const machine::MachineProgram& program,
               const AddressPatterns& patterns, ChipMemory& memory, const Options& options,
               NextBlock next_block);
  ~SmSimulation();

  // Runs until nothing is left or `operations` more were issued. False: nothing is left.
  bool run(std::uint64_t operations);
  const SimulationCounts& counts() const { return counts_; }
  // Residence of all warps until now.
  double warp_cycles() const;
  Cycle now() const { return now_; }

 private:
  struct Warp;
  struct Block;
  struct SubCore;
  struct Sm;

  void launch(int sm, int slot, Cycle at);
  void finish_warp(Sm& sm, Warp& warp, Cycle now);
  void arrive(Sm& sm, Warp& warp, Cycle now);
  void release(Sm& sm, Block& block, Cycle now);
  void step(Sm& sm, SubCore& core);
  void issue(Sm& sm, SubCore& core, Warp& warp, Cycle now);
  Cycle texture_busy(const Warp& warp) const;
  Cycle issue_texture(Sm& sm, Warp& warp, Cycle start, Cycle busy);
  Cycle issue_memory(Sm& sm, SubCore& core, Warp& warp, const machine::MachineAccess& access, Cycle now);
  Cycle access_global(Sm& sm, Warp& warp, const machine::MachineAccess& access,
                      const analysis::TraceEvent& event, Cycle start);
  Cycle access_spilled(Sm& sm, const Warp& warp, const machine::MachineAccess& access, Cycle start);
  // What the operation has to do with asynchronous groups, when its accesses end at `done`.
  static void take_part_in_groups(Warp& warp, const machine::MachineOperation& operation, Cycle done);
  static void expect_arrivals(const analysis::BlockTrace& trace, Block& block);
  // At mbarriers, when its accesses end at `done`.
  void arrive_at_phases(Sm& sm, Warp& warp, const machine::MachineOperation& operation, Cycle done);
  void wake_parked(Sm& sm, Block& block);
  // Sends sectors over the SM's port to L2, or fetches them; returns when the first of them goes.
  Cycle pass_port(Sm& sm, int sectors, Cycle start) const;
  // The warp's next operation, not before `earliest`, until which it waits for `why`.
  void prepare(const Sm& sm, Warp& warp, Cycle earliest, Stall why);
  // When the clock has come to where the loop ends that the event is of.
  static Cycle end_of_wait(const Warp& warp, const analysis::TraceEvent& clock);
  void note_clock_read(Warp& warp, Cycle now) const;
  // Of the time since the sub-core issued last, until `now`, at which the warp issues.
  void count_stalls(const SubCore& core, const Warp& warp, Cycle now);
  CodeCycles& code_of(const Warp& warp);
  // Where a kernel has loops that wait for a write: a warp writes a line of memory, which L2 has done at
  // `at`, or polls it, which L2 looks up at `at`.
  void note_write(Sm& sm, const Warp& warp, std::uint64_t line, Cycle at);
  void poll(const Sm& sm, Warp& warp, std::uint64_t line, Cycle at);
  void expect_writes(const analysis::BlockTrace& trace, Block& block);
  Cycle can_issue(const SubCore& core, const Warp& warp) const;

  const SmParameters& parameters_;
  const machine::MachineProgram& program_;
  const AddressPatterns& patterns_;
  ChipMemory& memory_;
  Options options_;
  NextBlock next_block_;
  std::vector<Sm> sms_;
  SimulationCounts counts_;
  Cycle now_ = 0;
  double blocks_free_ = 0;  // when the card can start the next block
  // Only where the kernel has loops that wait for a write.
  const bool waits_;
  std::vector<bool> writes_;                          // by pattern: does it write?
  std::unordered_map<std::uint64_t, Cycle> written_;  // by line of memory: when L2 has done the last write
  Cycle progress_ = 0;  // when something was issued last that was no poll, or will be behind a clock
};

}  // namespace doppel::timing
