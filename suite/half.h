// SPDX-License-Identifier: Apache-2.0
// binary16 arithmetic on the host, for the checks: a double holds sums and products of halves exactly,
// so one rounding at the end gives IEEE 754's result for +, -, * and fused multiply-add of moderate numbers.
#pragma once

#include <algorithm>
#include <cmath>

namespace doppel::suite {

// The nearest binary16 value, ties to even; beyond the largest finite half, infinity.
inline double to_half(double value) {
  constexpr int kPrecision = 11;
  constexpr int kSmallestExponent = -14;
  constexpr double kFirstInfinite = 65520;
  if (value == 0 || !std::isfinite(value)) return value;
  if (std::fabs(value) >= kFirstInfinite) return std::copysign(HUGE_VAL, value);
  const int exponent = std::max(std::ilogb(value), kSmallestExponent);
  const double unit = std::ldexp(1.0, exponent - kPrecision + 1);
  return std::nearbyint(value / unit) * unit;
}

}  // namespace doppel::suite
