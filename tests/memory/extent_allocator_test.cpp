// SPDX-License-Identifier: Apache-2.0
#include "memory/extent_allocator.h"

#include <gtest/gtest.h>

namespace doppel::memory {
namespace {

TEST(ExtentAllocator, TakesTheSmallestThatFits) {
  ExtentAllocator extents;
  extents.add(0x10000, 0x8000);
  extents.add(0x40000, 0x1000);
  EXPECT_EQ(extents.take(0x1000, 0x1000), 0x40000u);
  EXPECT_EQ(extents.take(0x1000, 0x1000), 0x10000u);
}

TEST(ExtentAllocator, JoinsNeighbours) {
  ExtentAllocator extents;
  extents.add(0x1000, 0x3000);
  const auto first = extents.take(0x1000, 1);
  const auto second = extents.take(0x1000, 1);
  const auto third = extents.take(0x1000, 1);
  ASSERT_TRUE(first && second && third);
  EXPECT_FALSE(extents.take(1, 1));
  extents.give_back(*first, 0x1000);
  extents.give_back(*third, 0x1000);
  EXPECT_FALSE(extents.take(0x3000, 1));
  extents.give_back(*second, 0x1000);
  EXPECT_EQ(extents.take(0x3000, 1), 0x1000u);
}

TEST(ExtentAllocator, Aligns) {
  ExtentAllocator extents;
  extents.add(0x1100, 0x10000);
  EXPECT_EQ(extents.take(0x100, 0x1000), 0x2000u);
}

TEST(ExtentAllocator, TakesAWantedPlaceOnce) {
  ExtentAllocator extents;
  extents.add(0x1000, 0x4000);
  EXPECT_TRUE(extents.take_at(0x2000, 0x1000));
  EXPECT_FALSE(extents.take_at(0x2000, 0x1000));
  EXPECT_FALSE(extents.take_at(0x0, 0x1000));
}

}  // namespace
}  // namespace doppel::memory
