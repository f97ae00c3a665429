// SPDX-License-Identifier: Apache-2.0
// What goes lane by lane, out of line: one function of the generated code for all instructions of a kind,
// which takes its lanes from memory. In line, each would be a loop of its own, with stack slots, and LLVM's
// passes take much longer than in proportion to how many of these there are.
#pragma once

#include <functional>
#include <string>

#include "jit/function_emitter.h"

namespace doppel::jit {

// Slots of WarpContext::scratch for what one call hands over; free again when it goes out of scope.
class ScratchSlots {
 public:
  explicit ScratchSlots(FunctionEmitter& emitter);
  ~ScratchSlots();
  ScratchSlots(const ScratchSlots&) = delete;
  ScratchSlots& operator=(const ScratchSlots&) = delete;
  // ptr to as many slots as hold so many bytes. Throws Unsupported where none are left.
  llvm::Value* take(std::uint64_t bytes);
  llvm::Value* store(llvm::Value* vector);  // to a slot of its own

 private:
  FunctionEmitter& emitter_;
  unsigned before_;
};

// Where the addresses of the lanes lie.
struct LaneAddresses {
  llvm::Value* memory = nullptr;  // ptr to 32 of them
  // Null: of 64 bits. Else 32 bits, to which this is added; the sum is an offset in the shared window.
  llvm::Value* offset = nullptr;
  bool recorded = false;  // they lie in the context, for the report of a fault
};

// Inside of the function.
struct LaneArguments {
  llvm::Value* context;  // ptr
  llvm::Value* values;   // ptr, as the caller gave it
  llvm::Value* lane;     // i32
  llvm::Value* address;  // i64: of the lane
};

struct LaneFunction {
  std::string name;                                // of what it does: made where no function has it yet
  std::uint64_t result_bytes = 0;                  // of `values`, that are zero for lanes outside of the mask
  std::function<void(const LaneArguments&)> body;  // one lane; may add blocks
  bool floats = false;                             // the body computes with them
};

// Calls it for the lanes of the current mask, in their order. `values`: memory for operands and results.
void call_lane_function(FunctionEmitter& emitter, const LaneFunction& function,
                        const LaneAddresses& addresses, llvm::Value* values);

// The name under which such functions stand in line tables: the instruction is then WarpContext::access_site.
inline constexpr const char* kLaneFunctionScope = "lanes";

}  // namespace doppel::jit
