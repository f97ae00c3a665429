// SPDX-License-Identifier: Apache-2.0
#include "engine/launch_shape.h"

#include <algorithm>

namespace doppel::engine {

Dim3 thread_at(const Dim3& block, std::uint64_t linear) {
  if (linear <= 0xffffffffu) {  // nearly always, and the host divides short numbers several times as fast
    const auto number = static_cast<std::uint32_t>(linear);
    const std::uint32_t row = number / block.x;
    return {number % block.x, row % block.y, row / block.y};
  }
  return {static_cast<std::uint32_t>(linear % block.x),
          static_cast<std::uint32_t>(linear / block.x % block.y),
          static_cast<std::uint32_t>(linear / block.x / block.y)};
}

Dim3 block_at(const Dim3& grid, std::uint64_t linear) { return thread_at(grid, linear); }

std::uint64_t cluster_of(const Dim3& grid, const Dim3& cluster, std::uint64_t block) {
  const Dim3 at = block_at(grid, block);
  return (at.z / cluster.z * (grid.y / cluster.y) + at.y / cluster.y) * (grid.x / cluster.x) +
         at.x / cluster.x;
}

std::uint64_t block_of_cluster(const Dim3& grid, const Dim3& cluster, std::uint64_t index,
                               std::uint32_t rank) {
  const Dim3 at = block_at({grid.x / cluster.x, grid.y / cluster.y, grid.z / cluster.z}, index);
  const Dim3 in = block_at(cluster, rank);
  const std::uint64_t x = std::uint64_t{at.x} * cluster.x + in.x, y = std::uint64_t{at.y} * cluster.y + in.y,
                      z = std::uint64_t{at.z} * cluster.z + in.z;
  return (z * grid.y + y) * grid.x + x;
}

void fill_threads(jit::WarpContext& context, const Dim3& block, jit::LaneShape shape, std::uint32_t warp) {
  const std::uint64_t first = std::uint64_t{warp} * jit::kWarpLanes;
  const Dim3 base = thread_at(block, first);
  context.tid_base[0] = base.x;
  context.tid_base[1] = base.y;
  context.tid_base[2] = base.z;
  const std::uint64_t lanes = std::min<std::uint64_t>(jit::kWarpLanes, block.count() - first);
  context.active_mask = lanes == jit::kWarpLanes ? ~0u : (1u << lanes) - 1;
  if (shape != jit::LaneShape::General) return;
  for (std::uint64_t lane = 0; lane < jit::kWarpLanes; ++lane) {
    const Dim3 thread = lane < lanes ? thread_at(block, first + lane) : Dim3{0, 0, 0};
    context.tid[0][lane] = thread.x;
    context.tid[1][lane] = thread.y;
    context.tid[2][lane] = thread.z;
  }
}

}  // namespace doppel::engine
