// SPDX-License-Identifier: Apache-2.0
// Energy and clock of one launch (src/device/launch_prediction.h).
#include "device/launch_prediction.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::device {
namespace {

class LaunchPredictionTest : public ::testing::Test {
 protected:
  // A millisecond on all SMs.
  LaunchPredictionTest() {
    resources.active_sms = card.sm_count;
    timing.time_us = 1000;
  }
  // With so many operations of one type, an instruction each two.
  double dynamic_j(double flops, double fp16, double fp64) {
    timing.flops = flops;
    timing.fp16_flops = fp16;
    timing.fp64_flops = fp64;
    timing.thread_instructions = static_cast<std::uint64_t>((flops - fp16 / 2) / 2);
    return with_power(card, resources, timing).power.dynamic_j;
  }
  card::Card card = card::find_card("rtx-a6000").value();
  timing::LaunchResources resources;
  timing::Prediction timing;
};

TEST_F(LaunchPredictionTest, EachTypeHasItsEnergy) {
  const double fp32 = dynamic_j(1e9, 0, 0);
  EXPECT_NEAR(dynamic_j(1e9, 1e9, 0) / fp32, card.power.fp16_pj_per_flop / card.power.fp32_pj_per_flop,
              1e-12);
  EXPECT_NEAR(dynamic_j(1e9, 0, 1e9) / fp32, card.power.fp64_pj_per_flop / card.power.fp32_pj_per_flop,
              1e-12);
  EXPECT_NEAR(dynamic_j(3e9, 1e9, 1e9), fp32 + dynamic_j(1e9, 1e9, 0) + dynamic_j(1e9, 0, 1e9), 1e-12);
}

TEST_F(LaunchPredictionTest, WhatIsNoArithmeticIsAnInstruction) {
  timing.thread_instructions = 1000000000;
  const double j = with_power(card, resources, timing).power.dynamic_j;
  EXPECT_NEAR(j / dynamic_j(1e9, 0, 0), card.power.instruction_pj / card.power.fp32_pj_per_flop, 1e-12);
}

TEST_F(LaunchPredictionTest, TheLimiterTakesItsShare) {
  timing.thread_instructions = 50000000000;  // 297 W and the busy card's 162
  const LaunchPrediction settled = with_power(card, resources, timing);
  ASSERT_TRUE(settled.power.power_bound);
  EXPECT_EQ(settled.burst.time_us, 1000);
  EXPECT_GT(settled.burst.energy_j, 1e-3 * card.power.limit_w);
  EXPECT_GT(settled.power.time_us, 1000);

  const LaunchPrediction burst = limited(card, settled, 0);
  EXPECT_EQ(burst.timing.time_us, 1000);
  EXPECT_EQ(burst.timing.clock_mhz, card.clocks.sustained_mhz);
  EXPECT_EQ(burst.power.energy_j, settled.burst.energy_j);
  EXPECT_FALSE(burst.power.power_bound);

  const LaunchPrediction half = limited(card, settled, 0.5);
  EXPECT_DOUBLE_EQ(half.timing.time_us, (1000 + settled.timing.time_us) / 2);
  EXPECT_LT(half.timing.clock_mhz, burst.timing.clock_mhz);
  EXPECT_GT(half.timing.clock_mhz, settled.timing.clock_mhz);
  EXPECT_TRUE(half.power.power_bound);

  EXPECT_EQ(limited(card, settled, 1).timing.time_us, settled.timing.time_us);

  timing::GridDemand demand;
  add_power(demand, card, settled);
  EXPECT_DOUBLE_EQ(demand.watts, 1e3 * settled.burst.energy_j - card.power.awake_w);
  EXPECT_DOUBLE_EQ(demand.limited_time, settled.power.time_us / 1000);
}

}  // namespace
}  // namespace doppel::device
