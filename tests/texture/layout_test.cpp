// SPDX-License-Identifier: Apache-2.0
#include "texture/layout.h"

#include <gtest/gtest.h>

#include <set>

namespace doppel::texture {
namespace {

TEST(Layout, ABlockHoldsEachByteOnce) {
  const Format format{Element::U8, 4};
  const ArrayLayout layout = layout_of(format, 100, 50, 0, 1, 1);
  ASSERT_EQ(layout.levels.size(), 1u);
  const LevelLayout& level = layout.levels[0];
  EXPECT_EQ(level.pitch, 448u);
  EXPECT_EQ(level.gobs, 8u);
  EXPECT_EQ(level.slice, 448u * 64);
  std::set<std::uint64_t> places;
  for (std::uint64_t y = 0; y < 64; ++y) {
    for (std::uint64_t x = 0; x < level.pitch; ++x) {
      const std::uint64_t place = block_linear(x, y, level.pitch, level.gobs);
      EXPECT_LT(place, level.slice);
      EXPECT_TRUE(places.insert(place).second);
    }
  }
}

// A sector of 32 bytes is 16 bytes of two rows.
TEST(Layout, NeighboursInBothDirectionsShareASector) {
  const std::uint64_t pitch = 1024;
  const auto sector = [&](std::uint64_t x, std::uint64_t y) { return block_linear(x, y, pitch, 16) / 32; };
  EXPECT_EQ(sector(0, 0), sector(15, 1));
  EXPECT_NE(sector(0, 0), sector(16, 0));
  EXPECT_NE(sector(0, 1), sector(0, 2));
  EXPECT_EQ(block_linear(0, 0, pitch, 16) / 512, block_linear(63, 7, pitch, 16) / 512);
  EXPECT_EQ(block_linear(0, 8, pitch, 16), 512u);
  EXPECT_EQ(block_linear(64, 0, pitch, 16), 512u * 16);
}

TEST(Layout, LevelsShrinkToOneTexel) {
  const ArrayLayout layout = layout_of({Element::F32, 1}, 40, 12, 0, 6, 6);
  ASSERT_EQ(layout.levels.size(), 6u);
  EXPECT_EQ(layout.levels[5].width, 1u);
  EXPECT_EQ(layout.levels[5].height, 1u);
  for (std::size_t i = 1; i < 6; ++i)
    EXPECT_GE(layout.levels[i].offset, layout.levels[i - 1].offset + layout.levels[i - 1].slice);
  EXPECT_EQ(layout.bytes, 6 * layout.layer_bytes);
}

TEST(Layout, BlocksOfSixteenTexels) {
  const ArrayLayout layout = layout_of({Element::Bc1, 4, true}, 64, 64, 0, 1, 1);
  EXPECT_EQ(layout.levels[0].pitch, 128u);
  EXPECT_EQ(layout.levels[0].slice, 128u * 16);
}

}  // namespace
}  // namespace doppel::texture
