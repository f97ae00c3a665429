// SPDX-License-Identifier: Apache-2.0
// What a record says of a launch's prediction.
#pragma once

#include "device/run_record.h"
#include "timing/launch_timing.h"

namespace doppel::device {

// All but sums over calls and the detail.
void describe(KernelRecord& record, const timing::LaunchResources& launch,
              const timing::Prediction& prediction);

ExplanationRecord record_of(const timing::Explanation& explanation);

}  // namespace doppel::device
