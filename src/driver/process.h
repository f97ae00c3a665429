// The driver's one object of the process: the platform of doubles, made by cuInit.
#pragma once

#include <doppel/cuda/result.h>

#include "device/platform.h"

namespace doppel::driver {

// Makes the platform by the environment (device/options.h). Later calls answer as the first did.
CUresult initialize();

// As driver_state() of call.h. Only valid while that is CUDA_SUCCESS: the platform.
device::Platform& platform();

// The interface version served: 13000 for CUDA 13.0, which programs of every 11.x, 12.x and 13.x runtime
// accept.
inline constexpr int kInterfaceVersion = 13000;

}  // namespace doppel::driver
