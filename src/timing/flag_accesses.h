// SPDX-License-Identifier: Apache-2.0
// By which memory a launch waits for others, and by which others may wait for it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/trace.h"

namespace doppel::timing {

class KernelModel;

// Sectors, as traces name them, of accesses that each touch one sector alone: flags and counters. Ascending,
// each once.
struct FlagAccesses {
  std::vector<std::uint64_t> polled;   // in loops that wait for a write, and written nowhere in the launch
  std::vector<std::uint64_t> written;  // outside of these loops
  std::vector<std::uint64_t> added;    // of those written: by atomics
};

// As far as the traced blocks tell.
FlagAccesses flag_accesses(const KernelModel& model, std::span<const analysis::BlockTrace> traces);

}  // namespace doppel::timing
