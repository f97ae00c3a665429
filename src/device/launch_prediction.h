// SPDX-License-Identifier: Apache-2.0
// What a launch takes on the card, with its energy.
#pragma once

#include "card/card.h"
#include "power/energy.h"
#include "timing/chip_schedule.h"
#include "timing/launch_timing.h"

namespace doppel::device {

struct LaunchPrediction {
  timing::Prediction timing;
  power::State power;
};

// Energy and clock of a launch; lowers the clock of the prediction where power binds.
LaunchPrediction with_power(const card::Card& card, const timing::LaunchResources& launch,
                            timing::Prediction prediction);
// What a launch asks for of the card that it shares with others: room, and rates.
timing::GridDemand grid_demand(const card::Card& card, const timing::LaunchResources& launch);
void add_rates(timing::GridDemand& demand, const card::Card& card, const timing::LaunchResources& launch,
               const timing::Prediction& prediction);
// Of a launch that does `ratio` times as much of the same: what lies before the first instruction stays.
LaunchPrediction scaled(LaunchPrediction prediction, double ratio);

}  // namespace doppel::device
