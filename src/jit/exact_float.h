// SPDX-License-Identifier: Apache-2.0
// Floating-point results with one rounding where the host's instructions do not give it directly.
#pragma once

#include <cstdint>

#include "ir/operation.h"
#include "jit/runtime_functions.h"

namespace doppel::jit {

// f16 or bf16: a * b + c, rounded once to nearest even.
std::uint64_t fma_half(ir::Type type, std::uint64_t a, std::uint64_t b, std::uint64_t c);

// Any integer (extended to 64 bits) or float to f16, bf16, f32 or f64. NaN and infinities included.
std::uint64_t convert_to_float(std::uint64_t value, ir::Type from, ir::Type to, ir::Rounding rounding);

// Sets the host's rounding direction (Rz, Rm, Rp) for as long as it lives.
class DirectedRounding {
 public:
  explicit DirectedRounding(ir::Rounding rounding);
  ~DirectedRounding();
  DirectedRounding(const DirectedRounding&) = delete;
  DirectedRounding& operator=(const DirectedRounding&) = delete;

 private:
  int before_;
};

// In the host's current rounding direction; Rcp and Sqrt read `a` alone.
float compute_in_current_rounding(FloatOperation operation, float a, float b, float c);
double compute_in_current_rounding(FloatOperation operation, double a, double b, double c);

}  // namespace doppel::jit
