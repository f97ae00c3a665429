// SPDX-License-Identifier: Apache-2.0
#include "device/launch_prediction.h"

#include <algorithm>
#include <optional>
#include <type_traits>

#include "card/occupancy.h"
#include "link/migration.h"
#include "support/units.h"

namespace doppel::device {
namespace {

// Of a launch's time: what it waits for longer bounds it (as predict.cpp says).
constexpr double kBusy = 0.6;

// The part of the time that scales with the clock: all of it, but for what memory bounds.
double core_time(const timing::Prediction& prediction) {
  double memory = 0;
  for (const auto& [bound, share] : prediction.utilisation) {
    if (bound == timing::Bound::Dram || bound == timing::Bound::Pcie || bound == timing::Bound::NvLink)
      memory = std::max(memory, share);
  }
  return prediction.time_us * (1 - std::clamp(memory, 0.0, 1.0));
}

// What launches that run together share by using it in turns.
std::optional<timing::Rate> rate_of(timing::Bound bound) {
  using timing::Bound;
  using timing::Rate;
  switch (bound) {
    case Bound::Dram:
      return Rate::Dram;
    case Bound::L2:
      return Rate::L2;
    case Bound::Issue:
      return Rate::Issue;
    case Bound::Fp32:
      return Rate::Fp32;
    case Bound::Int32:
      return Rate::Int32;
    case Bound::Fp16:
      return Rate::Fp16;
    case Bound::Fp64:
      return Rate::Fp64;
    case Bound::Special:
      return Rate::Special;
    case Bound::Tensor:
      return Rate::Tensor;
    case Bound::Texture:
    case Bound::LoadStore:
    case Bound::SharedMemory:
    case Bound::L1:
    case Bound::Atomics:
      return Rate::LoadStore;
    case Bound::Launch:
    case Bound::Latency:
    case Bound::Occupancy:
    case Bound::Barrier:
    case Bound::Pcie:  // by their directions: add_rates
    case Bound::NvLink:
      break;
  }
  return std::nullopt;
}

}  // namespace

LaunchPrediction with_power(const card::Card& card, const timing::LaunchResources& launch,
                            timing::Prediction prediction) {
  power::Activity activity;
  activity.time_us = prediction.time_us;
  activity.core_time_us = core_time(prediction);
  activity.busy_sms = static_cast<double>(launch.active_sms) / card.sm_count;
  activity.fp16_flops = prediction.fp16_flops;
  activity.fp64_flops = prediction.fp64_flops;
  activity.tensor_flops = prediction.tensor_fp16_flops;
  activity.fp32_flops =
      prediction.flops - prediction.fp16_flops - prediction.fp64_flops - prediction.tensor_flops;
  // An instruction does two of them, a multiply and an add, and on packed halves twice as many.
  activity.other_instructions =
      std::max(0.0, static_cast<double>(prediction.thread_instructions) -
                        (prediction.flops - prediction.tensor_flops - prediction.fp16_flops / 2) / 2);
  activity.dram_bytes = prediction.dram_read_bytes + prediction.dram_write_bytes;
  activity.bus_bytes = prediction.bus.bytes() + prediction.nvlink.bytes();
  activity.l2_bytes = prediction.l2_bytes;
  LaunchPrediction result;
  if (prediction.time_us > 0) {
    result.power = power::settle(card, activity);
    const power::State burst = power::at_clock(card, activity, card.clocks.sustained_mhz);
    result.burst = {burst.time_us, burst.energy_j, burst.dynamic_j};
    prediction.time_us = result.power.time_us;
    prediction.clock_mhz = result.power.clock_mhz;
  }
  result.timing = std::move(prediction);
  return result;
}

LaunchPrediction with_migration(const card::Card& card, const timing::LaunchResources& launch,
                                LaunchPrediction prediction, const Migration& moved) {
  using link::Direction;
  if (!moved.any() || prediction.timing.time_us <= 0) return prediction;
  timing::Prediction timing = std::move(prediction.timing);
  // The limiter comes last.
  if (prediction.burst.time_us > 0) timing.time_us = prediction.burst.time_us;
  const double before_us = timing.time_us;
  struct Way {
    double moved, stays;  // bytes
    Direction direction;
    double& bytes;
    double& share;
    double time_us = 0;
  };
  Way ways[] = {{moved.to_card, moved.read_over_bus, Direction::HostToDevice, timing.bus.read_bytes,
                 timing.bus.read_share},
                {moved.to_host, moved.written_over_bus, Direction::DeviceToHost, timing.bus.write_bytes,
                 timing.bus.write_share}};
  double bus_us = 0;
  for (Way& way : ways) {
    const double own_us = way.share * before_us + link::lines_on_link_us(card, way.stays, way.direction);
    way.time_us = own_us + link::migration_on_link_us(card, way.moved, way.direction);
    bus_us =
        std::max(bus_us, own_us + link::migration_us(card, way.moved, way.direction, link::Cause::Fault));
    way.bytes += way.moved + way.stays;
  }
  timing.dram_write_bytes += moved.to_card;
  timing.dram_read_bytes += moved.to_host;
  timing.time_us = timing.start_us + std::max(before_us - timing.start_us, bus_us) +
                   (moved.faulted ? card.managed.fault_us : 0);
  const double longer = timing.time_us / before_us;
  timing.cycles *= longer;
  for (Way& way : ways) way.share = std::min(1.0, way.time_us / timing.time_us);
  const double waited = (bus_us + (moved.faulted ? card.managed.fault_us : 0)) / timing.time_us;
  std::erase_if(timing.utilisation, [](const auto& each) { return each.first == timing::Bound::Pcie; });
  for (auto& [bound, share] : timing.utilisation) share /= longer;
  timing.utilisation.insert(timing.utilisation.begin(), {timing::Bound::Pcie, std::min(1.0, waited)});
  std::ranges::sort(timing.utilisation, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  if (timing.utilisation.front().first == timing::Bound::Pcie && waited > kBusy)
    timing.bound = timing::Bound::Pcie;
  return with_power(card, launch, std::move(timing));
}

timing::GridDemand grid_demand(const card::Card& card, const timing::LaunchResources& launch) {
  timing::GridDemand demand;
  demand.blocks = std::max<std::uint64_t>(1, launch.config.grid.count());
  demand.blocks_at_once =
      static_cast<std::uint64_t>(card.sm_count) * static_cast<std::uint64_t>(launch.blocks_per_sm);
  const std::uint64_t whole_warps = (launch.config.block.count() + 31) / 32;
  const auto warps = static_cast<double>(whole_warps);
  const auto part = [&](timing::Room room, double taken, double there) {
    demand.room[static_cast<std::size_t>(room)] = std::min(taken / there, 1.0 / launch.blocks_per_sm);
  };
  part(timing::Room::Warps, warps, card.sm.max_warps);
  part(timing::Room::Blocks, 1, card.sm.max_blocks);
  part(timing::Room::Registers, warps * 32 * launch.registers, card.sm.registers);
  part(timing::Room::SharedMemory,
       static_cast<double>(card::shared_bytes_taken(card, static_cast<std::int64_t>(launch.shared_bytes))),
       card.shared.bytes_per_sm);
  return demand;
}

void add_rates(timing::GridDemand& demand, const card::Card& card, const timing::LaunchResources& launch,
               const timing::Prediction& prediction) {
  const double active = static_cast<double>(launch.active_sms) / card.sm_count;
  for (const auto& [bound, share] : prediction.utilisation) {
    const auto rate = rate_of(bound);
    if (!rate) continue;
    // What an SM has for itself is busy on those that have a block.
    const bool of_chip = *rate == timing::Rate::Dram || *rate == timing::Rate::L2;
    double& there = demand.rates[static_cast<std::size_t>(*rate)];
    there = std::max(there, std::clamp(share, 0.0, 1.0) * (of_chip ? 1 : active));
  }
  const auto link = [&](timing::Rate rate, double share) {
    demand.rates[static_cast<std::size_t>(rate)] = share;
  };
  link(timing::Rate::BusToDevice, prediction.bus.read_share);
  link(timing::Rate::BusToHost, prediction.bus.write_share);
  link(timing::Rate::NvLinkIn, prediction.nvlink.read_share);
  link(timing::Rate::NvLinkOut, prediction.nvlink.write_share);
}

void add_power(timing::GridDemand& demand, const card::Card& card, const LaunchPrediction& prediction) {
  const LaunchPrediction::Burst& burst = prediction.burst;
  if (burst.time_us <= 0) return;
  demand.watts = std::max(0.0, burst.energy_j / burst.time_us * kMicrosecondsPerSecond - card.power.awake_w);
  demand.limited_time = std::max(1.0, prediction.power.time_us / burst.time_us);
}

LaunchPrediction limited(const card::Card& card, LaunchPrediction prediction, double share) {
  if (!prediction.power.power_bound || share >= 1) return prediction;
  const auto mean = [share](double burst, double settled) { return burst + (settled - burst) * share; };
  power::State& power = prediction.power;
  const LaunchPrediction::Burst& burst = prediction.burst;
  const double time_us = mean(burst.time_us, power.time_us);
  // The clock's mean is over the time.
  power.clock_mhz =
      mean(card.clocks.sustained_mhz * burst.time_us, power.clock_mhz * power.time_us) / time_us;
  power.time_us = time_us;
  power.energy_j = mean(burst.energy_j, power.energy_j);
  power.dynamic_j = mean(burst.dynamic_j, power.dynamic_j);
  power.watts = power.energy_j / time_us * kMicrosecondsPerSecond;
  power.power_bound = share > 0;
  prediction.timing.time_us = power.time_us;
  prediction.timing.clock_mhz = power.clock_mhz;
  return prediction;
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
  LaunchPrediction::Burst& burst = prediction.burst;
  for (double* each : {&prediction.power.energy_j, &prediction.power.time_us, &prediction.power.dynamic_j,
                       &burst.energy_j, &burst.time_us, &burst.dynamic_j})
    *each *= longer;
  for (double* each : {&timing.flops, &timing.fp16_flops, &timing.fp64_flops, &timing.tensor_flops,
                       &timing.tensor_fp16_flops, &timing.dram_read_bytes, &timing.dram_write_bytes,
                       &timing.bus.read_bytes, &timing.bus.write_bytes, &timing.nvlink.read_bytes,
                       &timing.nvlink.write_bytes, &timing.l2_bytes, &timing.shared_passes})
    scale(*each);
  scale(timing.warp_instructions);
  scale(timing.thread_instructions);
  return prediction;
}

}  // namespace doppel::device
