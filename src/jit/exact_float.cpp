// SPDX-License-Identifier: Apache-2.0
// Compiled with -frounding-math: the compiler must not assume rounding to nearest.
#include "jit/exact_float.h"

#include <bit>
#include <cfenv>
#include <cmath>

namespace doppel::jit {

using ir::Rounding;
using ir::Type;

namespace {

struct Format {
  int exponent_bits;
  int mantissa_bits;
  std::uint64_t nan;
};

Format format_of(Type type) {
  switch (type) {
    case Type::F16:
      return {5, 10, 0x7fff};
    case Type::BF16:
      return {8, 7, 0x7fff};
    case Type::F64:
      return {11, 52, 0x7fffffffffffffff};
    default:
      return {8, 23, 0x7fffffff};
  }
}

// (-1)^negative * significand * 2^exponent, exactly; the lowest bit may stand for all that was cut off below
// it.
struct Number {
  bool negative;
  int exponent;
  std::uint64_t significand;
};

// One IEEE rounding to `format`.
std::uint64_t round_to(const Format& format, const Number& number, Rounding rounding) {
  const std::uint64_t sign =
      number.negative ? std::uint64_t{1} << (format.exponent_bits + format.mantissa_bits) : 0;
  if (number.significand == 0) return sign;
  const int bias = (1 << (format.exponent_bits - 1)) - 1;
  const int top = 63 - std::countl_zero(number.significand);
  // The exponent of the last place: that of a normal number, but not below the subnormals'.
  int last = number.exponent + top - format.mantissa_bits;
  const int least = 1 - bias - format.mantissa_bits;
  if (last < least) last = least;
  const int drop = last - number.exponent;
  std::uint64_t kept = 0;
  bool half = false, below = false;
  if (drop <= 0) {
    kept = number.significand << -drop;
  } else if (drop <= 64) {
    kept = drop == 64 ? 0 : number.significand >> drop;
    half = (number.significand >> (drop - 1) & 1) != 0;
    below = drop > 1 && (number.significand & ((std::uint64_t{1} << (drop - 1)) - 1)) != 0;
  } else {
    below = true;
  }
  bool up = false;
  switch (rounding) {
    case Rounding::Rz:
      break;
    case Rounding::Rm:
      up = number.negative && (half || below);
      break;
    case Rounding::Rp:
      up = !number.negative && (half || below);
      break;
    case Rounding::Rna:
      up = half;
      break;
    default:
      up = half && (below || (kept & 1) != 0);
      break;
  }
  if (up) ++kept;
  // A carry out of the mantissa moves into the exponent by itself.
  const int exponent = last - least;
  std::uint64_t bits = kept;
  if (kept >> format.mantissa_bits != 0) {
    bits = kept + (static_cast<std::uint64_t>(exponent) << format.mantissa_bits);
  }
  const std::uint64_t infinity = ((std::uint64_t{1} << format.exponent_bits) - 1) << format.mantissa_bits;
  if (bits >= infinity) {
    const bool to_infinity = rounding == Rounding::Rn || rounding == Rounding::Rna ||
                             rounding == Rounding::None || (rounding == Rounding::Rm && number.negative) ||
                             (rounding == Rounding::Rp && !number.negative);
    bits = to_infinity ? infinity : infinity - 1;
  }
  return sign | bits;
}

double half_to_double(Type type, std::uint64_t bits) {
  if (type == Type::BF16)
    return static_cast<double>(std::bit_cast<float>(static_cast<std::uint32_t>(bits << 16)));
  const bool negative = (bits & 0x8000) != 0;
  const int exponent = static_cast<int>(bits >> 10 & 31);
  const auto mantissa = static_cast<double>(bits & 0x3ff);
  double value = 0;
  if (exponent == 31) {
    value = mantissa == 0 ? INFINITY : NAN;
  } else if (exponent == 0) {
    value = std::ldexp(mantissa, -24);
  } else {
    value = std::ldexp(mantissa + 1024, exponent - 25);
  }
  return negative ? -value : value;
}

std::uint64_t round_double(double value, Type to, Rounding rounding) {
  return convert_to_float(std::bit_cast<std::uint64_t>(value), Type::F64, to, rounding);
}

}  // namespace

std::uint64_t convert_to_float(std::uint64_t value, Type from, Type to, Rounding rounding) {
  const Format target = format_of(to);
  if (!ir::is_float(from)) {
    const bool negative = ir::is_signed(from) && static_cast<std::int64_t>(value) < 0;
    return round_to(target, {negative, 0, negative ? 0 - value : value}, rounding);
  }
  const Format source = format_of(from);
  const int width = 1 + source.exponent_bits + source.mantissa_bits;
  const bool negative = (value >> (width - 1) & 1) != 0;
  const std::uint64_t mantissa = value & ((std::uint64_t{1} << source.mantissa_bits) - 1);
  const auto exponent =
      static_cast<int>(value >> source.mantissa_bits & ((std::uint64_t{1} << source.exponent_bits) - 1));
  const int bias = (1 << (source.exponent_bits - 1)) - 1;
  if (exponent == (1 << source.exponent_bits) - 1) {
    if (mantissa != 0) return target.nan;
    const std::uint64_t infinity = ((std::uint64_t{1} << target.exponent_bits) - 1) << target.mantissa_bits;
    return infinity | (negative ? std::uint64_t{1} << (target.exponent_bits + target.mantissa_bits) : 0);
  }
  if (exponent == 0) return round_to(target, {negative, 1 - bias - source.mantissa_bits, mantissa}, rounding);
  return round_to(
      target,
      {negative, exponent - bias - source.mantissa_bits, mantissa | std::uint64_t{1} << source.mantissa_bits},
      rounding);
}

std::uint64_t fma_half(Type type, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  const double product = half_to_double(type, a) * half_to_double(type, b);  // at most 22 bits: exact
  const double addend = half_to_double(type, c);
  double sum = product + addend;
  if (std::isfinite(sum)) {
    // Knuth's two-sum gives the rounding error exactly; a sum that is not exact is rounded to odd instead, so
    // that the next rounding cannot take it for a tie.
    const double other = sum - product;
    const double error = (product - (sum - other)) + (addend - other);
    auto bits = std::bit_cast<std::uint64_t>(sum);
    if (error != 0 && (bits & 1) == 0) {
      bits = (error > 0) == (sum > 0) ? bits + 1 : bits - 1;
      sum = std::bit_cast<double>(bits);
    }
  }
  return round_double(sum, type, Rounding::Rn);
}

DirectedRounding::DirectedRounding(Rounding rounding) : before_(std::fegetround()) {
  std::fesetround(rounding == Rounding::Rz   ? FE_TOWARDZERO
                  : rounding == Rounding::Rm ? FE_DOWNWARD
                                             : FE_UPWARD);
}

DirectedRounding::~DirectedRounding() { std::fesetround(before_); }

namespace {

template <typename Float>
Float compute(FloatOperation operation, Float a, Float b, Float c) {
  switch (operation) {
    case FloatOperation::Add:
      return a + b;
    case FloatOperation::Sub:
      return a - b;
    case FloatOperation::Mul:
      return a * b;
    case FloatOperation::Fma:
      return std::fma(a, b, c);
    case FloatOperation::Div:
      return a / b;
    case FloatOperation::Rcp:
      return Float{1} / a;
    case FloatOperation::Sqrt:
      return std::sqrt(a);
  }
  return a;
}

}  // namespace

float compute_in_current_rounding(FloatOperation operation, float a, float b, float c) {
  return compute(operation, a, b, c);
}
double compute_in_current_rounding(FloatOperation operation, double a, double b, double c) {
  return compute(operation, a, b, c);
}

}  // namespace doppel::jit
