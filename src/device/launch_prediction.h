// SPDX-License-Identifier: Apache-2.0
// What a launch takes on the card, with its energy.
#pragma once

#include "card/card.h"
#include "device/residence.h"
#include "power/energy.h"
#include "timing/chip_schedule.h"
#include "timing/launch_timing.h"

namespace doppel::device {

// With the clock of the steady state: where the launch, repeated, would exceed the power limit, that which
// keeps it.
struct LaunchPrediction {
  timing::Prediction timing;
  power::State power;
  // At the sustained clock, whatever the limit: as long as the limiter lets it. Zero: not predicted.
  struct Burst {
    double time_us = 0, energy_j = 0, dynamic_j = 0;
  };
  Burst burst;
};

// Energy and clock of a launch; lowers the clock of the prediction where power binds.
LaunchPrediction with_power(const card::Card& card, const timing::LaunchResources& launch,
                            timing::Prediction prediction);
// Of a launch that has to wait for pages of managed memory, and reaches some over the bus. What else it does
// goes on beside that.
LaunchPrediction with_migration(const card::Card& card, const timing::LaunchResources& launch,
                                LaunchPrediction prediction, const Migration& moved);
// What a launch asks for of the card that it shares with others: room, rates and power.
timing::GridDemand grid_demand(const card::Card& card, const timing::LaunchResources& launch);
void add_rates(timing::GridDemand& demand, const card::Card& card, const timing::LaunchResources& launch,
               const timing::Prediction& prediction);
void add_power(timing::GridDemand& demand, const card::Card& card, const LaunchPrediction& prediction);
// Of a launch that did so much of its work, 0 to 1, at the clock that keeps the limit, the rest before the
// limiter acted.
LaunchPrediction limited(const card::Card& card, LaunchPrediction prediction, double share);
// Of a launch that does `ratio` times as much of the same: what lies before the first instruction stays.
LaunchPrediction scaled(LaunchPrediction prediction, double ratio);

}  // namespace doppel::device
