// SPDX-License-Identifier: Apache-2.0
// What the simulation counted, told by the places of the code.
#pragma once

#include <memory>

#include "timing/explanation.h"
#include "timing/grid_simulation.h"
#include "timing/launch_timing.h"

namespace doppel::timing {

// operations: machine operations of the whole grid. prediction: finished but for its bound and explanation.
std::shared_ptr<Explanation> explain(const Scene& scene, const LaunchRun& run, const Outcome& outcome,
                                     const Prediction& prediction, double operations, int working_sms);

}  // namespace doppel::timing
