// SPDX-License-Identifier: Apache-2.0
// Loops that end when a clock has come far enough.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "analysis/loop_values.h"

namespace doppel::analysis {

struct ClockEnd {
  std::vector<std::uint32_t> reads;        // operations of the loop that read the clock for its end
  std::vector<std::uint32_t> counts_from;  // operations before it whose reading it counts from
  std::vector<BlockId> exits;              // blocks that leave it by the clock
  bool or_by_memory = false;  // others leave it by what another thread writes: a wait with a time-out
};

// Of a loop that is left when a clock says so and for no other reason: every branch out of it hangs on what a
// round reads of %clock, %clock64 or %globaltimer, on what was computed from earlier readings of the loop,
// and on what no round changes; on no memory that is written meanwhile, no other thread and no count of
// rounds.
// Some of the branches may hang on what another thread writes instead.
std::optional<ClockEnd> ends_by_clock(const LoopValues& loop);

}  // namespace doppel::analysis
