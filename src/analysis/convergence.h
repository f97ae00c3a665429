// SPDX-License-Identifier: Apache-2.0
// Whether a function that says itself where its lanes meet (converge_set, converge_wait) can run so in the
// order of structured code (pending_blocks.h), which needs no waiting.
//
// It can where, at each wait, no lane that the barrier may hold can wait elsewhere: then all of them are
// there. Where the order lets lanes meet that the function keeps apart, nobody can tell but an operation that
// sees which lanes are here: it must stand at the function's start or behind a wait, with no other block
// leading to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "analysis/control_flow_graph.h"
#include "analysis/pending_blocks.h"
#include "ir/module.h"

namespace doppel::analysis {

struct ConvergenceRefusal {
  std::uint32_t operation = 0;
  std::string_view why;
};

bool states_convergence(const ir::Function& function);
// The first operation that cannot run as the function states it. `scheduled`: `pending` is not the structured
// order.
std::optional<ConvergenceRefusal> refused_convergence(const ir::Function& function,
                                                      const ControlFlowGraph& graph,
                                                      const PendingBlocks& pending, bool scheduled);

}  // namespace doppel::analysis
