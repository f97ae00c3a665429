// SPDX-License-Identifier: Apache-2.0
// Time and energy of what ran on a card (src/device/run_recorder.h), at places that the test names.
#include "device/run_recorder.h"

#include <cmath>
#include <map>

#include "device/operation.h"
#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class RunRecorderTest : public DeviceTest {
 protected:
  static constexpr double kSecond = 1e6;
  const card::Card& card() const { return platform->device(0).card(); }
  RunRecord record(double host_us) {
    return platform->recorder().records({&platform->device(0)}, host_us).at(0);
  }
  void copy(const std::string& kind, double start_us, double end_us, std::uint64_t bytes) {
    const auto each = static_cast<double>(bytes);
    const bool within = kind == "device to device" || kind == "fill";
    const double moves = kind == "fill" ? 1 : 2;
    const Moved moved = within ? Moved{.dram_bytes = moves * each, .l2_bytes = moves * each, .busy_sms = 1}
                               : Moved{.dram_bytes = each, .l2_bytes = each, .bus_bytes = each};
    platform->recorder().copy({0, 1, start_us, end_us}, kind, bytes, moved);
  }
  static double sum_of(const RunRecord& record) {
    double sum = record.waiting_energy_j;
    for (const KernelRecord& kernel : record.kernels) sum += kernel.energy_j;
    for (const CopyRecord& copies : record.copies) sum += copies.energy_j;
    return sum;
  }
  // A kernel on half of the SMs, with so much energy of its own.
  void kernel_at(const char* name, double start_us, double end_us, double dynamic_j) {
    timing::Prediction prediction;
    prediction.time_us = end_us - start_us;
    power::State power;
    power.busy_sms = 0.5;
    power.dynamic_j = dynamic_j;
    platform->recorder().kernel({0, 1, start_us, end_us}, name, {}, prediction, power, false);
  }
};

TEST_F(RunRecorderTest, TimeAndEnergyAddUp) {
  kernel_at("a", 0, kSecond, 5);
  kernel_at("b", kSecond / 2, 2 * kSecond, 7);
  copy("host to device", kSecond / 4, 3 * kSecond, 1 << 30);
  const RunRecord all = record(4 * kSecond);
  EXPECT_DOUBLE_EQ(all.busy_us, 3 * kSecond);
  EXPECT_DOUBLE_EQ(all.busy_us + all.host_us, all.time_us);
  EXPECT_DOUBLE_EQ(sum_of(all), all.energy_j);
  EXPECT_GE(all.energy_j, 4 * card().power.awake_w);
  EXPECT_LE(all.energy_j, 4 * card().power.limit_w);
  EXPECT_DOUBLE_EQ(all.waiting_energy_j, card().power.awake_w);
  // The awake card once; half of the SMs for a second and a half, all of them in the half in which both run.
  const card::Power& p = card().power;
  const double of_bytes = static_cast<double>(1 << 30) * 1e-12;
  const double voltage = std::pow(card().clocks.sustained_mhz / p.reference_mhz, p.voltage_exponent);
  EXPECT_NEAR(all.energy_j,
              4 * p.awake_w + (p.active_w - p.awake_w) * (0.5 * 1 + 0.5 * 1.5) + 12 +
                  of_bytes * (p.dram_pj_per_byte + p.bus_pj_per_byte + p.l2_pj_per_byte * voltage),
              1e-9);
}

TEST_F(RunRecorderTest, ALaunchAloneHasAllThatItDraws) {
  kernel_at("a", kSecond, 2 * kSecond, 5);
  const card::Power& p = card().power;
  EXPECT_DOUBLE_EQ(record(0).kernels.at(0).energy_j, p.awake_w + 0.5 * (p.active_w - p.awake_w) + 5);
}

