// SPDX-License-Identifier: Apache-2.0
// What a copy or a fill within a card takes. It is a kernel of the driver's, and goes the way of any kernel's
// accesses: through L2, in whole sectors, and to DRAM as far as L2 lacks them or has to make room for them.
#pragma once

#include <cstdint>

#include "card/card.h"
#include "timing/chip_schedule.h"
#include "timing/l2_history.h"

namespace doppel::timing {

// Rows of bytes in the card's memory; `begin` counts from its start.
struct Rows {
  std::uint64_t begin = 0;
  std::uint64_t width = 0;        // bytes of a row
  std::uint64_t pitch = 0;        // from row to row
  std::uint64_t count = 1;        // of a slice
  std::uint64_t slice_pitch = 0;  // from slice to slice
  std::uint64_t slices = 1;

  std::uint64_t bytes() const { return width * count * slices; }
  // From the first byte to the last.
  std::uint64_t extent() const { return (slices - 1) * slice_pitch + (count - 1) * pitch + width; }
};

// What memory moves for them.
struct SectorCount {
  double bytes = 0;          // of all sectors that have a byte of them
  double access_bytes = 0;   // of all accesses of DRAM that have one
  double partial_bytes = 0;  // of the sectors that are covered in part
};
SectorCount sectors_of(const card::Card& card, const Rows& rows);

// The memory that they lie in, as L2History takes it. Rows with gaps count as if the gaps were touched, too.
MemoryRange range_of(const Rows& rows, bool written);

struct CopyKernel {
  double time_us = 0;  // on the card alone, with the start of a kernel
  double dram_read_bytes = 0, dram_write_bytes = 0;
  double l2_bytes = 0;
  GridDemand grid;  // without its priority
};

// l2: what the card's L2 has seen until then; this one is added.
CopyKernel predict_copy(const card::Card& card, const Rows& destination, const Rows& source, L2History& l2);
CopyKernel predict_fill(const card::Card& card, const Rows& destination, L2History& l2);

}  // namespace doppel::timing
