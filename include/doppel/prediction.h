// SPDX-License-Identifier: Apache-2.0
// What a launch takes on a card, and why. Plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace doppel {

struct Share {
  std::string of;    // "DRAM", "memory result"
  double share = 0;  // 0 to 1
};

// A place of the kernel's code with its part of the time.
struct Place {
  std::string function;
  std::uint32_t line = 0;   // of the PTX
  std::string source;       // "file.cu:12", where the PTX says so
  std::string instruction;  // "ld.global.f32"
  double share = 0;         // of the time, 0 to 1
  std::string stall;        // what most of the waiting there is for; empty: none
  // Of an access of a warp: 32-byte sectors or turns of shared memory's banks, and as few as would do.
  double transfers = 0, least_transfers = 0;
};

// The model's measured error (truth/): of kernels that it was not fitted to, in percent of the time.
struct Band {
  double mean_percent = 0;
  double p90_percent = 0;  // nine of ten are no further off
  int measurements = 0;
};

struct Prediction {
  double time_us = 0;   // on the card, from the front end's start on the launch to its last block's end
  double start_us = 0;  // of that, before the first instruction
  double cycles = 0;    // of the SMs
  double clock_mhz = 0;
  bool power_bound = false;  // the power limit lowered the clock
  double energy_j = 0;

  std::string bound;        // "DRAM", "fp32", "latency", ...
  std::string explanation;  // why it takes that time, in a sentence
  std::string advice;       // what would help; empty: nothing stands out

  std::uint32_t registers = 0;      // of a thread
  std::uint32_t spilled_bytes = 0;  // of a thread: what registers could not hold
  double occupancy = 0;             // warps that fit on an SM at once / its maximum
  double achieved_occupancy = 0;    // that were there on average, on SMs that had a block
  double waves = 0;

  // Of the whole grid.
  std::uint64_t warp_instructions = 0;    // of the card
  std::uint64_t thread_instructions = 0;  // of the PTX
  double flops = 0;
  double dram_read_bytes = 0, dram_write_bytes = 0;
  double l1_hit = 0, l2_hit = 0;  // by sectors, 0 to 1

  double simulated = 0;            // of its instructions; the rest is extrapolated from these
  std::vector<Share> utilisation;  // of the time that each unit was busy, largest first
  std::vector<Share> slots;        // issuing, each kind of waiting, idle: they sum to 1
  std::vector<Place> places;       // the most costly instructions, largest first

  std::optional<Band> band;  // none: this installation has no measured error, or none of this card
};

// One object, by the names above.
std::string to_json(const Prediction& prediction);

}  // namespace doppel
