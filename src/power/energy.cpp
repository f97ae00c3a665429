// SPDX-License-Identifier: Apache-2.0
#include "power/energy.h"

#include <algorithm>
#include <cmath>

#include "support/units.h"

namespace doppel::power {
namespace {

constexpr double kJoulesPerPicojoule = 1e-12;

double dynamic_joules(const card::Power& p, const Activity& a, double clock_mhz) {
  const double voltage = std::pow(clock_mhz / p.reference_mhz, p.voltage_exponent);
  const double operations = a.fp32_flops * p.fp32_pj_per_flop + a.fp16_flops * p.fp16_pj_per_flop +
                            a.fp64_flops * p.fp64_pj_per_flop + a.tensor_flops * p.tensor_pj_per_flop +
                            a.other_instructions * p.instruction_pj + a.l2_bytes * p.l2_pj_per_byte;
  // Memory and bus have clocks and supplies of their own, whatever the chip's clock.
  return (operations * voltage + a.dram_bytes * p.dram_pj_per_byte + a.bus_bytes * p.bus_pj_per_byte) *
         kJoulesPerPicojoule;
}

}  // namespace

State at_clock(const card::Card& card, const Activity& a, double clock_mhz) {
  const card::Power& p = card.power;
  const double core = std::min(a.core_time_us, a.time_us);
  State state;
  state.clock_mhz = clock_mhz;
  state.time_us = a.time_us - core + core * card.clocks.sustained_mhz / clock_mhz;
  const double seconds = state.time_us * kSecondsPerMicrosecond;
  state.busy_sms = std::clamp(a.busy_sms, 0.0, 1.0);
  state.dynamic_j = dynamic_joules(p, a, clock_mhz);
  const double steady_watts = p.awake_w + (p.active_w - p.awake_w) * state.busy_sms;
  state.energy_j = steady_watts * seconds + state.dynamic_j;
  state.watts = seconds > 0 ? state.energy_j / seconds : p.awake_w;
  return state;
}

State settle(const card::Card& card, const Activity& activity) {
  const card::Power& p = card.power;
  State state = at_clock(card, activity, card.clocks.sustained_mhz);
  while (state.watts > p.limit_w && state.clock_mhz > p.min_mhz) {
    state = at_clock(card, activity, std::max(p.min_mhz, state.clock_mhz - p.clock_step_mhz));
    state.power_bound = true;
  }
  return state;
}

double dynamic_energy_j(const card::Card& card, const Activity& activity) {
  return dynamic_joules(card.power, activity, card.clocks.sustained_mhz);
}

}  // namespace doppel::power
