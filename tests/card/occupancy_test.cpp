// SPDX-License-Identifier: Apache-2.0
#include "card/occupancy.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::card {
namespace {

Card a6000() { return find_card("rtx-a6000").value(); }

TEST(Occupancy, ASmallBlockIsLimitedByBlocks) {
  const Occupancy o = occupancy(a6000(), {32, 16, 0});
  EXPECT_EQ(o.blocks_per_sm, 16);
  EXPECT_EQ(o.limit, OccupancyLimit::Blocks);
  EXPECT_DOUBLE_EQ(o.fraction, 16.0 / 48);
}

TEST(Occupancy, WarpsOfTheLastPartlyFullWarpCount) {
  const Occupancy o = occupancy(a6000(), {1000, 16, 0});
  EXPECT_EQ(o.blocks_per_sm, 1);
  EXPECT_EQ(o.warps_per_sm, 32);
  EXPECT_EQ(o.limit, OccupancyLimit::Warps);
}

// 80 registers x 32 lanes = 2560 per warp, 25 warps fit of which 24 are whole groups of four: three blocks of
// eight.
TEST(Occupancy, RegistersAreGivenOutPerWarp) {
  const Occupancy o = occupancy(a6000(), {256, 80, 0});
  EXPECT_EQ(o.blocks_per_sm, 3);
  EXPECT_EQ(o.limit, OccupancyLimit::Registers);
}

TEST(Occupancy, RegisterCountsAreRoundedUp) {
  EXPECT_EQ(occupancy(a6000(), {256, 41, 0}).blocks_per_sm, occupancy(a6000(), {256, 48, 0}).blocks_per_sm);
  EXPECT_LT(occupancy(a6000(), {256, 41, 0}).blocks_per_sm, occupancy(a6000(), {256, 40, 0}).blocks_per_sm);
}

TEST(Occupancy, SharedMemoryCountsTheDriversShare) {
  const Occupancy o = occupancy(a6000(), {128, 16, 48 * 1024});
  EXPECT_EQ(o.blocks_per_sm, 2);  // 49 KiB each of 100
  EXPECT_EQ(o.limit, OccupancyLimit::SharedMemory);
  EXPECT_EQ(occupancy(a6000(), {128, 16, 99 * 1024}).blocks_per_sm, 1);
  EXPECT_EQ(occupancy(a6000(), {128, 16, 100 * 1024}).blocks_per_sm, 0);
}

TEST(Occupancy, BlackwellHoldsMoreSmallBlocks) {
  EXPECT_EQ(occupancy(find_card("rtx-pro-5000-blackwell").value(), {32, 16, 0}).blocks_per_sm, 24);
}

// 65,536 registers are 64 for each of 1,024 threads; 1,000 threads are as many warps.
TEST(Occupancy, ABlockLeavesItsThreadsSoManyRegisters) {
  EXPECT_EQ(most_registers(a6000(), 1024, 1), 64);
  EXPECT_EQ(most_registers(a6000(), 1000, 1), 64);
  EXPECT_EQ(most_registers(a6000(), 256, 1), 255);
  EXPECT_EQ(most_registers(a6000(), 256, 4), 64);
  EXPECT_EQ(most_registers(a6000(), 32, 16), 128);
  for (int threads = 32; threads <= 1024; threads += 32) {
    const int most = most_registers(a6000(), threads, 1);
    EXPECT_GE(occupancy(a6000(), {threads, most, 0}).blocks_per_sm, 1) << threads;
    if (most < 255) {
      EXPECT_EQ(occupancy(a6000(), {threads, most + 1, 0}).blocks_per_sm, 0) << threads;
    }
  }
}

}  // namespace
}  // namespace doppel::card
