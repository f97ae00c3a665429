// SPDX-License-Identifier: Apache-2.0
// When the blocks of a grid end that differ in their work: each goes to the first place that falls free, and
// the blocks on an SM share what it can issue.
#pragma once

#include <cstdint>
#include <vector>

namespace doppel::timing {

struct BlockPace {
  double alone = 0;   // work a cycle of a block that has its SM for itself
  double shared = 0;  // work a cycle of all blocks together, on an SM that is full
};

// Cycles from the first block's start to the last one's end. work: of each block, in the grid's order; the
// first ones are dealt to the SMs in turn. places: blocks that an SM holds at once.
double makespan(const std::vector<double>& work, int sms, int places, const BlockPace& pace);

// The same of blocks that do not slow each other down, since they mostly wait. cycles: of each block.
double makespan_of_waits(const std::vector<double>& cycles, std::size_t places);

}  // namespace doppel::timing
