// SPDX-License-Identifier: Apache-2.0
// The driver's one object of the process: the platform of doubles, made by cuInit.
#pragma once

#include <doppel/cuda/result.h>

#include "device/platform.h"

namespace doppel::driver {

// Makes the platform by the environment (device/options.h). Later calls answer as the first did.
CUresult initialize();

// From now on every call answers that the driver has gone.
void mark_ended();

// As driver_state() of driver_api.h. Only valid while that is CUDA_SUCCESS: the platform.
device::Platform& platform();

// The interface version served, as 13050 for CUDA 13.5 (device::Options::driver_version): known before
// cuInit.
int driver_version();

}  // namespace doppel::driver
