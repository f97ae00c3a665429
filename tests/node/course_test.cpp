// SPDX-License-Identifier: Apache-2.0
// How a card goes on over the wall clock.
#include "node/course.h"

#include <cmath>

#include "fixture.h"

namespace doppel::node {
namespace {

class Course : public NodeTest {
 protected:
  Course() : card(card_of("rtx-a6000")), node(open()) {
    number = *node->card(card, 0, at(0));
    EXPECT_EQ(number, 0);
  }
  CardState state(double seconds) const { return *node->state(number, at(seconds)); }
  // Half a millisecond of a kernel in each millisecond, 200 W in it.
  static Work half_busy(int i) {
    const double start_us = 1000.0 * i;
    return {.start_us = start_us + 500,
            .end_us = start_us + 1000,
            .kernel = true,
            .energy_j = 200 * 500e-6,
            .clock_mhz = 1500};
  }
  card::Card card;
  std::shared_ptr<Node> node;
  int number = 0;
};

TEST_F(Course, AnIdleCardDrawsItsIdlePowerAndIsNotBusy) {
  const CardState now = state(100);
  EXPECT_EQ(now.busy, 0);
  EXPECT_FALSE(now.awake);
  EXPECT_EQ(now.watts, card.power.idle_w);
  EXPECT_EQ(now.clock_mhz, card.power.min_mhz);
  EXPECT_NEAR(now.energy_j, 100 * card.power.idle_w, 1e-6);
  EXPECT_NEAR(now.temperature_c, card.thermal.ambient_c + card.thermal.c_per_w * card.power.idle_w, 1e-9);
}

TEST_F(Course, AProcessWakesTheCardAndWithoutWorkItFallsIdle) {
  const auto client = *node->join(number, at(0));
  EXPECT_EQ(state(5).watts, card.power.awake_w);
  EXPECT_EQ(state(5).busy, 0);
  EXPECT_EQ(state(card.power.idle_after_s + 1).watts, card.power.idle_w);
  const double awake_s = card.power.idle_after_s;
  EXPECT_NEAR(state(awake_s + 1).energy_j, awake_s * card.power.awake_w + 1 * card.power.idle_w, 1e-6);
}

TEST_F(Course, SharesOfVirtualTimeHoldOnTheWallClock) {
  const auto client = *node->join(number, at(0));
  // Each millisecond of virtual time takes 100 of the wall clock.
  for (int i = 0; i < 5; ++i) client->ran(half_busy(i), at(0.1 * (i + 1)));
  const CardState now = state(0.5);
  // From the first kernel's start: 5 halves in 4.5 ms.
  EXPECT_NEAR(now.busy, 2.5 / 4.5, 1e-9);
  EXPECT_EQ(now.clock_mhz, 1500);
  EXPECT_NEAR(now.watts, card.power.awake_w + (200 - card.power.awake_w) * 2.5 / 4.5, 1e-9);
  ASSERT_EQ(now.processes.size(), 1u);
  EXPECT_EQ(now.processes[0].pid, getpid());
  EXPECT_NEAR(now.processes[0].busy, now.busy, 1e-12);
}

TEST_F(Course, WorkHoldsForASecondAndNoLonger) {
  const auto client = *node->join(number, at(0));
  client->ran(half_busy(0), at(1));
  EXPECT_GT(state(1.9).busy, 0.9);
  EXPECT_EQ(state(2.1).busy, 0);
  EXPECT_EQ(state(2.1).watts, card.power.awake_w);
}

TEST_F(Course, AKernelThatRunsLongOnTheHostKeepsTheCardBusy) {
  const auto client = *node->join(number, at(0));
  client->begins(at(1));
  EXPECT_EQ(state(30).busy, 1);
  EXPECT_EQ(state(30).watts, card.power.active_w);
  client->ends(at(40));
  EXPECT_EQ(state(40.5).busy, 1);
  EXPECT_EQ(state(42).busy, 0);
}

TEST_F(Course, EnergyIsTheIntegralOfPower) {
  const auto client = *node->join(number, at(0));
  double integral = 0;
  const double first = state(0).energy_j;
  double watts = state(0).watts;
  for (int i = 0; i < 400; ++i) {
    const double time = 0.01 * (i + 1);
    integral += watts * 0.01;
    if (i % 7 == 0 && i < 200) client->ran(half_busy(i), at(time));
    watts = state(time).watts;
  }
  EXPECT_NEAR(state(4).energy_j - first, integral, 0.01 * integral);
}

// The sum does not depend on who looks when.
TEST_F(Course, LookingChangesNothing) {
  const auto client = *node->join(number, at(0));
  client->ran(half_busy(0), at(1));
  auto other = Node::open((folder / "other").string());
  ASSERT_TRUE(other);
  ASSERT_TRUE((*other)->card(card, 0, at(0)));
  const auto watched = *(*other)->join(number, at(0));
  watched->ran(half_busy(0), at(1));
  for (int i = 0; i < 3000; ++i) (void)(*other)->state(number, at(0.01 * i));
  EXPECT_NEAR((*other)->state(number, at(30))->energy_j, state(30).energy_j, 1e-6);
  EXPECT_NEAR((*other)->state(number, at(30))->temperature_c, state(30).temperature_c, 1e-9);
}

TEST_F(Course, TheTemperatureIsOfTheFirstOrder) {
  const auto client = *node->join(number, at(0));
  client->begins(at(0));
  const double cold = card.thermal.ambient_c + card.thermal.c_per_w * card.power.idle_w;
  const double hot = card.thermal.ambient_c + card.thermal.c_per_w * card.power.active_w;
  const double one = state(card.thermal.time_constant_s).temperature_c;
  EXPECT_NEAR(one, hot + (cold - hot) * std::exp(-1.0), 1e-6);
  EXPECT_NEAR(state(20 * card.thermal.time_constant_s).temperature_c, hot, 1e-3);
}

TEST_F(Course, TwoProcessesShareTheTime) {
  const auto first = *node->join(number, at(0));
  const auto second = *node->join(number, at(0));
  const auto full = [](int i) {
    return Work{.start_us = 1000.0 * i,
                .end_us = 1000.0 * (i + 1),
                .kernel = true,
                .energy_j = 0.25,
                .clock_mhz = 1700};
  };
  first->ran(full(0), at(1));
  second->ran(full(0), at(1));
  const CardState now = state(1);
  EXPECT_EQ(now.busy, 1);
  EXPECT_NEAR(now.watts, 250, 1e-6);  // as one at a time
  double sum = 0;
  for (const ProcessState& each : now.processes) sum += each.busy;
  EXPECT_NEAR(sum, 1, 1e-12);
}

// How much of the card's time a process wants does not grow because others make it wait.
TEST_F(Course, WhatIsWantedIsCountedWithoutTheOthers) {
  const auto first = *node->join(number, at(0)), second = *node->join(number, at(0));
  EXPECT_EQ(first->wanted_by_others(at(1)), 0);
  // Half a millisecond of a kernel in each: it took a whole one, of which half was another's.
  for (int i = 0; i < 3; ++i) {
    const double start_us = 1500.0 * i;
    second->ran({.start_us = start_us, .end_us = start_us + 1000, .kernel = true, .own_share = 0.5}, at(1));
  }
  EXPECT_NEAR(state(1).busy, 3.0 / 4, 1e-12);                     // 3 of 4 ms
  EXPECT_NEAR(first->wanted_by_others(at(1)), 1.5 / 2.5, 1e-12);  // 1.5 of 2.5
  EXPECT_EQ(first->wanted_by_others(at(3)), 0);                   // it waits for long
  second->begins(at(3));
  EXPECT_EQ(first->wanted_by_others(at(3)), 1);  // it is in a kernel
  EXPECT_EQ(second->wanted_by_others(at(3)), 0);
}

TEST_F(Course, ThePowerLimitHoldsAndIsTakenInItsRangeOnly) {
  const auto client = *node->join(number, at(0));
  client->begins(at(0));
  EXPECT_FALSE(node->set_power_limit(number, 99, at(1)));
  EXPECT_FALSE(node->set_power_limit(number, 301, at(1)));
  ASSERT_TRUE(node->set_power_limit(number, 120, at(1)));
  EXPECT_EQ(state(2).watts, 120);
  EXPECT_TRUE(state(2).power_bound);
  EXPECT_EQ(state(2).limit_w, 120);
  EXPECT_EQ(state(2).default_limit_w, 300);
}

TEST_F(Course, LockedClocksHold) {
  const auto client = *node->join(number, at(0));
  client->begins(at(0));
  EXPECT_FALSE(node->lock_clocks(number, 1500, 1200, at(1)));
  EXPECT_FALSE(node->lock_clocks(number, 0, 100, at(1)));
  ASSERT_TRUE(node->lock_clocks(number, 0, 1200, at(1)));
  EXPECT_EQ(state(2).clock_mhz, 1200);
  ASSERT_TRUE(node->lock_clocks(number, 0, 0, at(2)));
  EXPECT_EQ(state(2).clock_mhz, card.clocks.sustained_mhz);
}

}  // namespace
}  // namespace doppel::node
