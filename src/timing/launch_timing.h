// SPDX-License-Identifier: Apache-2.0
// What a launch takes on a card, and what bound it. Never changes a result. Deterministic: the same launch
// gives the same prediction to the last digit on every host.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/analysed_module.h"
#include "analysis/trace.h"
#include "card/card.h"
#include "support/pass_log.h"
#include "timing/explanation.h"
#include "timing/l2_history.h"
#include "timing/launch_resources.h"

namespace doppel::timing {

enum class Depth : std::uint8_t { Off, Fast, Full };

// What limits a launch, for people: the unit or resource that was busiest, or waited for, longest.
enum class Bound : std::uint8_t {
  Launch,
  Issue,
  Fp32,
  Int32,
  Fp16,
  Fp64,
  Special,
  Tensor,
  Texture,
  LoadStore,
  SharedMemory,
  L1,
  L2,
  Dram,
  Latency,
  Occupancy,
  Barrier,
  Atomics,
  Pcie,
  NvLink,
};
std::string_view name_of(Bound bound);

// A kernel lowered to the operations of a card's SM: made once a (module, kernel, card).
class KernelModel {
 public:
  static std::shared_ptr<const KernelModel> build(std::shared_ptr<const analysis::AnalysedModule> module,
                                                  std::uint32_t function, const card::Card& card,
                                                  PassLog* passes = nullptr);
  virtual ~KernelModel() = default;
  // Whether it is what would be made for this card, of the same id: cards differ in what is set of them
  // (clocks, ECC), in their slots, and in how much of one they are (MIG).
  virtual bool is_for(const card::Card& card) const = 0;
  // The same for such a card that it is not for: the machine code is the same.
  virtual std::shared_ptr<const KernelModel> remade_for(const card::Card& card) const = 0;
  // An estimate, up to what the card and the kernel's launch bounds allow; also what cuFuncGetAttribute
  // answers.
  virtual std::uint32_t registers_per_thread() const = 0;
  virtual std::uint32_t spilled_bytes() const = 0;  // of a thread, with registers_per_thread()
  virtual LaunchResources resources(const LaunchConfig& config) const = 0;
  virtual const analysis::AnalysedModule& module() const = 0;
  virtual const analysis::AnalysedKernel& kernel() const = 0;
  // True: launches with the same arguments may go to other addresses or loop longer, by what is in memory.
  virtual bool follows_data() const = 0;
};

// Blocks the engine should trace, ascending. Depends only on the arguments.
std::vector<std::uint64_t> plan_samples(const card::Card& card, const LaunchResources& launch, Depth depth);

// Counts of the whole grid where nothing but the sampled blocks was run: their mean stands for the others;
// the last one, which often has less to do, for itself alone. counts: of the sampled blocks together.
std::vector<analysis::BlockCount> counts_of_grid(const KernelModel& model, std::uint64_t blocks,
                                                 std::span<const analysis::BlockTrace> traces,
                                                 std::span<const analysis::BlockCount> counts);

// Of a link to other memory than the card's own.
struct LinkUse {
  double read_bytes = 0, write_bytes = 0;
  double read_share = 0, write_share = 0;  // of the time in which that keeps each way busy
  double bytes() const { return read_bytes + write_bytes; }
};

struct Prediction {
  double time_us = 0;    // on the card, from the front end's start on the launch to its last block's end
  double cycles = 0;     // SM clock
  double clock_mhz = 0;  // that the times hold for
  double start_us = 0;   // of the time: before the first block's first instruction
  Bound bound = Bound::Latency;
  std::uint32_t registers = 0;
  std::uint32_t spilled_bytes = 0;  // of a thread: what registers could not hold
  double occupancy = 0;             // resident warps / the card's maximum
  std::string occupancy_limit;
  double waves = 0;
  std::uint64_t warp_instructions = 0;    // machine instructions of the whole grid, warps
  std::uint64_t thread_instructions = 0;  // PTX instructions of the whole grid, lanes
  double flops = 0;                       // of all types
  double fp16_flops = 0, fp64_flops = 0;  // of these: of half and bf16, and of double
  double tensor_flops = 0;                // and of tensor cores, whole numbers included
  double tensor_fp16_flops = 0;           // what the tensor cores' energy goes by: as busy with fp16
  double dram_read_bytes = 0, dram_write_bytes = 0;
  LinkUse bus;     // memory of the host, and of cards without NVLink between
  LinkUse nvlink;  // of the card at the other end
  double l2_bytes = 0;
  double l1_hit = 0, l2_hit = 0;  // by sectors, 0..1
  double shared_passes = 0;
  std::vector<std::pair<Bound, double>> utilisation;  // share of the time each was busy, largest first
  std::shared_ptr<const Explanation> explanation;     // null: nothing was simulated
};

// What the engine brought home from a launch. counts: over the whole grid, in the order of
// AnalysedKernel::first_slots.
struct LaunchRun {
  std::span<const analysis::BlockTrace> traces;
  std::span<const analysis::BlockCount> counts;
  std::span<const analysis::BlockWork> work;  // by block index; empty: blocks hardly differ, or nobody knows
};

// The memory that a launch touches, as far as its traced blocks tell.
std::vector<MemoryRange> touched_memory(const KernelModel& model, const Dim3& grid,
                                        std::span<const analysis::BlockTrace> traces);

// A launch whose blocks were traced, to be predicted for what L2 may hold when it starts. Everything that it
// is made from has to outlive it.
class TracedLaunch {
 public:
  TracedLaunch(const card::Card& card, const KernelModel& model, const LaunchResources& launch,
               const LaunchRun& run, Depth depth);
  ~TracedLaunch();
  TracedLaunch(const TracedLaunch&) = delete;
  TracedLaunch& operator=(const TracedLaunch&) = delete;

  // What the grid touches with each access instruction, numbered over all functions of the module; empty
  // where the samples have none.
  const std::vector<MemoryRange>& ranges() const;
  // start: for ranges().
  Prediction predict(const L2Start& start) const;

 private:
  struct Implementation;
  std::unique_ptr<Implementation> implementation_;
};

// before: what the card's L2 has seen until then.
Prediction predict(const card::Card& card, const KernelModel& model, const LaunchResources& launch,
                   const LaunchRun& run, const L2History& before, Depth depth);

}  // namespace doppel::timing
