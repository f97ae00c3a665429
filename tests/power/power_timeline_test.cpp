// SPDX-License-Identifier: Apache-2.0
// What a card draws over time (src/power/power_timeline.h): each sum follows from the rule in its test's
// name.
#include "power/power_timeline.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "card/load_card.h"

namespace doppel::power {
namespace {

constexpr double kSecond = 1e6;

class PowerTimelineTest : public testing::Test {
 protected:
  PowerTimelineTest() {
    card.power.idle_w = 20;
    card.power.idle_after_s = 10;
    card.power.awake_w = 80;
    card.power.active_w = 160;
    card.power.limit_w = 300;
  }
  static double total(const PowerTimeline::Sums& sums) {
    return std::accumulate(sums.account_j.begin(), sums.account_j.end(), sums.waiting_j);
  }
  card::Card card = card::find_card("rtx-a6000").value();
};

TEST_F(PowerTimelineTest, ACardThatWaitsDrawsItsAwakePower) {
  const PowerTimeline timeline(card);
  EXPECT_DOUBLE_EQ(timeline.until(2 * kSecond).waiting_j, 160);
  EXPECT_EQ(timeline.until(0).waiting_j, 0);
}

TEST_F(PowerTimelineTest, AfterItsDelayItFallsToIdlePowerUntilTheNextWork) {
  PowerTimeline timeline(card, 100);
  timeline.add({30 * kSecond, 31 * kSecond, 0, 7, 0, 0});
  const auto sums = timeline.until(51 * kSecond);
  // 10 s awake and 20 s idle before the work, 10 s awake and 10 s idle behind it.
  EXPECT_DOUBLE_EQ(sums.waiting_j, 80 * 20 + 20 * 30);
  EXPECT_DOUBLE_EQ(sums.account(0), 80 + 7);
  EXPECT_DOUBLE_EQ(sums.busy_us, kSecond);
  std::vector<double> watts;
  for (const PowerStep& step : sums.steps) watts.push_back(step.watts);
  EXPECT_EQ(watts, (std::vector<double>{80, 20, 87, 80, 20}));
  EXPECT_EQ(sums.steps[1].time_us, 10 * kSecond);
  EXPECT_EQ(sums.steps[1].clock_mhz, card.power.min_mhz);
}

TEST_F(PowerTimelineTest, ACardThatStaysAwakeDoes) {
  card.power.idle_after_s = 0;
  EXPECT_DOUBLE_EQ(PowerTimeline(card).until(100 * kSecond).waiting_j, 8000);
}

TEST_F(PowerTimelineTest, WhatRunsAloneHasTheAwakePowerToItself) {
  PowerTimeline timeline(card);
  timeline.add({kSecond, 3 * kSecond, 0.5, 10, 1800, 4});
  const auto sums = timeline.until(3 * kSecond);
  EXPECT_DOUBLE_EQ(sums.account(4), 2 * (80 + 0.5 * 80) + 10);
  EXPECT_EQ(sums.account(0), 0);
  EXPECT_DOUBLE_EQ(sums.waiting_j, 80);
}

TEST_F(PowerTimelineTest, WhatRunsSideBySideCountsTheAwakePowerOnce) {
  PowerTimeline timeline(card);
  for (std::size_t i = 0; i < 4; ++i) timeline.add({0, kSecond, 1.0 / 8, 1, 1800, i});
  const auto sums = timeline.until(kSecond);
  for (std::size_t i = 0; i < 4; ++i) EXPECT_DOUBLE_EQ(sums.account(i), 80.0 / 4 + 80.0 / 8 + 1);
  EXPECT_DOUBLE_EQ(sums.busy_us, kSecond);
}

TEST_F(PowerTimelineTest, NoMoreSmsAreBusyThanThereAre) {
  PowerTimeline timeline(card);
  for (std::size_t i = 0; i < 4; ++i) timeline.add({0, kSecond, 1, 0, 1800, i});
  EXPECT_DOUBLE_EQ(total(timeline.until(kSecond)), 160);
}

TEST_F(PowerTimelineTest, TheSumKeepsTheLimit) {
  PowerTimeline timeline(card, 100);
  for (std::size_t i = 0; i < 4; ++i) timeline.add({0, kSecond, 1, 100, 1500.0 + 100 * i, i});
  const auto sums = timeline.until(kSecond);
  EXPECT_DOUBLE_EQ(total(sums), 300);
  EXPECT_DOUBLE_EQ(sums.account(0), 75);
  ASSERT_EQ(sums.steps.size(), 1U);
  EXPECT_DOUBLE_EQ(sums.steps[0].watts, 300);
  EXPECT_EQ(sums.steps[0].clock_mhz, 1500) << "the chip has one clock: the lowest that one of them needs";
}

TEST_F(PowerTimelineTest, OverlapsAreSharedPieceByPieceInWhateverOrderTheyCome) {
  const std::vector<PowerTimeline::Work> works = {{0, 4 * kSecond, 0, 0, 0, 0},
                                                  {1 * kSecond, 2 * kSecond, 0, 0, 0, 1},
                                                  {3 * kSecond, 6 * kSecond, 0, 0, 0, 1}};
  for (const auto& order : {std::vector<std::size_t>{0, 1, 2}, {2, 1, 0}, {1, 2, 0}}) {
    PowerTimeline timeline(card);
    for (const std::size_t i : order) timeline.add(works[i]);
    const auto sums = timeline.until(7 * kSecond);
    EXPECT_DOUBLE_EQ(sums.account(0), 80 * (4 - 0.5 - 0.5));
    EXPECT_DOUBLE_EQ(sums.account(1), 80 * (0.5 + 0.5 + 2));
    EXPECT_DOUBLE_EQ(sums.waiting_j, 80);
  }
}

TEST_F(PowerTimelineTest, LongProgramsKeepTheirSums) {
  PowerTimeline timeline(card, 1000);
  constexpr int kCount = 200000;
  for (int i = 0; i < kCount; ++i) timeline.add({i * 10.0, i * 10.0 + 5, 1, 1e-4, 1800, 0});
  const auto sums = timeline.until(kCount * 10.0);
  EXPECT_NEAR(sums.busy_us, kCount * 5.0, 1e-3);
  EXPECT_NEAR(sums.account(0), kCount * (160 * 5e-6 + 1e-4), 1e-6);
  EXPECT_NEAR(sums.waiting_j, kCount * 80 * 5e-6, 1e-6);
  EXPECT_EQ(sums.steps.size(), 1000U);
}

// A kernel that ran all the time beside more work than is kept: the awake power of what is in the sums is
// not counted again.
TEST_F(PowerTimelineTest, WhatComesLateBringsItsOwnPart) {
  PowerTimeline timeline(card);
  constexpr int kCount = 100000;
  for (int i = 0; i < kCount; ++i) timeline.add({i * 10.0, i * 10.0 + 5, 0, 0, 0, 0});
  timeline.add({0, kCount * 10.0, 0.25, 3, 0, 1});
  const auto sums = timeline.until(kCount * 10.0);
  EXPECT_NEAR(total(sums), 80 + 0.25 * 80 + 3, 1e-6);
}

TEST_F(PowerTimelineTest, WhatTakesNoTimeTakesNoEnergy) {
  PowerTimeline timeline(card);
  timeline.add({5, 5, 1, 3, 1800, 0});
  EXPECT_DOUBLE_EQ(total(timeline.until(kSecond)), 80);
}

}  // namespace
}  // namespace doppel::power
