// SPDX-License-Identifier: Apache-2.0
// The simulated part of a launch: some SMs over the blocks of the grid, each of which replays the trace of
// the sampled block nearest to it.
#pragma once

#include <span>

#include "timing/chip_memory.h"
#include "timing/kernel_model.h"
#include "timing/sm_simulation.h"

namespace doppel::timing {

// Blocks that each place of an SM must have seen before an early end.
inline constexpr std::uint64_t kGenerations = 6;

struct Outcome {
  SimulationCounts counts;
  MemoryTraffic traffic;
  double warp_cycles = 0;  // residence of all warps
  bool finished = false;
  int sms = 1;             // simulated
  double steady_rate = 0;  // operations per cycle of the simulated SMs, once settled
};

struct Scene {
  const card::Card& card;
  const LoweredKernel& model;
  const machine::MachineProgram& program;  // that blocks of this shape run
  const LaunchResources& launch;
  std::span<const analysis::BlockTrace> traces;
  const AddressPatterns& patterns;
  L2Start l2;
  std::uint64_t most_operations = 0;
};

// Blocks [first_block, end_block) on `active` SMs, `resident` at once on each, of which `sms` are simulated.
Outcome simulate(const Scene& scene, std::uint64_t first_block, std::uint64_t end_block, int active,
                 int resident, int sms);

// Operations a cycle of `copies` copies of one sampled block on one SM, while `sms` SMs do the same.
double pace_of(const Scene& scene, const analysis::BlockTrace& trace, int copies, int sms);

}  // namespace doppel::timing
