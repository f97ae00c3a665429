// SPDX-License-Identifier: Apache-2.0
// Turns of several processes on one card: each time follows from the rule in its test's name.
#include "timing/turns.h"

#include <gtest/gtest.h>

#include "timing/chip_schedule.h"

namespace doppel::timing {
namespace {

constexpr double kSlice = 1000, kSwitch = 50;

class TurnsTest : public testing::Test {
 protected:
  double wanted = 0;
  int asked = 0;
  ChipSchedule chip{10, {}, Turns(kSlice, kSwitch, [this] { return ++asked, wanted; })};

  static GridDemand grid(double time_us) {
    GridDemand demand;
    demand.blocks = demand.blocks_at_once = 10;
    demand.time_us = time_us;
    demand.room.fill(1);
    return demand;
  }
  ChipSchedule::Ended run(double time_us, double ready_us) {
    chip.add(grid(time_us), ready_us);
    std::vector<ChipSchedule::Ended> ended;
    while (ended.empty()) {
      chip.advance_to(chip.next_us());
      ended = chip.take_ended();
    }
    return ended.front();
  }
};

TEST_F(TurnsTest, AloneNobodyWaits) {
  const auto ended = run(12345.6, 3);
  EXPECT_EQ(ended.start_us, 3);
  EXPECT_EQ(ended.end_us, 3 + 12345.6);
  EXPECT_EQ(asked, 1);
  EXPECT_EQ(chip.away_us(), 0);
}

TEST_F(TurnsTest, WhatComesToABusyCardWaitsForHalfASlice) {
  wanted = 1;
  const auto ended = run(100, 10);
  EXPECT_EQ(ended.start_us, 10 + kSlice / 2 + kSwitch);
  EXPECT_EQ(ended.end_us, ended.start_us + 100);  // within its slice, at its own speed
}

TEST_F(TurnsTest, WhatTakesLongerAlternates) {
  wanted = 1;
  const auto ended = run(2500, 0);
  // Three slices, and twice another's between them with a switch before each.
  EXPECT_DOUBLE_EQ(ended.end_us - ended.start_us, 2500 + 2 * (kSlice + 2 * kSwitch));
  EXPECT_DOUBLE_EQ(chip.away_us(), kSlice / 2 + kSwitch + 2 * (kSlice + 2 * kSwitch));
}

TEST_F(TurnsTest, OfThreeEachHasAThird) {
  wanted = 2;
  const auto ended = run(100 * kSlice, 0);
  EXPECT_NEAR((ended.end_us - ended.start_us) / (100 * kSlice), 3 * (kSlice + kSwitch) / kSlice, 0.04);
}

TEST_F(TurnsTest, WhoWantsTheCardHalfOfTheTimeTakesHalfOfASlice) {
  wanted = 0.5;
  const auto ended = run(100 * kSlice, 0);
  const double round = kSlice + 0.5 * (kSlice + kSwitch) + 0.5 * kSwitch;
  EXPECT_NEAR((ended.end_us - ended.start_us) / (100 * kSlice), round / kSlice, 0.02);
}

// Kernels one behind the other, with gaps between them: as one that is as long as all of them.
TEST_F(TurnsTest, AStreamOfKernelsSharesLikeOneKernel) {
  wanted = 1;
  double ready_us = 0, first_us = 0, own_us = 0;
  for (int i = 0; i < 3000; ++i) {
    const auto ended = run(29, ready_us);
    if (i == 0) first_us = ended.start_us;
    ready_us = ended.end_us + 1;
    own_us += 30;
  }
  EXPECT_NEAR((ready_us - first_us) / own_us, 2 * (kSlice + kSwitch) / kSlice, 0.05);
}

TEST_F(TurnsTest, AfterAPauseItWaitsAnew) {
  wanted = 1;
  const auto first = run(100, 0);
  const auto second = run(100, first.end_us + 200);  // its slice goes on
  EXPECT_EQ(second.start_us, first.end_us + 200);
  const auto third = run(100, second.end_us + 100 * kSlice);
  EXPECT_DOUBLE_EQ(third.start_us, second.end_us + 100 * kSlice + kSlice / 2 + kSwitch);
}

TEST_F(TurnsTest, WhenTheOthersHaveGoneNobodyWaits) {
  wanted = 1;
  chip.add(grid(5000), 0);
  chip.advance_to(2 * kSlice);
  wanted = 0;
  while (chip.next_us() < std::numeric_limits<double>::infinity()) chip.advance_to(chip.next_us());
  const auto ended = chip.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  // Half a slice, one slice of its own, another's; then it has the card.
  EXPECT_DOUBLE_EQ(ended[0].end_us, (kSlice / 2 + kSwitch) + (kSlice + 2 * kSwitch) + 5000);
  const int before = asked;
  run(1e6, ended[0].end_us + 1e6);
  EXPECT_EQ(asked, before + 1);  // at its launch
}

// A grid that has done its work and waits for another one needs no turn to end.
TEST_F(TurnsTest, AnOpenGridEndsWhenItIsClosed) {
  wanted = 1;
  GridDemand demand = grid(100);
  demand.open = true;
  const auto id = chip.add(demand, 0);
  chip.advance_to(kSlice / 2 + kSwitch + 100);
  EXPECT_EQ(chip.take_done().size(), 1u);
  chip.advance_to(kSlice * 1.8);  // another's turn
  chip.close(id, kSlice * 1.9);
  chip.advance_to(kSlice * 1.95);
  const auto ended = chip.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_us, kSlice * 1.9);
}

TEST_F(TurnsTest, WithoutASliceThereAreNoTurns) {
  ChipSchedule plain(10, {}, Turns(0, 0, [] { return 5.0; }));
  plain.add(grid(3000), 0);
  plain.advance_to(1e9);
  EXPECT_EQ(plain.take_ended()[0].end_us, 3000);
}

}  // namespace
}  // namespace doppel::timing
