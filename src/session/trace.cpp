// SPDX-License-Identifier: Apache-2.0
#include "session/trace.h"

#include "device/kernel_record.h"
#include "report/advice.h"
#include "report/error_band.h"
#include "report/why.h"

namespace doppel {
namespace session {
namespace {

std::vector<Share> shares_of(const std::vector<device::Utilisation>& list) {
  std::vector<Share> out;
  for (const device::Utilisation& each : list) out.push_back({each.unit, each.share});
  return out;
}

// Of this installation, for the cards that it was measured on.
std::optional<Band> band_of(const card::Card& card) {
  // Read once: predictions may come by the hundred.
  static const auto band = report::load_error_band(report::installed_error_band());
  if (!band || !*band || !(*band)->verifies(card.id)) return std::nullopt;
  return Band{(*band)->mean_percent, (*band)->p90_percent.value_or(0), (*band)->measurements};
}

Prediction public_form(const timing::Prediction& timing, const power::State& power,
                       const device::KernelRecord& record) {
  Prediction out;
  out.time_us = timing.time_us;
  out.start_us = timing.start_us;
  out.cycles = timing.cycles;
  out.clock_mhz = timing.clock_mhz;
  out.power_bound = power.power_bound;
  out.energy_j = power.energy_j;
  out.bound = record.bound;
  out.explanation = record.explanation;
  out.advice = record.advice;
  out.registers = timing.registers;
  out.spilled_bytes = timing.spilled_bytes;
  out.occupancy = timing.occupancy;
  out.achieved_occupancy = record.detail.achieved_occupancy;
  out.waves = timing.waves;
  out.warp_instructions = timing.warp_instructions;
  out.thread_instructions = timing.thread_instructions;
  out.flops = timing.flops;
  out.dram_read_bytes = timing.dram_read_bytes;
  out.dram_write_bytes = timing.dram_write_bytes;
  out.l1_hit = timing.l1_hit;
  out.l2_hit = timing.l2_hit;
  out.simulated = record.detail.simulated;
  out.utilisation = shares_of(record.utilisation);
  out.slots = shares_of(record.detail.slots);
  for (const device::CodeRecord& place : record.detail.instructions) {
    out.places.push_back({place.function, static_cast<std::uint32_t>(place.line), place.source,
                          place.instruction, place.share, place.stall, place.transfers,
                          place.least_transfers});
  }
  return out;
}

}  // namespace

Prediction predict(const Trace::Implementation& trace, const timing::KernelModel& model,
                   const timing::LaunchResources& launch, const card::Card& card, timing::L2History& l2) {
  const timing::LaunchRun run{trace.outcome.traces, trace.outcome.counts, trace.outcome.work};
  const timing::Prediction cold = timing::predict(card, model, launch, run, l2, timing::Depth::Fast);
  l2.touch(timing::touched_memory(model, trace.config.grid, trace.outcome.traces));
  const device::LaunchPrediction prediction = device::with_power(card, launch, cold);
  device::KernelRecord record;
  record.calls = 1;
  describe(record, launch, prediction.timing);
  record.time_us = prediction.timing.time_us;
  record.dram_bytes =
      static_cast<std::uint64_t>(prediction.timing.dram_read_bytes + prediction.timing.dram_write_bytes);
  record.l1_hit = prediction.timing.l1_hit;
  record.l2_hit = prediction.timing.l2_hit;
  record.clock_mhz = prediction.timing.clock_mhz;
  record.power_bound = prediction.power.power_bound;
  if (prediction.timing.explanation != nullptr)
    record.detail = device::record_of(*prediction.timing.explanation);
  record.explanation = report::why(record, card);
  record.advice = report::advice(record, card);
  Prediction out = public_form(prediction.timing, prediction.power, record);
  out.band = band_of(card);
  return out;
}

}  // namespace session

Trace::Trace(std::shared_ptr<const Implementation> implementation)
    : implementation_(std::move(implementation)) {}

Prediction Trace::predict(const Card& card, bool cold) const {
  const card::Card& data = card.data();
  const auto model = timing::KernelModel::build(implementation_->module, implementation_->function, data);
  timing::L2History l2(data.l2.bytes, data.l2.ways);
  if (!cold)
    l2.touch(timing::touched_memory(*model, implementation_->config.grid, implementation_->outcome.traces));
  return session::predict(*implementation_, *model, model->resources(implementation_->config), data, l2);
}

}  // namespace doppel
