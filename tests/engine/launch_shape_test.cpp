// SPDX-License-Identifier: Apache-2.0
#include "engine/launch_shape.h"

#include <gtest/gtest.h>

namespace doppel::engine {
namespace {

using jit::LaneShape;

TEST(LaunchShape, IsWhatTheAbiSays) {
  EXPECT_EQ(lane_shape({256, 1, 1}), LaneShape::Linear);
  EXPECT_EQ(lane_shape({7, 1, 1}), LaneShape::Linear);
  EXPECT_EQ(lane_shape({32, 3, 2}), LaneShape::Linear);
  EXPECT_EQ(lane_shape({16, 16, 1}), LaneShape::Rows16);
  EXPECT_EQ(lane_shape({8, 8, 8}), LaneShape::Rows8);
  EXPECT_EQ(lane_shape({8, 3, 2}), LaneShape::General);
  EXPECT_EQ(lane_shape({8, 3, 1}), LaneShape::Rows8);
  EXPECT_EQ(lane_shape({2, 16, 3}), LaneShape::Rows2);
  EXPECT_EQ(lane_shape({12, 12, 1}), LaneShape::General);
  EXPECT_EQ(lane_shape({1, 64, 1}), LaneShape::General);
}

TEST(LaunchShape, PlacesThreads) {
  EXPECT_EQ(thread_at({4, 3, 2}, 23), (Dim3{3, 2, 1}));
  jit::WarpContext context{};
  fill_threads(context, {5, 9, 1}, LaneShape::General, 1);
  EXPECT_EQ(context.active_mask, (1u << 13) - 1);
  EXPECT_EQ(context.tid_base[0], 2u);
  EXPECT_EQ(context.tid_base[1], 6u);
  EXPECT_EQ(context.tid[0][4], 1u);
  EXPECT_EQ(context.tid[1][4], 7u);
}

}  // namespace
}  // namespace doppel::engine
