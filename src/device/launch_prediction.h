// SPDX-License-Identifier: Apache-2.0
// What a launch takes on the card, with its energy.
#pragma once

#include "card/card.h"
#include "power/energy.h"
#include "timing/launch_timing.h"

namespace doppel::device {

struct LaunchPrediction {
  timing::Prediction timing;
  power::State power;
};

// Energy and clock of a launch; lowers the clock of the prediction where power binds.
LaunchPrediction with_power(const card::Card& card, const timing::LaunchResources& launch,
                            timing::Prediction prediction);
// Of a launch that does `ratio` times as much of the same: what lies before the first instruction stays.
LaunchPrediction scaled(LaunchPrediction prediction, double ratio);

}  // namespace doppel::device
