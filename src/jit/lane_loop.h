// SPDX-License-Identifier: Apache-2.0
// A loop over the lanes of a mask, in the order of the lanes, and the calls that traced and checked builds
// make.
#pragma once

#include <functional>

#include "jit/function_emitter.h"

namespace doppel::jit {

// body(lane): i32, emitted once; it may add blocks.
void emit_lane_loop(FunctionEmitter& emitter, llvm::Value* mask,
                    const std::function<void(llvm::Value* lane)>& body);

// trace_access or check_access, as the build asks, of the access whose addresses the context holds. elements:
// of a lane's access.
void emit_access_callback(FunctionEmitter& emitter, std::uint32_t flags, int elements);

}  // namespace doppel::jit
