// SPDX-License-Identifier: Apache-2.0
#include "link/bus_schedule.h"

#include <gtest/gtest.h>

#include <limits>
#include <map>

namespace doppel::link {
namespace {

class BusScheduleTest : public ::testing::Test {
 protected:
  using Id = BusSchedule::CopyId;
  Id add(double time_us, int engine, std::vector<Use> uses, double ready_us = 0, int card = 0) {
    return bus_.add({time_us, card, engine, std::move(uses)}, ready_us);
  }
  void run() {
    bus_.advance_to(1e9);
    for (const auto& each : bus_.take_ended()) ended_[each.copy] = each;
    EXPECT_EQ(bus_.next_us(), std::numeric_limits<double>::infinity());
  }
  double start(Id id) const { return ended_.at(id).start_us; }
  double end(Id id) const { return ended_.at(id).end_us; }

  BusSchedule bus_;
  std::map<Id, BusSchedule::Ended> ended_;
};

constexpr Use kDown{0, Channel::PcieToDevice, 1}, kUp{0, Channel::PcieToHost, 1};

TEST_F(BusScheduleTest, AnEngineDoesOneAfterTheOther) {
  const Id first = add(10.1, 0, {kDown}, 0.3), second = add(5.7, 0, {kDown}, 0.1);
  run();
  EXPECT_EQ(start(second), 0.1);
  EXPECT_EQ(end(second), 0.1 + 5.7);
  EXPECT_EQ(start(first), 0.1 + 5.7);
  EXPECT_EQ(end(first), 0.1 + 5.7 + 10.1);
}

TEST_F(BusScheduleTest, DirectionsDoNotSlowEachOther) {
  const Id down = add(10, 0, {kDown}), up = add(10, 1, {kUp});
  run();
  EXPECT_EQ(end(down), 10);
  EXPECT_EQ(end(up), 10);
}

TEST_F(BusScheduleTest, TwoEnginesShareADirection) {
  const Id host = add(10, 1, {kUp}), peer = add(10, 2, {kUp}, 5);
  run();
  // From 5 on each has half, until the first has ended.
  EXPECT_NEAR(end(host), 15, 1e-9);
  EXPECT_NEAR(end(peer), 20, 1e-9);
}

TEST_F(BusScheduleTest, WhoNeedsLittleGetsIt) {
  Use little = kUp;
  little.share = 0.25;
  const Id slow = add(20, 1, {little}), fast = add(15, 2, {kUp});
  run();
  EXPECT_EQ(end(slow), 20);
  EXPECT_NEAR(end(fast), 20, 1e-9);  // at three quarters
}

// A copy between cards is as fast as the worse of its two links lets it.
TEST_F(BusScheduleTest, BothLinksOfACopyBetweenCardsCount) {
  const Id peer = add(10, 2, {kUp, {1, Channel::PcieToDevice, 0.5}});
  const Id into = add(10, 0, {{1, Channel::PcieToDevice, 1}}, 0, 1);
  run();
  // Both have half of the second card's link: all that the first one asks for.
  EXPECT_EQ(end(peer), 10);
  EXPECT_NEAR(end(into), 15, 1e-9);
}

// A kernel that would have all of the link counts as a copy more.
TEST_F(BusScheduleTest, KernelsShareADirectionWithCopies) {
  const Id copy = add(10, 0, {kDown}), other = add(10, 1, {kUp});
  bus_.advance_to(2);
  EXPECT_EQ(bus_.share_with_kernels(0, 0, Channel::PcieToDevice, 1, 1), 0.5);
  bus_.advance_to(6);
  EXPECT_EQ(bus_.share_with_kernels(0, 0, Channel::PcieToDevice, 0, 0), 0);
  run();
  EXPECT_NEAR(end(copy), 12, 1e-9);
  EXPECT_EQ(end(other), 10);
}

TEST_F(BusScheduleTest, KernelsThatNeedLittleGetIt) {
  const Id copy = add(9, 0, {kDown});
  EXPECT_EQ(bus_.share_with_kernels(0, 0, Channel::PcieToDevice, 0, 0), 0);
  bus_.advance_to(0);
  EXPECT_EQ(bus_.share_with_kernels(0, 0, Channel::PcieToDevice, 0.25, 1), 0.25);
  run();
  EXPECT_NEAR(end(copy), 12, 1e-9);
}

TEST_F(BusScheduleTest, EachKernelCountsAsACopy) {
  add(10, 0, {kDown});
  bus_.advance_to(0);
  EXPECT_NEAR(bus_.share_with_kernels(0, 0, Channel::PcieToDevice, 1, 2), 2.0 / 3, 1e-12);
}

TEST_F(BusScheduleTest, KernelsOfAnotherCardDoNotCount) {
  const Id copy = add(10, 0, {kDown});
  bus_.advance_to(0);
  EXPECT_EQ(bus_.share_with_kernels(1, 1, Channel::PcieToDevice, 1, 1), 1);
  run();
  EXPECT_EQ(end(copy), 10);
}

// One direction of the NVLinks between cards 0 and 1: card 0 writes what card 1 reads.
TEST_F(BusScheduleTest, WhatACardReadsOverNvLinkTheOtherSends) {
  EXPECT_EQ(bus_.share_with_kernels(0, 0, Channel::NvLinkOut, 1, 1), 1);
  EXPECT_EQ(bus_.share_with_kernels(1, 0, Channel::NvLinkOut, 1, 1), 0.5);
  EXPECT_EQ(bus_.share_with_kernels(1, 1, Channel::NvLinkOut, 1, 1), 1);
  EXPECT_EQ(bus_.share_with_kernels(0, 0, Channel::NvLinkOut, 0, 0), 0);
  EXPECT_EQ(bus_.share_with_kernels(1, 0, Channel::NvLinkOut, 1, 1), 1);
}

TEST_F(BusScheduleTest, WhatComesBackForACopySlowsTheOtherDirection) {
  const Id out = add(100, 2, {{0, Channel::NvLinkOut, 1}, {1, Channel::NvLinkOut, 0.04}});
  const Id in = add(100, 2, {{1, Channel::NvLinkOut, 1}, {0, Channel::NvLinkOut, 0.04}}, 0, 1);
  run();
  EXPECT_NEAR(end(out), 104, 0.2);
  EXPECT_NEAR(end(in), 104, 0.2);
}

TEST_F(BusScheduleTest, NothingBeginsInThePast) {
  add(10, 0, {kDown});
  bus_.advance_to(20);
  const Id late = add(5, 0, {kDown}, 1);
  run();
  EXPECT_EQ(start(late), 20);
  EXPECT_EQ(end(late), 25);
}

TEST_F(BusScheduleTest, ManyCopiesEndInTheSumOfTheirTimes) {
  for (int i = 0; i < 1000; ++i) add(0.1 * (i % 7 + 1), i % 3, {kUp}, i % 11);
  double sum = 0;
  for (int i = 0; i < 1000; ++i) sum += 0.1 * (i % 7 + 1);
  run();
  double last = 0;
  for (const auto& [id, each] : ended_) last = std::max(last, each.end_us);
  EXPECT_EQ(ended_.size(), 1000u);
  EXPECT_NEAR(last, sum, 1e-6);
}

}  // namespace
}  // namespace doppel::link
