// SPDX-License-Identifier: Apache-2.0
// Floats of 4, 6 and 8 bits in LLVM IR (PTX ISA 5.2.3): e4m3, e5m2, e2m3, e3m2, e2m1 with a sign, ue8m0
// without.
#pragma once

#include "jit/function_emitter.h"

namespace doppel::jit {

// Works on integer values that hold the bits, scalar or 32 lanes. Six bits lie in the lower part of eight.
class SmallFloats {
 public:
  SmallFloats(FunctionEmitter& emitter, ir::Type type);
  static bool is_small(ir::Type type);

  // From the bits of an f16, bf16 or f32, in an i32: an f16 is widened before, a bf16 shifted up. Rounded as
  // the attributes say (9.7.9.21): to nearest even and to the largest number with .satfinite; of ue8m0 .rz or
  // .rp.
  llvm::Value* from_single(llvm::Value* bits, const ir::Attributes& attributes);
  // To the bits of the f32 that it is, exactly; a NaN stays one.
  llvm::Value* to_single(llvm::Value* value);

 private:
  llvm::Value* to_scale(llvm::Value* magnitude, const ir::Attributes& attributes);
  llvm::Constant* like(llvm::Value* value, std::uint64_t constant);

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  ir::Type type_;
  int mantissa_bits_ = 0;
  int bias_ = 0;
  int sign_place_ = 7;
  std::uint64_t largest_ = 0;  // magnitude of the largest number
  std::uint64_t nan_ = 0;      // what a NaN becomes: the largest number, where there is none
};

}  // namespace doppel::jit
