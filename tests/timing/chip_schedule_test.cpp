// SPDX-License-Identifier: Apache-2.0
// Grids side by side (src/timing/chip_schedule.h): each time follows from the rule in its test's name.
#include "timing/chip_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

namespace doppel::timing {
namespace {

constexpr int kSms = 84;

// A card with its grids' ends.
class Chip {
 public:
  ChipSchedule::GridId add(const GridDemand& demand, double ready_us) {
    return schedule_.add(demand, ready_us);
  }
  void advance_to(double time_us) { schedule_.advance_to(time_us); }
  double now_us() const { return schedule_.now_us(); }
  ChipSchedule::Ended run_until_end(ChipSchedule::GridId grid) {
    while (!ended_.contains(grid)) {
      schedule_.advance_to(schedule_.next_us());
      for (const ChipSchedule::Ended& each : schedule_.take_ended()) ended_[each.grid] = each;
    }
    return ended_[grid];
  }

 private:
  ChipSchedule schedule_{kSms};
  std::map<ChipSchedule::GridId, ChipSchedule::Ended> ended_;
};

// Blocks of which six fit on an SM; the grid alone takes block_us for each round.
GridDemand grid(std::uint64_t blocks, double block_us, std::uint64_t per_sm = 6) {
  GridDemand demand;
  demand.blocks = blocks;
  demand.blocks_at_once = per_sm * kSms;
  demand.time_us =
      block_us * static_cast<double>((blocks + demand.blocks_at_once - 1) / demand.blocks_at_once);
  demand.room.fill(1.0 / static_cast<double>(per_sm));
  return demand;
}

GridDemand using_rate(GridDemand demand, Rate rate, double part) {
  demand.rates[static_cast<std::size_t>(rate)] = part;
  return demand;
}

constexpr std::uint64_t kFull = 6 * kSms;

TEST(ChipSchedule, AloneAGridTakesItsOwnTimeToTheDigit) {
  Chip chip;
  for (const std::uint64_t blocks : {1u, 7u, 504u, 505u, 5000u, 12345u, 4000000u}) {
    GridDemand demand = using_rate(grid(blocks, 0.1), Rate::Dram, 1.0);
    demand.time_us = 3.7 / 1.1 * static_cast<double>(blocks);
    const double from = chip.now_us() + 0.3;
    const auto span = chip.run_until_end(chip.add(demand, from));
    EXPECT_EQ(span.start_us, from);
    EXPECT_EQ(span.end_us, from + demand.time_us);
  }
}

TEST(ChipSchedule, FullGridsTakeTurns) {
  Chip chip;
  const auto a = chip.add(grid(kFull, 10), 0);
  const auto b = chip.add(grid(kFull, 10), 0);
  EXPECT_EQ(chip.run_until_end(b).end_us, 20);
  EXPECT_EQ(chip.run_until_end(a).end_us, 10);
}

TEST(ChipSchedule, NothingIsForgotten) {
  Chip chip;
  ChipSchedule::GridId last = 0;
  for (int i = 0; i < 900; ++i) {
    last = chip.add(grid(kFull, 10), 0);
    chip.add(grid(kFull, 10), 0);
  }
  EXPECT_NEAR(chip.run_until_end(last).end_us, 17990, 1e-6);
}

TEST(ChipSchedule, SmallGridsRunBesideEachOther) {
  Chip chip;
  const auto a = chip.add(grid(100, 10), 0);
  const auto b = chip.add(grid(100, 25), 1);
  EXPECT_EQ(chip.run_until_end(a).end_us, 10);
  EXPECT_EQ(chip.run_until_end(b).end_us, 26);
}

TEST(ChipSchedule, AtMost128GridsAreOnTheCard) {
  Chip chip;
  std::vector<ChipSchedule::GridId> ids;
  for (int i = 0; i < 129; ++i) ids.push_back(chip.add(grid(1, 10), 0));
  EXPECT_EQ(chip.run_until_end(ids[127]).end_us, 10);
  EXPECT_EQ(chip.run_until_end(ids[128]).start_us, 10);
}

TEST(ChipSchedule, AGridOfOneBlockDoesNotHoldUpWhatNeedsTheCard) {
  Chip chip;
  const auto small = chip.add(grid(1, 900), 0);
  double end = 0;
  for (int i = 0; i < 8; ++i) end = chip.run_until_end(chip.add(grid(5 * kFull, 20), end)).end_us;
  // 5 rounds of one place less are 6: one block's time more for each of the grids at most.
  EXPECT_GE(end, 800);
  EXPECT_LE(end, 800 + 8 * 20);
  EXPECT_EQ(chip.run_until_end(small).end_us, 900);
}

TEST(ChipSchedule, ATailLeavesRoom) {
  Chip chip;
  const auto tail = chip.add(grid(kFull + 100, 10), 0);
  const auto next = chip.add(grid(kFull - 100, 10), 0);
  EXPECT_EQ(chip.run_until_end(tail).end_us, 20);
  const auto span = chip.run_until_end(next);
  EXPECT_EQ(span.start_us, 10);
  EXPECT_EQ(span.end_us, 20);
}

TEST(ChipSchedule, BlocksOfAHigherPriorityGoFirst) {
  Chip chip;
  const auto big = chip.add(grid(20 * kFull, 10), 0);
  GridDemand urgent = grid(4, 10);
  urgent.priority = -5;
  const auto small = chip.add(urgent, 3);
  const auto span = chip.run_until_end(small);
  EXPECT_EQ(span.start_us, 10);  // blocks that run are not taken off
  EXPECT_EQ(span.end_us, 20);
  EXPECT_NEAR(chip.run_until_end(big).end_us, 210, 1e-6);  // four places were missing for one round
}

TEST(ChipSchedule, TheFirstWithBlocksLeftIsWaitedFor) {
  Chip chip;
  chip.add(grid(kFull + 1, 10), 0);
  const auto behind = chip.add(grid(1, 1), 0);
  EXPECT_EQ(chip.run_until_end(behind).start_us, 10);
}

TEST(ChipSchedule, DramIsShared) {
  Chip chip;
  const GridDemand reads = using_rate(grid(kSms, 100, 2), Rate::Dram, 0.9);
  const auto a = chip.add(reads, 0);
  const auto b = chip.add(reads, 0);
  EXPECT_NEAR(chip.run_until_end(a).end_us, 180, 1e-6);
  EXPECT_NEAR(chip.run_until_end(b).end_us, 180, 1e-6);
}

TEST(ChipSchedule, WhoAsksForLittleGetsIt) {
  Chip chip;
  const GridDemand reads = using_rate(using_rate(grid(kSms, 100, 2), Rate::Dram, 1.0), Rate::Fp32, 0.05);
  const GridDemand computes = using_rate(using_rate(grid(kSms, 100, 2), Rate::Fp32, 1.0), Rate::Dram, 0.02);
  const auto a = chip.add(reads, 0);
  const auto b = chip.add(computes, 0);
  EXPECT_NEAR(chip.run_until_end(a).end_us, 100, 6);
  EXPECT_NEAR(chip.run_until_end(b).end_us, 100, 6);
}

TEST(ChipSchedule, ARateIsFreeAgainWhenItsUserHasEnded) {
  Chip chip;
  const auto a = chip.add(using_rate(grid(kSms, 100, 2), Rate::Dram, 1.0), 0);
  const auto b = chip.add(using_rate(grid(kSms, 50, 2), Rate::Dram, 1.0), 0);
  EXPECT_NEAR(chip.run_until_end(b).end_us, 100, 1e-6);  // half of it each
  EXPECT_NEAR(chip.run_until_end(a).end_us, 150, 1e-6);
}

TEST(ChipSchedule, RoomIsCountedByTheSm) {
  Chip chip;
  GridDemand wide = grid(kSms, 10, 1);  // 60 % of each SM's shared memory
  wide.room = {0.1, 0.1, 0.6, 0.05};
  const auto a = chip.add(wide, 0);
  const auto b = chip.add(wide, 0);
  EXPECT_EQ(chip.run_until_end(a).end_us, 10);
  EXPECT_EQ(chip.run_until_end(b).start_us, 10);  // 40 % of each is left: in sum room, on no SM
}

// Grids of several rounds in parallel streams: blocks begin at all times, and no work is lost or won.
// Until then it keeps the room of its last blocks, and asks for nothing else.
TEST(ChipSchedule, AnOpenGridEndsWhenItIsClosed) {
  ChipSchedule chip(kSms);
  GridDemand open = using_rate(grid(kFull, 10), Rate::Dram, 1.0);
  open.open = true;
  const auto waits = chip.add(open, 0);
  const auto behind = chip.add(grid(kFull, 5), 0);
  chip.advance_to(10);
  EXPECT_EQ(chip.take_done(), std::vector{waits});
  chip.advance_to(25);
  EXPECT_TRUE(chip.take_ended().empty());
  chip.close(waits, 40);
  chip.advance_to(100);
  const auto ended = chip.take_ended();
  ASSERT_EQ(ended.size(), 2u);
  EXPECT_EQ(ended[0].grid, waits);
  EXPECT_EQ(ended[0].end_us, 40);
  EXPECT_EQ(ended[1].grid, behind);
  EXPECT_EQ(ended[1].end_us, 45);
}

TEST(ChipSchedule, AnOpenGridThatIsClosedAtOnceTakesItsOwnTimeToTheDigit) {
  ChipSchedule chip(kSms);
  GridDemand open = grid(7, 3.7 / 1.1);
  open.open = true;
  const auto waits = chip.add(open, 0.3);
  chip.advance_to(10);
  ASSERT_EQ(chip.take_done().size(), 1u);
  ChipSchedule other(kSms);
  const auto same = other.add(open, 0.3);
  while (other.take_done().empty()) other.advance_to(other.next_us());
  other.close(same, 0);
  other.advance_to(10);
  const auto ended = other.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_us, 0.3 + open.time_us);
  chip.close(waits, 0);
  chip.advance_to(11);
  EXPECT_EQ(chip.take_ended().at(0).end_us, 10) << "nobody closed it before";
}

TEST(ChipSchedule, WorkIsKept) {
  Chip chip;
  double end = 0;
  for (int i = 0; i < 40; ++i) {
    const auto a = chip.add(grid(3 * kFull + 17 * static_cast<std::uint64_t>(i), 10), end);
    const auto b = chip.add(grid(2 * kFull + 100, 7), end);
    const auto c = chip.add(grid(kFull - 3, 3), end);
    double last = 0;
    for (const auto id : {a, b, c}) last = std::max(last, chip.run_until_end(id).end_us);
    const double work = (3 * 10.0 + 2 * 7 + 3) + (17.0 * i * 10 + 100 * 7 - 3 * 3) / kFull;
    EXPECT_GE(last - end, work * 0.97);
    EXPECT_LE(last - end, work + 10);  // a last round that is not full
    end = last;
  }
}

TEST(ChipSchedule, OthersMayComeLater) {
  Chip chip;
  const auto a = chip.add(using_rate(grid(kSms, 100, 2), Rate::Dram, 1.0), 0);
  chip.advance_to(50);
  const auto b = chip.add(using_rate(grid(kSms, 100, 2), Rate::Dram, 1.0), 20);
  EXPECT_NEAR(chip.run_until_end(a).end_us, 150, 1e-6);
  const auto span = chip.run_until_end(b);
  EXPECT_EQ(span.start_us, 50);  // what has passed stays
  EXPECT_NEAR(span.end_us, 200, 1e-6);
}

// For traces: what a grid takes of the SMs' room, and gives back. Two rounds that follow each other without a
// gap are one step.
TEST(ChipSchedule, RoomIsTakenAndGivenBack) {
  ChipSchedule schedule(kSms);
  schedule.keep_room_steps();
  schedule.add(grid(2 * kFull, 10), 5);
  schedule.add(grid(3, 10), 5);
  std::map<ChipSchedule::GridId, std::vector<ChipSchedule::RoomStep>> room;
  while (room.size() < 2) {
    schedule.advance_to(schedule.next_us());
    for (const ChipSchedule::Ended& each : schedule.take_ended()) room[each.grid] = each.room;
  }
  ASSERT_EQ(room[0].size(), 2U);
  EXPECT_DOUBLE_EQ(room[0][0].time_us, 5);
  EXPECT_NEAR(room[0][0].sms, kSms, 1e-9);
  EXPECT_DOUBLE_EQ(room[0][1].time_us, 25);
  EXPECT_NEAR(room[0][1].sms, -kSms, 1e-9);
  ASSERT_EQ(room[1].size(), 2U);
  EXPECT_DOUBLE_EQ(room[1][0].time_us, 25);
  EXPECT_NEAR(room[1][0].sms, 0.5, 1e-9);
  EXPECT_DOUBLE_EQ(room[1][1].time_us, 35);
}

TEST(ChipSchedule, RoomIsNotFollowedWhereNobodyAsks) {
  ChipSchedule schedule(kSms);
  schedule.add(grid(3, 10), 0);
  schedule.advance_to(100);
  EXPECT_TRUE(schedule.take_ended().at(0).room.empty());
}

// A card of 300 W, 80 of them awake, whose limiter's average has a time constant of a millisecond.
class PowerLimitTest : public testing::Test {
 protected:
  // Of one round on the whole card: 400 W with the awake card, a quarter longer at the clock that keeps the
  // limit.
  static GridDemand hungry(double time_us) {
    GridDemand demand = grid(kFull, time_us);
    demand.watts = 320;
    demand.limited_time = 1.25;
    return demand;
  }
  ChipSchedule::Ended run(const GridDemand& demand, double ready_us) {
    schedule.add(demand, ready_us);
    for (;;) {
      schedule.advance_to(schedule.next_us());
      const std::vector<ChipSchedule::Ended> ended = schedule.take_ended();
      if (!ended.empty()) return ended.front();
    }
  }
  // Until the average has come from the awake card's power to the limit.
  static constexpr double kBurstUs = 1000 * 1.1631508098056809;  // ln((400 - 80) / (400 - 300))
  ChipSchedule schedule{kSms, {300, 80, 1000}};
};

TEST_F(PowerLimitTest, AShortBurstKeepsItsSpeed) {
  const ChipSchedule::Ended ended = run(hungry(1000), 3);
  EXPECT_EQ(ended.end_us, 1003);
  EXPECT_EQ(ended.limited_share, 0);
}

TEST_F(PowerLimitTest, ALongLaunchIsLoweredWhenTheAverageReachesTheLimit) {
  const ChipSchedule::Ended ended = run(hungry(10000), 0);
  EXPECT_NEAR(ended.end_us, kBurstUs + (10000 - kBurstUs) * 1.25, 0.1);
  EXPECT_NEAR(ended.limited_share, 1 - kBurstUs / 10000, 1e-5);
}

TEST_F(PowerLimitTest, RepeatedLaunchesSettle) {
  double end_us = 0;
  ChipSchedule::Ended last;
  for (int i = 0; i < 30; ++i) {
    last = run(hungry(100), end_us);
    end_us = last.end_us;
  }
  EXPECT_NEAR(last.end_us - last.start_us, 125, 0.01);
  EXPECT_NEAR(last.limited_share, 1, 1e-3);
  EXPECT_NEAR(end_us, kBurstUs + (3000 - kBurstUs) * 1.25, 0.1);
}

TEST_F(PowerLimitTest, WaitingGivesTheBurstBack) {
  const double end_us = run(hungry(10000), 0).end_us;
  const ChipSchedule::Ended again = run(hungry(1000), end_us + 20000);
  EXPECT_NEAR(again.end_us - again.start_us, 1000, 1e-6);
  EXPECT_EQ(again.limited_share, 0);
}

// The mean over a long time is the limit, however the load comes.
TEST_F(PowerLimitTest, APauseBuysAsMuchMoreAsItSaved) {
  run(hungry(10000), 0);
  const double end_us = schedule.now_us();
  const ChipSchedule::Ended after = run(hungry(10000), end_us + 10);
  // It saved 220 W for 10 us; what goes on at full speed takes 100 W more than the limit.
  const double full_us = (1 - after.limited_share) * 10000;
  EXPECT_NEAR(full_us, 22, 0.5);
}

TEST_F(PowerLimitTest, WhatKeepsTheLimitKeepsItsTimeToTheDigit) {
  GridDemand frugal = hungry(10000.0 / 3);
  frugal.watts = 220;
  const ChipSchedule::Ended ended = run(frugal, 0.1);
  EXPECT_EQ(ended.end_us, 0.1 + 10000.0 / 3);
  EXPECT_EQ(ended.limited_share, 0);
}

// Copies have the rest of the link: the grid goes as fast as its part lets it.
TEST(ChipSchedule, AGridGoesAtThePaceOfItsPartOfTheLink) {
  ChipSchedule chip(kSms);
  chip.add(using_rate(grid(kFull, 10), Rate::BusToDevice, 0.8), 0);
  EXPECT_TRUE(chip.uses_link());
  chip.advance_to(0);
  EXPECT_EQ(chip.link_users(), 1);
  EXPECT_NEAR(chip.link_use().to_device, 0.8, 1e-12);
  EXPECT_EQ(chip.link_use().to_host, 0);
  chip.set_link({0.4, 0});
  EXPECT_NEAR(chip.link_use().to_device, 0.4, 1e-12);
  chip.advance_to(10);
  chip.set_link({});
  chip.advance_to(100);
  const auto ended = chip.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_NEAR(ended[0].end_us, 15, 1e-9);
  EXPECT_FALSE(chip.uses_link());
}

// What changes at one moment and back at the same one was never there.
TEST(ChipSchedule, NoTimeDisturbsNobody) {
  ChipSchedule chip(kSms);
  const GridDemand demand = using_rate(grid(kFull, 3.7 / 1.1), Rate::BusToHost, 1);
  chip.add(demand, 0.3);
  chip.advance_to(0.3);
  chip.set_link({1, 0.5});
  chip.set_link({});
  chip.advance_to(100);
  const auto ended = chip.take_ended();
  ASSERT_EQ(ended.size(), 1u);
  EXPECT_EQ(ended[0].end_us, 0.3 + demand.time_us);
}

}  // namespace
}  // namespace doppel::timing
