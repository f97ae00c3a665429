// SPDX-License-Identifier: Apache-2.0
// Launches in the form that NVIDIA's CUDA runtimes call.
#pragma once

namespace doppel::driver {

// What a runtime gets where it looks up `function`: the same, or a form that tells a block or grid outside of
// the card's limits apart from other wrong arguments. Runtimes before 13.0 look at the limits themselves;
// those since pass the driver's code on, and their users are promised cudaErrorInvalidConfiguration, which
// the driver interface has no code for.
void* runtime_form(void* function);

}  // namespace doppel::driver
