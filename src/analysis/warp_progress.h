// SPDX-License-Identifier: Apache-2.0
// Whether masked straight-line code keeps the promise that every lane of a warp goes on (PTX ISA 3.1,
// independent thread scheduling), or lanes must be scheduled one group after the other.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/lane_analysis.h"

namespace doppel::analysis {

// Instructions at which lanes may have to wait for other lanes of their warp: warp-wide operations with a
// member mask, and barriers.
bool waits_for_lanes(const ir::Operation& operation);
std::vector<std::uint32_t> waiting_points(const ir::Function& function);

// What it reads may change while a lane waits for it: an atomic or a strong load.
bool reads_shared_state(const ir::Operation& operation);

// Whether a loop's end hangs on memory that another thread may write meanwhile.
bool loops_on_memory(const ir::Function& function, const ControlFlowGraph& graph);

// Why masked straight-line code will not do.
enum class SchedulerReason : std::uint8_t {
  None,         // it will
  Irreducible,  // a cycle has two entries
  WaitsApart,   // lanes that have diverged may wait for each other at a waiting point
  SpinsApart,   // or in a loop whose end hangs on memory that another lane may write
};
SchedulerReason needs_scheduler(const ir::Function& function, const ControlFlowGraph& graph,
                                const LaneAnalysis& analysis);

}  // namespace doppel::analysis
