// SPDX-License-Identifier: Apache-2.0
// How the 32 lanes of one memory access touch memory: in segments of neighbouring lanes that share one
// address or lie side by side, where the address has a lane pattern.
#pragma once

#include <optional>
#include <vector>

#include "jit/function_emitter.h"

namespace doppel::jit {

struct AccessSegment {
  int first_lane = 0;
  bool broadcast = false;            // all lanes of the segment at one address; else one after the other
  llvm::Value* address = nullptr;    // i64: of the first lane, less `offset`
  std::int64_t offset = 0;           // known when compiling: left to the host's addressing modes
  llvm::Value* in_window = nullptr;  // i64: `address` less the window's start, where there is one
  int same_as = -1;                  // an earlier segment at the very same addresses
};

struct AccessPlan {
  int width = 0;  // lanes a segment: 4, 8, 16 or 32
  std::vector<AccessSegment> segments;
  // Holds where no 32-bit part of an address wraps around inside of a segment; null: proven. Where it is
  // false, the plan does not hold.
  llvm::Value* valid = nullptr;
};

// address: 64 bits, or 32 bits for an offset in the shared window that begins at `window`; `offset` is added
// to it.
std::optional<AccessPlan> plan_access(FunctionEmitter& emitter, const Lanes& address, std::int64_t offset,
                                      llvm::Value* window, int lane_bytes);

}  // namespace doppel::jit