// Read and written, by SMs that are busy with it.
TEST_F(RunRecorderTest, CopiesWithinTheCardDrawMoreThanThoseOverTheBus) {
  copy("device to device", 0, kSecond, 1 << 30);
  copy("fill", kSecond, 2 * kSecond, 1 << 30);
  copy("host to device", 2 * kSecond, 3 * kSecond, 1 << 30);
  const RunRecord all = record(0);
  std::map<std::string, double> energy;
  for (const CopyRecord& each : all.copies) energy[each.kind] = each.energy_j;
  const card::Power& p = card().power;
  EXPECT_GT(energy.at("device to device"), p.active_w);
  EXPECT_GT(energy.at("fill"), p.active_w);
  EXPECT_GT(energy.at("device to device"), energy.at("fill"));
  EXPECT_GT(energy.at("host to device"), p.awake_w);
  EXPECT_LT(energy.at("host to device"), p.awake_w + 1);
}

TEST_F(RunRecorderTest, WaitingForMinutesCostsTheIdlePower) {
  kernel_at("a", 0, kSecond, 5);
  const card::Power& p = card().power;
  const RunRecord all = record(101 * kSecond);
  EXPECT_DOUBLE_EQ(all.waiting_energy_j, p.idle_after_s * p.awake_w + (100 - p.idle_after_s) * p.idle_w);
  EXPECT_TRUE(all.power.empty()) << "no timeline was asked for";
}

TEST_F(RunRecorderTest, ATimelineHasPowerRoomEnginesAndWaits) {
  Options options = testing::plain_options();
  options.keep_timeline = true;
  start(std::move(options));
  kernel_at("a", 10, 20, 0);
  copy("host to device", 12, 30, 1 << 20);
  copy("device to host (pageable)", 12, 30, 1 << 20);
  copy("fill", 30, 31, 1 << 20);
  platform->recorder().sm_room(0, "a", {{10, 3}, {20, -3}});
  platform->recorder().host_call("cuCtxSynchronize", 8, 20, 11);
  platform->recorder().host_call("cuLaunchKernel", 20, 23, 0);
  const RunRecord all = record(40);
  std::vector<std::string> tracks;
  for (const TimelineSlice& slice : all.timeline) tracks.push_back(slice.track + ": " + slice.label);
  EXPECT_EQ(tracks, (std::vector<std::string>{
                        "host thread 1: cuCtxSynchronize", "host thread 1: waits for the card",
                        "host thread 1: cuLaunchKernel", "stream 1: a", "copies to the card: host to device",
                        "copies to the host: device to host (pageable)", "stream 1: fill"}));
  EXPECT_EQ(all.timeline[1].start_us, 9);
  EXPECT_EQ(all.timeline[1].duration_us, 11);
  EXPECT_EQ(all.timeline[1].category, "host waits");
  std::vector<double> times;
  for (const PowerRecord& step : all.power) times.push_back(step.time_us);
  EXPECT_EQ(times, (std::vector<double>{0, 10, 12, 20, 30, 31}));
  ASSERT_EQ(all.sm_room.size(), 2U);
  EXPECT_EQ(all.sm_room[1].sms, -3);
}

// A launch that really runs: its room on the SMs is followed.
TEST_F(RunRecorderTest, ALaunchTakesRoomOnItsSms) {
  Options options = testing::plain_options();
  options.keep_timeline = true;
  start(std::move(options));
  const auto stream = context->create_stream({.non_blocking = true}).value();
  auto* x = allocate<float>(1 << 16);
  auto* y = allocate<float>(1 << 16);
  ASSERT_TRUE(stream->enqueue(work("saxpy", {256}, {256}, x, y, 2.0F, 1 << 16)));
  ASSERT_TRUE(stream->synchronize());
  const RunRecord all = record(0);
  ASSERT_GE(all.sm_room.size(), 2U);
  EXPECT_EQ(all.sm_room[0].label, "saxpy");
  double sms = 0;
  for (const SmRoomRecord& step : all.sm_room) sms += step.sms;
  EXPECT_NEAR(sms, 0, 1e-9);
  EXPECT_GT(all.sm_room[0].sms, 1);
  EXPECT_LE(all.sm_room[0].sms, card().sm_count);
}

}  // namespace
}  // namespace doppel::device
