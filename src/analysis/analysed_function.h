// SPDX-License-Identifier: Apache-2.0
// One function with all that is found out about it before code is made, for one shape of launch.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "analysis/convergence.h"
#include "analysis/lane_analysis.h"
#include "analysis/lane_basis.h"
#include "analysis/liveness.h"
#include "analysis/warp_progress.h"
#include "ir/module.h"

namespace doppel::analysis {

// The function must outlive it. Not to be copied: its parts refer to each other.
struct AnalysedFunction {
  // counted: as traces and counters know the blocks; has to outlive it, too.
  AnalysedFunction(const ir::Function& function, const ControlFlowGraph& counted, const LaneBasis& basis);
  AnalysedFunction(const AnalysedFunction&) = delete;
  AnalysedFunction& operator=(const AnalysedFunction&) = delete;

  const ir::Function& function;
  const ControlFlowGraph& counted_graph;
  // Why groups of lanes are scheduled one after the other in place of masked straight-line code.
  SchedulerReason scheduler = SchedulerReason::None;
  ControlFlowGraph
      graph;          // of the code: where lanes are scheduled, blocks begin at each place at which they wait
  Liveness liveness;  // on `graph`, as are the patterns
  LaneAnalysis lanes;
  std::vector<bool> deferred_nans;                        // by register (deferred_nans.h)
  std::optional<ConvergenceRefusal> refused_convergence;  // it cannot run
  bool scheduled() const { return scheduler != SchedulerReason::None; }
};

// For people: each block with what runs there and who waits, each register with its lane pattern.
std::string to_string(const AnalysedFunction& analysed);
std::string_view to_string(SchedulerReason reason);
// "base + 4 * lane", "uniform", "varying".
std::string to_string(const LanePattern& pattern);

}  // namespace doppel::analysis
