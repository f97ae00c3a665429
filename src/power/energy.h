// SPDX-License-Identifier: Apache-2.0
// Energy, power and clock of a launch from counted events and time.
//
// Watts = awake + (active - awake) x busy SMs + dynamic energy / time. Dynamic energy is so many picojoules
// for each counted operation and byte; that of operations grows with (clock / reference
// clock)^voltage_exponent, since the voltage follows the clock. The card file holds the figures and where
// they come from. Where the watts exceed the card's limit, the clock falls until they do not; the model is of
// the steady state, as if the launch were repeated for longer than the board's power controller averages
// (timing/chip_schedule.h knows when that is so).
#pragma once

#include "card/card.h"

namespace doppel::power {

// What a launch did; counts are of the whole grid.
struct Activity {
  double time_us = 0;       // at the card's sustained clock
  double core_time_us = 0;  // the part of it that scales with 1 / clock; the rest is the memory's
  double busy_sms = 1;      // share of the SMs that work, 0 to 1
  double fp32_flops = 0;
  double fp16_flops = 0;
  double fp64_flops = 0;
  double tensor_flops = 0;  // of fp16; of other types as many as keep the tensor cores busy for the same time
  double other_instructions = 0;  // thread operations that are no floating-point arithmetic
  double dram_bytes = 0;
  double l2_bytes = 0;
  double bus_bytes = 0;  // over PCI Express or NVLink
};

struct State {
  double clock_mhz = 0;
  double time_us = 0;  // at that clock
  double watts = 0;    // average over the launch
  double energy_j = 0;
  double busy_sms = 0;       // share of the SMs
  double dynamic_j = 0;      // of energy_j: of operations and bytes
  bool power_bound = false;  // the limit lowered the clock
};

// At `clock_mhz`, whatever the limit.
State at_clock(const card::Card& card, const Activity& activity, double clock_mhz);

// At the highest clock, in steps of the card, from the sustained one down, that keeps the power limit.
State settle(const card::Card& card, const Activity& activity);

// Of operations and bytes alone, at the sustained clock.
double dynamic_energy_j(const card::Card& card, const Activity& activity);

}  // namespace doppel::power
