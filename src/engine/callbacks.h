// SPDX-License-Identifier: Apache-2.0
// What generated code calls.
#pragma once

#include "jit/warp_abi.h"

namespace doppel::engine {

const jit::RuntimeCallbacks& runtime_callbacks();

}  // namespace doppel::engine
