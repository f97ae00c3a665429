// SPDX-License-Identifier: Apache-2.0
// How a block's threads lie in its warps.
#pragma once

#include <cstdint>

#include "jit/warp_abi.h"
#include "support/dim3.h"

namespace doppel::engine {

using analysis::lane_shape;

inline std::uint32_t warps_of(const Dim3& block) {
  return static_cast<std::uint32_t>((block.count() + jit::kWarpLanes - 1) / jit::kWarpLanes);
}

// The thread with that linear index: x first (CUDA C++ Programming Guide, "Thread Hierarchy").
Dim3 thread_at(const Dim3& block, std::uint64_t linear);
Dim3 block_at(const Dim3& grid, std::uint64_t linear);

// Clusters are numbered as blocks are. The cluster of the block with that number; the number of the block of
// that rank in a cluster.
std::uint64_t cluster_of(const Dim3& grid, const Dim3& cluster, std::uint64_t block);
std::uint64_t block_of_cluster(const Dim3& grid, const Dim3& cluster, std::uint64_t index,
                               std::uint32_t rank);

// tid_base, active_mask and, for LaneShape::General, tid of a warp.
void fill_threads(jit::WarpContext& context, const Dim3& block, jit::LaneShape shape, std::uint32_t warp);

}  // namespace doppel::engine
