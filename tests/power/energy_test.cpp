// SPDX-License-Identifier: Apache-2.0
#include "power/energy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "card/load_card.h"

namespace doppel::power {
namespace {

struct Measured {
  double gb_per_second = 0;
  double gflops = 0;
  double mhz = 0;
  double watts = 0;
};

// gpu,blocks,its,flop_per_byte,GBs,GFs,MHz,W,C
std::vector<Measured> roofline() {
  std::ifstream in(DOPPEL_SOURCE_DIR "/truth/a40/roofline-power.csv");
  std::vector<Measured> rows;
  std::string line;
  std::getline(in, line);
  while (std::getline(in, line)) {
    std::vector<double> columns;
    std::istringstream fields(line);
    for (std::string field; std::getline(fields, field, ',');) columns.push_back(std::stod(field));
    rows.push_back({columns.at(4), columns.at(5), columns.at(6), columns.at(7)});
  }
  return rows;
}

// One second of the measured kernel.
Activity activity_of(const Measured& row, const card::Card& card) {
  Activity a;
  a.time_us = 1e6 * row.mhz / card.clocks.sustained_mhz;
  a.core_time_us = a.time_us;
  a.fp32_flops = row.gflops * 1e9;
  a.dram_bytes = row.gb_per_second * 1e9;
  return a;
}

TEST(Power, WattsOfTheA40AtItsMeasuredClock) {
  const card::Card card = card::find_card("a40").value();
  const std::vector<Measured> rows = roofline();
  ASSERT_EQ(rows.size(), 544U);
  double error = 0;
  for (const Measured& row : rows) {
    const State state = at_clock(card, activity_of(row, card), row.mhz);
    error += std::abs(state.watts - row.watts) / row.watts;
  }
  EXPECT_LT(error / static_cast<double>(rows.size()), 0.015);
}

TEST(Power, TheLimitLowersTheClockAsOnTheA40) {
  const card::Card card = card::find_card("a40").value();
  double error = 0;
  int bound = 0;
  for (const Measured& row : roofline()) {
    const State state = settle(card, activity_of(row, card));
    error += std::abs(state.clock_mhz - row.mhz) / row.mhz;
    EXPECT_LE(state.watts, card.power.limit_w);
    bound += state.power_bound ? 1 : 0;
  }
  EXPECT_LT(error / 544, 0.03);
  EXPECT_GT(bound, 200);
}

// Clock and power together, as they settle: each of the eight cards at each of 68 intensities.
TEST(Power, SettlesAsTheA40AtEveryIntensity) {
  const card::Card card = card::find_card("a40").value();
  for (const Measured& row : roofline()) {
    const State state = settle(card, activity_of(row, card));
    EXPECT_NEAR(state.clock_mhz, row.mhz, 0.08 * row.mhz) << row.gflops;
    EXPECT_NEAR(state.watts, row.watts, 0.08 * row.watts) << row.gflops;
  }
}

TEST(Power, AMemoryBoundLaunchKeepsItsTimeAtALowerClock) {
  const card::Card card = card::find_card("rtx-a6000").value();
  Activity a;
  a.time_us = 1000;
  EXPECT_DOUBLE_EQ(at_clock(card, a, card.clocks.sustained_mhz / 2).time_us, 1000);
  a.core_time_us = 1000;
  EXPECT_DOUBLE_EQ(at_clock(card, a, card.clocks.sustained_mhz / 2).time_us, 2000);
}

TEST(Power, AnImpossibleLoadStopsAtTheLowestClock) {
  const card::Card card = card::find_card("rtx-a6000").value();
  Activity a;
  a.time_us = 1;
  a.dram_bytes = 1e12;
  const State state = settle(card, a);
  EXPECT_EQ(state.clock_mhz, card.power.min_mhz);
  EXPECT_TRUE(state.power_bound);
}

// Two states of one run on the card, from which its figures were derived: 300.0 W near 2240 MHz, 226.9 W at
// 1890 MHz.
TEST(Power, Pro5000TensorLoad) {
  const card::Card card = card::find_card("rtx-pro-5000-blackwell").value();
  for (const auto& [mhz, watts] : {std::pair{2240.0, 300.0}, std::pair{1890.0, 226.9}}) {
    Activity a;
    a.time_us = 1e6 * mhz / card.clocks.sustained_mhz;
    a.core_time_us = a.time_us;
    a.tensor_flops = 0.965 * 1024 * 110 * mhz * 1e6;
    a.dram_bytes = 400e9;
    EXPECT_NEAR(at_clock(card, a, mhz).watts, watts, watts * 0.05);
  }
}

TEST(Power, EachTypeOfOperationAndByteHasItsEnergy) {
  const card::Card card = card::find_card("rtx-a6000").value();
  const card::Power& p = card.power;
  const double voltage = std::pow(card.clocks.sustained_mhz / p.reference_mhz, p.voltage_exponent);
  const auto of = [&](double Activity::* what) {
    Activity a;
    a.*what = 1e12;
    return dynamic_energy_j(card, a);
  };
  EXPECT_DOUBLE_EQ(of(&Activity::fp32_flops), p.fp32_pj_per_flop * voltage);
  EXPECT_DOUBLE_EQ(of(&Activity::fp16_flops), p.fp16_pj_per_flop * voltage);
  EXPECT_DOUBLE_EQ(of(&Activity::fp64_flops), p.fp64_pj_per_flop * voltage);
  EXPECT_DOUBLE_EQ(of(&Activity::l2_bytes), p.l2_pj_per_byte * voltage);
  EXPECT_DOUBLE_EQ(of(&Activity::dram_bytes), p.dram_pj_per_byte);
  EXPECT_DOUBLE_EQ(of(&Activity::bus_bytes), p.bus_pj_per_byte);
}

TEST(Power, TheStatesPartsAreItsWhole) {
  const card::Card card = card::find_card("rtx-a6000").value();
  Activity a;
  a.time_us = 1e6;
  a.busy_sms = 0.25;
  a.dram_bytes = 1e11;
  const State state = settle(card, a);
  EXPECT_DOUBLE_EQ(state.energy_j,
                   card.power.awake_w + 0.25 * (card.power.active_w - card.power.awake_w) + state.dynamic_j);
}

}  // namespace
}  // namespace doppel::power
