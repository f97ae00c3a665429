#include "device/prediction_cache.h"

#include <algorithm>
#include <bit>

namespace doppel::device {
namespace {

double busy_sms(const card::Card& card, const timing::LaunchShape& shape) {
  return std::min(1.0, static_cast<double>(shape.grid.count()) / std::max(1, card.sm_count));
}

// The part of the time that scales with the clock: all of it, but for what memory bounds.
double core_time(const timing::Prediction& prediction) {
  double dram = 0;
  for (const auto& [bound, share] : prediction.utilisation) {
    if (bound == timing::Bound::Dram) dram = share;
  }
  return prediction.time_us * (1 - std::clamp(dram, 0.0, 1.0));
}

}  // namespace

LaunchPrediction with_power(const card::Card& card, const timing::LaunchShape& shape,
                            timing::Prediction prediction) {
  power::Activity activity;
  activity.time_us = prediction.time_us;
  activity.core_time_us = core_time(prediction);
  activity.busy_sms = busy_sms(card, shape);
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

std::uint64_t count_entries(std::span<const kernel::BlockCount> counts) {
  std::uint64_t sum = 0;
  for (const kernel::BlockCount& count : counts) sum += count.warps;
  return sum;
}

PredictionCache::Key PredictionCache::key(std::uint32_t function, int device,
                                          const timing::LaunchShape& shape) {
  return {function,      device,        shape.grid.x,
          shape.grid.y,  shape.grid.z,  shape.block.x,
          shape.block.y, shape.block.z, shape.dynamic_shared_bytes};
}

bool PredictionCache::submit(const Key& key) {
  const std::lock_guard lock(mutex_);
  return std::has_single_bit(++entries_[key].launches);
}

void PredictionCache::store(const Key& key, const LaunchPrediction& prediction) {
  const std::lock_guard lock(mutex_);
  entries_[key].latest = prediction;
}

LaunchPrediction PredictionCache::scaled(const Key& key, std::uint64_t counted) {
  LaunchPrediction result;
  {
    const std::lock_guard lock(mutex_);
    result = entries_[key].latest;
  }
  if (result.counted == counted || result.counted == 0) return result;
  const double ratio = static_cast<double>(counted) / static_cast<double>(result.counted);
  const auto scale = [&](auto& value) {
    value = static_cast<std::remove_reference_t<decltype(value)>>(static_cast<double>(value) * ratio);
  };
  timing::Prediction& timing = result.timing;
  for (double* each :
       {&timing.time_us, &timing.cycles, &timing.flops, &timing.dram_read_bytes, &timing.dram_write_bytes,
        &timing.l2_bytes, &timing.shared_passes, &result.power.energy_j, &result.power.time_us}) {
    scale(*each);
  }
  scale(timing.warp_instructions);
  scale(timing.thread_instructions);
  result.counted = counted;
  return result;
}

}  // namespace doppel::device
