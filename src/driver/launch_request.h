// SPDX-License-Identifier: Apache-2.0
// A launch as the program asks for it, turned into work for a stream or a graph.
#pragma once

#include <doppel/cuda/launch.h>

#include "device/work.h"
#include "driver/objects.h"
#include "support/result.h"

namespace doppel::driver {

struct LaunchRequest {
  CUfunction function = nullptr;
  LaunchConfig config;
  void** parameters = nullptr;  // one pointer an argument, or
  void** extra = nullptr;       // a list that names one buffer of all
};

// Copies the arguments: the program may reuse their memory at once.
Result<device::KernelWork> to_work(const LaunchRequest& request);

// The attributes of cuLaunchKernelEx and of graph nodes that a launch takes over; NotSupported names one that
// would change what it does.
Result<void> apply_attributes(LaunchConfig& config, const CUlaunchAttribute* attributes, unsigned count);

}  // namespace doppel::driver
