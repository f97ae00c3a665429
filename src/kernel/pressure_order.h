#pragma once

#include <vector>

#include "kernel/block_graph.h"

namespace doppel::kernel {

// An order of the block's operations that keeps few registers in use: what is loaded is used up at once.
// Latencies do not count. Time grows with edges, times a logarithm.
std::vector<std::uint32_t> pressure_order(const BlockGraph& graph);

}  // namespace doppel::kernel
