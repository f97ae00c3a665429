// SPDX-License-Identifier: Apache-2.0
// What generated code calls.
#pragma once

#include "jit/warp_abi.h"

namespace doppel::engine {

// traced: of a warp that has a trace. Code that tells of each access runs others too.
const jit::RuntimeCallbacks& runtime_callbacks(bool traced);

}  // namespace doppel::engine
