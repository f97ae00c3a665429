// SPDX-License-Identifier: Apache-2.0
#include "analysis/lane_basis.h"

#include <bit>

namespace doppel::analysis {
namespace {

LanePattern lane_multiples(int base_alignment, const LaneConstants& offsets) {
  LanePattern pattern = LanePattern::uniform(32, base_alignment);
  pattern.linear.offset = offsets;
  return pattern;
}

// Threads of a row; 0: the shape has no rows shorter than a warp.
int row_of(LaneShape shape) {
  switch (shape) {
    case LaneShape::Rows2:
      return 2;
    case LaneShape::Rows4:
      return 4;
    case LaneShape::Rows8:
      return 8;
    case LaneShape::Rows16:
      return 16;
    case LaneShape::Linear:
    case LaneShape::General:
      break;
  }
  return 0;
}

}  // namespace

std::string_view name_of(LaneShape shape) {
  static constexpr std::string_view kNames[] = {"linear",    "rows of 2",  "rows of 4",
                                                "rows of 8", "rows of 16", "general"};
  return kNames[static_cast<std::size_t>(shape)];
}

LaneShape lane_shape(const Dim3& block) {
  if (block.x % kLanes == 0 || (block.y == 1 && block.z == 1)) return LaneShape::Linear;
  const bool z_uniform = block.z == 1 || (std::uint64_t{block.x} * block.y) % kLanes == 0;
  if (!z_uniform) return LaneShape::General;
  switch (block.x) {
    case 2:
      return LaneShape::Rows2;
    case 4:
      return LaneShape::Rows4;
    case 8:
      return LaneShape::Rows8;
    case 16:
      return LaneShape::Rows16;
    default:
      return LaneShape::General;
  }
}

LaneBasis lane_basis(LaneShape shape, bool full_warps) {
  LaneBasis basis;
  basis.full_warps = full_warps;
  for (LanePattern& tid : basis.tid)
    tid = shape == LaneShape::General ? LanePattern::varying(32) : LanePattern::uniform(32);
  if (shape == LaneShape::General) return basis;
  LaneConstants x{}, y{};
  const int row = row_of(shape);
  for (int lane = 0; lane < kLanes; ++lane) {
    x[lane] = row == 0 ? lane : lane % row;
    y[lane] = row == 0 ? 0 : lane / row;
  }
  if (row == 0) {
    basis.tid[0] = lane_multiples(5, x);  // lane 0 of a warp has a tid.x that is a multiple of 32
    if (full_warps) basis.ntid_alignment = 5;
    return basis;
  }
  basis.ntid_alignment = std::countr_zero(static_cast<unsigned>(row));
  basis.tid[0] = lane_multiples(64, x);                        // every warp starts a row: its base is zero
  basis.tid[1] = lane_multiples(5 - basis.ntid_alignment, y);  // and with 32 / row rows of its own
  return basis;
}

}  // namespace doppel::analysis
