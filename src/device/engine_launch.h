// SPDX-License-Identifier: Apache-2.0
// A launch as the engine takes it.
#pragma once

#include "device/module.h"
#include "device/work.h"
#include "engine/engine.h"

namespace doppel::device {

class Context;

// Refers to `context`, `module` and the parameters of `work`, which have to outlive it. What traces, cancels,
// waits and keeps time is left to the caller.
engine::Launch engine_launch(Context& context, const Module& module, const KernelWork& work,
                             const timing::LaunchResources& resources);

}  // namespace doppel::device
