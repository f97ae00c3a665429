// SPDX-License-Identifier: Apache-2.0
#include "timing/l2_history.h"

#include <gtest/gtest.h>

namespace doppel::timing {
namespace {

constexpr std::uint64_t kMebibyte = 1 << 20;
constexpr std::int64_t kCapacity = 96 << 20;
constexpr int kWays = 64;

MemoryRange range(std::uint64_t begin_mib, std::uint64_t end_mib, bool written = false) {
  return {begin_mib * kMebibyte, end_mib * kMebibyte, written};
}

double present(const L2History& l2, const MemoryRange& asked) { return l2.before({&asked, 1}).present[0]; }
double write_back(const L2History& l2, const MemoryRange& asked) { return l2.before({&asked, 1}).write_back; }

void touch(L2History& l2, const MemoryRange& what) { l2.touch({&what, 1}); }

// As copies do, and launches whose blocks each have their own memory.
MemoryRange in_order(std::uint64_t begin_mib, std::uint64_t end_mib, bool written = false) {
  return {begin_mib * kMebibyte, end_mib * kMebibyte, written, true};
}
void go_through(L2History& l2, MemoryRange what) {
  what.in_order = true;
  touch(l2, what);
}

TEST(L2History, MemoryThatNothingTouchedIsCold) {
  L2History l2(kCapacity, kWays);
  EXPECT_EQ(present(l2, range(0, 48)), 0);
  go_through(l2, range(100, 110, true));
  EXPECT_EQ(present(l2, range(0, 48)), 0);
}

TEST(L2History, WhatWasJustTouchedIsThere) {
  L2History l2(kCapacity, kWays);
  go_through(l2, range(0, 16, true));
  go_through(l2, range(16, 32, true));
  EXPECT_NEAR(present(l2, range(0, 32)), 1, 0.01);
  EXPECT_NEAR(present(l2, range(8, 40)), 0.75, 0.01);  // the last quarter was never touched
}

TEST(L2History, MoreThanACapacityOfOtherTrafficLeavesNothing) {
  L2History l2(kCapacity, kWays);
  touch(l2, range(0, 16));
  touch(l2, range(200, 260));
  EXPECT_GT(present(l2, range(0, 16)), 0.9);
  touch(l2, range(300, 400));
  EXPECT_LT(present(l2, range(0, 16)), 0.01);
}

TEST(L2History, TheSameMemoryAgainIsNoOtherTraffic) {
  L2History l2(kCapacity, kWays);
  touch(l2, range(0, 16));
  for (int i = 0; i < 20; ++i) touch(l2, range(100, 132));
  EXPECT_GT(present(l2, range(0, 16)), 0.99);
}

TEST(L2History, OfALongCopyTheEndIsThere) {
  L2History l2(kCapacity, kWays);
  go_through(l2, range(0, 2000, true));
  EXPECT_EQ(present(l2, range(0, 48)), 0);
  EXPECT_GT(present(l2, range(1960, 2000)), 0.99);
  // Who goes through all of it again finds nothing: the end is gone when he comes there.
  EXPECT_LT(present(l2, range(0, 2000)), 0.01);
}

TEST(L2History, ALaunchOverMoreThanTheCapacityFindsNothingOfItsOwn) {
  L2History l2(kCapacity, kWays);
  touch(l2, range(0, 192));
  EXPECT_LT(present(l2, range(0, 192)), 0.001);
}

TEST(L2History, GoingThroughMoreThanTheCapacityPushesOutWhatComesNext) {
  // The least recently used is what comes next, from the first pass on: each finds as little as the others.
  for (std::uint64_t mib : {104, 112, 128, 160, 256, 1024}) {
    L2History l2(kCapacity, kWays);
    go_through(l2, in_order(0, mib));
    double before = present(l2, in_order(0, mib));
    EXPECT_LT(before, mib >= 112 ? 0.1 : 0.3) << mib;
    for (int pass = 0; pass < 3; ++pass) {
      go_through(l2, in_order(0, mib));
      const double now = present(l2, in_order(0, mib));
      EXPECT_NEAR(now, before, 0.02) << mib << " MiB, pass " << pass;
      before = now;
    }
  }
}

TEST(L2History, TheMoreIsGoneThroughTheLessIsThere) {
  double before = 1;
  for (std::uint64_t mib = 64; mib <= 160; mib += 4) {
    L2History l2(kCapacity, kWays);
    go_through(l2, in_order(0, mib));
    const double now = present(l2, in_order(0, mib));
    EXPECT_LE(now, before + 1e-9) << mib;
    before = now;
  }
  EXPECT_LT(before, 0.001);
}

TEST(L2History, WhatWasWrittenLeavesOnce) {
  L2History l2(kCapacity, kWays);
  go_through(l2, in_order(0, 160, true));
  EXPECT_NEAR(write_back(l2, in_order(0, 160)), 96.0 / 160, 0.05);
  go_through(l2, in_order(0, 160));
  EXPECT_NEAR(write_back(l2, in_order(0, 160)), 0, 0.01);
}

TEST(L2History, OnlyWhatIsWrittenHasToLeaveForDram) {
  L2History l2(kCapacity, kWays);
  EXPECT_EQ(write_back(l2, range(0, 48, true)), 0);  // there is room
  touch(l2, range(100, 196));
  EXPECT_EQ(write_back(l2, range(0, 48, true)), 0);  // only clean memory leaves
  touch(l2, range(200, 296, true));
  EXPECT_NEAR(write_back(l2, range(0, 48)), 1, 0.01);
  // Reading does not clean what is dirty.
  touch(l2, range(200, 296));
  EXPECT_NEAR(write_back(l2, range(0, 48)), 1, 0.01);
}

TEST(L2History, WhoWritesMoreThanTheCapacityAgainPushesOutHisOwn) {
  L2History l2(kCapacity, kWays);
  const MemoryRange copy[] = {range(0, 200), range(200, 400, true)};
  l2.touch(copy);
  EXPECT_NEAR(l2.before(copy).write_back, 0.5, 0.01);
}

TEST(L2History, RangesOfOneLaunchMayOverlap) {
  L2History l2(kCapacity, kWays);
  const MemoryRange ranges[] = {range(0, 20), range(10, 30, true), range(5, 8)};
  const L2Start start = l2.before(ranges);
  EXPECT_EQ(start.bytes, 30.0 * kMebibyte);
  l2.touch(ranges);
  for (double share : l2.before(ranges).present) EXPECT_NEAR(share, 1, 0.001);
}

TEST(L2History, ManySmallLaunchesStayCheapAndKnown) {
  L2History l2(kCapacity, kWays);
  for (std::uint64_t i = 0; i < 5000; ++i) {
    const MemoryRange small{i * 4096, (i + 1) * 4096, true};
    l2.touch({&small, 1});
  }
  const MemoryRange all{0, 5000 * 4096, false};
  EXPECT_NEAR(present(l2, all), 1, 0.001);
}

// Old operations become one, with their memory and without the gaps between it.
TEST(L2History, ManySmallLaunchesInPiecesStayKnown) {
  L2History l2(kCapacity, kWays);
  for (std::uint64_t i = 0; i < 3000; ++i) {
    const MemoryRange small{2 * i * 1024, (2 * i + 1) * 1024, i % 2 == 0};
    l2.touch({&small, 1});
  }
  const MemoryRange early{0, 1024, false}, gap{1024, 2048, false}, all{0, 6000 * 1024, false};
  EXPECT_NEAR(present(l2, early), 1, 0.001);
  EXPECT_EQ(present(l2, gap), 0);
  EXPECT_NEAR(present(l2, all), 0.5, 0.001);
}

}  // namespace
}  // namespace doppel::timing
