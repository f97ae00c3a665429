// SPDX-License-Identifier: Apache-2.0
// Floating-point numbers in LLVM IR by PTX's rules: flushing, saturation, NaN results.
#pragma once

#include "jit/function_emitter.h"

namespace doppel::jit {

// Works on integer values that hold IEEE bits, scalar or 32 lanes; the number format follows `type` (f16,
// bf16, f32, f64).
class FloatValues {
 public:
  FloatValues(FunctionEmitter& emitter, ir::Type type);

  int bits() const { return bits_; }
  llvm::Type* float_type(llvm::Value* like) const;  // LLVM's type, scalar or vector as `like`
  llvm::Value* to_float(llvm::Value* bits_value);   // bitcast; bf16 is kept as float: exact
  llvm::Value* to_bits(llvm::Value* value);         // bitcast; a float is rounded to bf16
  llvm::Value* is_nan(llvm::Value* bits_value);
  llvm::Value* flush(llvm::Value* bits_value);          // subnormals to zero of the same sign
  llvm::Value* canonical_nan(llvm::Value* bits_value);  // any NaN becomes the one that operations give
  llvm::Value* saturate(llvm::Value* bits_value);       // .sat: to [0, 1], NaN to 0
  llvm::Value* relu(llvm::Value* bits_value);           // negatives to 0, NaN canonical
  // The larger or the smaller: +0 > -0, a NaN gives way to a number, two give the one that operations give.
  llvm::Value* extremum(llvm::Value* a, llvm::Value* b, bool maximum);
  llvm::Value* negate(llvm::Value* bits_value);
  llvm::Value* magnitude(llvm::Value* bits_value);
  std::uint64_t sign_bit() const { return std::uint64_t{1} << (bits_ - 1); }
  std::uint64_t infinity() const { return infinity_; }
  std::uint64_t nan() const { return nan_; }
  std::uint64_t one() const { return one_; }
  llvm::Constant* constant(llvm::Value* like, std::uint64_t value);

 private:
  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  ir::Type type_;
  int bits_;
  std::uint64_t infinity_, nan_, one_;
};

}  // namespace doppel::jit
