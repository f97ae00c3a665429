// SPDX-License-Identifier: Apache-2.0
// What a launch takes of the card's SMs. Worked out once, when the launch is submitted, by
// KernelModel::resources: checks, the engine, predictions, records and the occupancy functions of the driver
// all take it from there.
#pragma once

#include <cstdint>

#include "card/occupancy.h"
#include "support/launch_config.h"

namespace doppel::timing {

struct LaunchResources {
  LaunchConfig config;              // of the launch
  std::uint32_t registers = 0;      // of a thread: as estimated, but no more than let a block fit into an SM
  std::uint32_t spilled_bytes = 0;  // of a thread: what these registers cannot hold
  std::uint64_t shared_bytes = 0;   // of a block, static and dynamic
  card::Occupancy occupancy;
  int blocks_per_sm = 1;      // resident at once; 1 even where not one fits
  int active_sms = 1;         // those that get a block at all
  std::int64_t l1_bytes = 0;  // of an SM: what the carve-out for shared memory leaves
};

}  // namespace doppel::timing
