// SPDX-License-Identifier: Apache-2.0
// The numbers of one SM as the simulation uses them: derived once from a card, in SM cycles per warp
// instruction.
#pragma once

#include <array>
#include <cstdint>

#include "card/card.h"
#include "machine/machine_operation.h"

namespace doppel::timing {

using Cycle = std::int64_t;
inline constexpr Cycle kNever = INT64_MAX / 4;

// An execution unit of a sub-core, or of the SM where all sub-cores share it.
enum class Unit : std::uint8_t {
  FloatOnly,     // FP32 lanes that serve nothing else but integer multiplies
  FloatInteger,  // lanes that serve FP32 and INT32
  Multiply,      // the integer multiplier, where it is narrower than the lanes it stands on
  Half,
  Special,  // MUFU, conversions, bit counts
  Shuffle,
  Uniform,
  Control,  // branches, barriers, special registers: limited by issue alone
  Tensor,
  Texture,  // one for all sub-cores; a fetch keeps it by its samples
  Double,   // shared by the sub-cores where the card has less than one lane each
};
inline constexpr int kUnitCount = static_cast<int>(Unit::Double) + 1;

struct PipeTiming {
  Unit unit = Unit::Control;
  bool either_float_unit = false;  // FP32: FloatOnly or FloatInteger, whichever is free
  bool shared_by_sub_cores = false;
  Cycle busy = 1;         // the unit takes the next warp instruction after this, times its passes
  Cycle sparse_busy = 1;  // the same, of a sparse matrix
  Cycle latency = 4;      // a dependent instruction may issue after this
  friend bool operator==(const PipeTiming&, const PipeTiming&) = default;
};

// A link over which kernels reach other memory than the card's own.
struct LinkParameters {
  // What one request of so many sectors (of a line) keeps it for, by their number: the way in for reads, the
  // way out for writes.
  std::array<double, 5> read{}, write{};
  double ask = 0;      // for which a read keeps the way out
  Cycle latency = 0;   // of a read
  bool in_l2 = false;  // what was read is found in the card's L2 again
  friend bool operator==(const LinkParameters&, const LinkParameters&) = default;
};

struct SmParameters {
  int sub_cores = 4;
  double cycles_per_ns = 1;
  std::array<PipeTiming, machine::kPipeCount> pipes{};
  Cycle predicate_latency = 0;  // a predicate, until a branch or guard sees it
  Cycle taken_branch = 0;
  Cycle barrier = 0;          // from the last arrival to the next issue
  double warp_start = 0;      // between the warps of a block that starts
  double block_interval = 0;  // between block starts of the whole card
  Cycle block_start = 0;      // from the end of a block to the first instruction of the next in its place
  // Load/store path.
  int queue_entries = 0;
  Cycle request_interval = 0;
  double shared_interval = 0;
  Cycle shared_latency = 0;
  double shared_bytes_per_cycle = 0;
  Cycle shared_swap_turn = 0;  // of a loop that does an atomic by load, operation, swap and branch
  // Texture units: what a sample keeps them for, filtered and not, and wide; what a fetch takes beyond the
  // L1.
  double texture_sample = 0, texture_nearest = 0, texture_wide = 1;
  Cycle texture_latency = 0;
  Cycle l1_latency = 0;
  double l1_bytes_per_cycle = 0;
  double l1_lines_per_cycle = 0;  // tag look-ups
  Cycle l2_latency = 0;
  Cycle dram_latency = 0;
  double dram_write_wait = 0;
  double port_bytes_per_cycle = 0;     // between an SM and the L2
  double l2_read_bytes_per_cycle = 0;  // whole chip
  double l2_write_bytes_per_cycle = 0;
  int l2_ways = 1;
  int dram_access_sectors = 1;
  double dram_read_bytes_per_cycle = 0;
  double dram_write_bytes_per_cycle = 0;
  double dram_copy_bytes_per_cycle = 0;
  int l2_slices = 1;
  LinkParameters bus, nvlink;            // without NVLink nothing asks for it
  std::array<Cycle, 4> fence_latency{};  // by machine::FenceScope
  friend bool operator==(const SmParameters&, const SmParameters&) = default;
};

// clock_mhz: of the SM, what one cycle lasts.
SmParameters sm_parameters(const card::Card& card, double clock_mhz);

// For how long DRAM is busy with so many bytes, where writes are such a share of all that it does. Turning
// the bus costs most where reads and writes are even: the card gives the rate of such a copy.
double dram_cycles(const SmParameters& parameters, double read_bytes, double write_bytes, double writes);

}  // namespace doppel::timing
