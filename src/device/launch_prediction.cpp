// SPDX-License-Identifier: Apache-2.0
#include "device/launch_prediction.h"

#include <algorithm>
#include <type_traits>

namespace doppel::device {
namespace {

// The part of the time that scales with the clock: all of it, but for what memory bounds.
double core_time(const timing::Prediction& prediction) {
  double dram = 0;
  for (const auto& [bound, share] : prediction.utilisation) {
    if (bound == timing::Bound::Dram) dram = share;
  }
  return prediction.time_us * (1 - std::clamp(dram, 0.0, 1.0));
}

}  // namespace

LaunchPrediction with_power(const card::Card& card, const timing::LaunchResources& launch,
                            timing::Prediction prediction) {
  power::Activity activity;
  activity.time_us = prediction.time_us;
  activity.core_time_us = core_time(prediction);
  activity.busy_sms = static_cast<double>(launch.active_sms) / card.sm_count;
  activity.fp32_flops = prediction.flops;
  activity.other_instructions =
      std::max(0.0, static_cast<double>(prediction.thread_instructions) - prediction.flops / 2);
  activity.dram_bytes = prediction.dram_read_bytes + prediction.dram_write_bytes;
  activity.l2_bytes = prediction.l2_bytes;
  LaunchPrediction result;
  if (prediction.time_us > 0) {
    result.power = power::settle(card, activity);
    prediction.time_us = result.power.time_us;
    prediction.clock_mhz = result.power.clock_mhz;
  }
  result.timing = std::move(prediction);
  return result;
}

LaunchPrediction scaled(LaunchPrediction prediction, double ratio) {
  const auto scale = [&](auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(static_cast<double>(value) * ratio);
  };
  timing::Prediction& timing = prediction.timing;
  const double before_us = timing.time_us;
  timing.time_us = timing.start_us + std::max(0.0, timing.time_us - timing.start_us) * ratio;
  const double longer = before_us > 0 ? timing.time_us / before_us : 1;
  timing.cycles *= longer;
  prediction.power.energy_j *= longer;
  prediction.power.time_us *= longer;
  for (double* each : {&timing.flops, &timing.dram_read_bytes, &timing.dram_write_bytes, &timing.l2_bytes,
                       &timing.shared_passes})
    scale(*each);
  scale(timing.warp_instructions);
  scale(timing.thread_instructions);
  return prediction;
}

}  // namespace doppel::device
