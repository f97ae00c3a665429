// SPDX-License-Identifier: Apache-2.0
// How the numbers of a block's threads lie in its warps: what a launch's shape tells of %tid in each lane.
#pragma once

#include <cstdint>
#include <string_view>

#include "analysis/lane_pattern.h"
#include "support/dim3.h"

namespace doppel::analysis {

// How tid depends on the lane, known when a kernel is compiled for a launch: %ntid decides it. Code is
// specialised by it, because it tells which addresses are base + lane * size and which repeat in rows.
enum class LaneShape : std::uint8_t {
  Linear,  // tid.x = tid_base.x + lane, y and z uniform: ntid.x a multiple of 32, or a one-dimensional block
  Rows2,   // ntid.x = 2, 4, 8, 16: tid.x = lane mod ntid.x, tid.y = tid_base.y + lane div ntid.x, z uniform
  Rows4,   //   (ntid.x * ntid.y a multiple of 32, or ntid.z = 1)
  Rows8,
  Rows16,
  General,  // anything else: read tid[]
};
std::string_view name_of(LaneShape shape);  // "linear", "rows of 8", "general"

LaneShape lane_shape(const Dim3& block);

// How the special registers depend on the lane.
struct LaneBasis {
  LanePattern tid[3];       // 32 bits each
  int ntid_alignment = 0;   // %ntid.x is a multiple of 2^ntid_alignment
  bool full_warps = false;  // every warp has 32 lanes
};

LaneBasis lane_basis(LaneShape shape, bool full_warps);

}  // namespace doppel::analysis
