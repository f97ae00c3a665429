// SPDX-License-Identifier: Apache-2.0
// What a launch's time rests on, in short: which code its warps ran, and how its accesses lie in memory. Two
// launches of a kernel in one shape with the same signature take the same time, but for what L2 holds.
#pragma once

#include <cstdint>
#include <vector>

#include "timing/launch_timing.h"

namespace doppel::timing {

struct LaunchSignature {
  // How one access instruction went over memory in the traced blocks.
  struct Access {
    std::uint32_t pattern = 0;       // its number over all functions of the module
    std::uint64_t first_sector = 0;  // of the first traced block, rounded down to a line
    double requests = 0;             // of warps
    double sectors = 0, serial = 0;  // of a request: TraceEvent::count and ::serial
    double lines = 0, pairs = 0;     // that a request touches, and pairs of sectors: what DRAM reads together
    double distinct = 0;             // lines, of those of all requests
    double span = 0;                 // sectors from the first to the last
    double over_bus = 0;             // of the requests: those over the bus
    double over_nvlink = 0;          // and over NVLink
  };
  // Of all that the traces hold, but for where each access begins; 0: nothing was traced.
  std::uint64_t exact = 0;
  double operations = 0;  // machine operations of the grid, warps
  double longest = 1;     // of blocks, by their work and by their longest warp: times the mean
  // For clocks and asleep: nanoseconds and cycles of the traced warps, and cycles of the block that waits for
  // longest.
  double waited = 0, longest_wait = 0;
  std::vector<double> shares;    // by counter slot: of all entries into basic blocks, by warps and by lanes
  std::vector<Access> accesses;  // by pattern
};

LaunchSignature signature_of(const KernelModel& model, const LaunchRun& run);

// 0: alike in all that is compared; near to 0, about the part by which the launches' rates may differ.
// Accesses count only where both have some.
double difference(const LaunchSignature& a, const LaunchSignature& b);

}  // namespace doppel::timing
