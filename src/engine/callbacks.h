// SPDX-License-Identifier: Apache-2.0
// What generated code calls.
#pragma once

#include "jit/warp_abi.h"

namespace doppel::engine {

// told: of a warp whose blocks and accesses somebody wants to know. Code that tells of them runs others too.
const jit::RuntimeCallbacks& runtime_callbacks(bool told);

}  // namespace doppel::engine
