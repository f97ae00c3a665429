// SPDX-License-Identifier: Apache-2.0
#include "analysis/analysed_function.h"

#include <optional>

#include "analysis/deferred_nans.h"

namespace doppel::analysis {
namespace {

LaneAnalysisOptions options_of(const ir::Function& function, const LaneBasis& basis, bool scheduled) {
  LaneAnalysisOptions options;
  options.basis = basis;
  options.is_kernel = function.is_kernel;
  options.scheduled = scheduled;
  return options;
}

}  // namespace

AnalysedFunction::AnalysedFunction(const ir::Function& of, const ControlFlowGraph& counted,
                                   const LaneBasis& basis)
    : function(of),
      counted_graph(counted),
      graph(counted_graph),
      liveness(Liveness::build(of, graph)),
      deferred_nans(analysis::deferred_nans(of)) {
  if (graph.reducible()) {
    lanes = LaneAnalysis::build(function, graph, liveness, options_of(function, basis, false));
    scheduler = needs_scheduler(function, graph, lanes);
  } else {
    scheduler = SchedulerReason::Irreducible;
  }
  if (scheduled()) {
    graph = ControlFlowGraph::build(function, waiting_points(function));
    liveness = Liveness::build(function, graph);
    lanes = LaneAnalysis::build(function, graph, liveness, options_of(function, basis, true));
  }
  refused_convergence = analysis::refused_convergence(function, graph, lanes.pending(), scheduled());
}

}  // namespace doppel::analysis
