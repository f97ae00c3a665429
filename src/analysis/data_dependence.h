// SPDX-License-Identifier: Apache-2.0
// Whether what a kernel touches, and how long it loops, is told by its arguments alone, or by what is in
// memory, too: then two launches with the same arguments may differ.
#pragma once

#include "analysis/control_flow_graph.h"
#include "ir/module.h"

namespace doppel::analysis {

// True where an address that the kernel loads from or stores to, or a branch inside of a loop, may come from
// a value that it loaded; true for kernels that call, whose values are not followed. Which way other branches
// go, the counts of a launch tell.
bool follows_data(const ir::Function& kernel, const ControlFlowGraph& graph);

}  // namespace doppel::analysis
