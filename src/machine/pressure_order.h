// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "machine/block_graph.h"

namespace doppel::machine {

// An order of the block's operations that keeps few registers in use: what is loaded is used up at once.
// Latencies do not count. Time grows with edges, times a logarithm.
std::vector<std::uint32_t> pressure_order(const BlockGraph& graph);

}  // namespace doppel::machine
