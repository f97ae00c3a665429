// SPDX-License-Identifier: Apache-2.0
#include "reference/special_functions.h"

#include <bit>
#include <cmath>
#include <stdexcept>

#include "reference/float_ops.h"

namespace doppel::reference {

using ptx::Opcode;
using ptx::Rounding;
using ptx::Type;

namespace {

// Exact for every format of the reference.
long double to_host(const Format& f, std::uint64_t bits) {
  const Exact exact = unpack(f, bits);
  const long double value = std::ldexp(static_cast<long double>(exact.significand), exact.exponent);
  return exact.negative ? -value : value;
}

std::uint64_t from_host(const Format& f, long double value) {
  if (std::isnan(value)) return f.nan;
  const bool negative = std::signbit(value);
  const std::uint64_t sign = negative ? f.sign_bit() : 0;
  if (std::isinf(value)) return sign | f.infinity();
  int exponent = 0;
  const long double fraction = std::frexp(std::fabs(value), &exponent);
  const auto significand = static_cast<std::uint64_t>(std::ldexp(fraction, 64));
  return round_to(f, {negative, exponent - 64, significand}, Rounding::Rn);
}

long double true_value(Opcode opcode, long double x) {
  switch (opcode) {
    case Opcode::Rcp:
      return 1 / x;
    case Opcode::Sqrt:
      return std::sqrt(x);
    case Opcode::Rsqrt:
      return 1 / std::sqrt(x);
    case Opcode::Sin:
      return std::sin(x);
    case Opcode::Cos:
      return std::cos(x);
    case Opcode::Lg2:
      return std::log2(x);
    case Opcode::Ex2:
      return std::exp2(x);
    default:
      return std::tanh(x);
  }
}

std::uint64_t approximate(Opcode opcode, const Format& f, std::uint64_t a, bool ftz) {
  if (ftz) a = flush(f, a);
  if (is_nan(f, a)) return f.nan;
  const std::uint64_t sign = a & f.sign_bit();
  if (is_infinity(f, a)) {
    switch (opcode) {
      case Opcode::Rcp:
        return sign;
      case Opcode::Ex2:
        return sign != 0 ? 0 : f.infinity();
      case Opcode::Tanh:
        return sign | f.one();
      case Opcode::Sin:
      case Opcode::Cos:
        return f.nan;
      case Opcode::Rsqrt:
        return sign != 0 ? f.nan : 0;
      default:
        return sign != 0 ? f.nan : f.infinity();  // sqrt, lg2
    }
  }
  if (is_zero(f, a)) {
    switch (opcode) {
      case Opcode::Rcp:
      case Opcode::Rsqrt:
        return sign | f.infinity();
      case Opcode::Lg2:
        return f.sign_bit() | f.infinity();
      case Opcode::Ex2:
      case Opcode::Cos:
        return f.one();
      default:
        return a;  // sqrt, sin, tanh
    }
  }
  const bool needs_positive = opcode == Opcode::Sqrt || opcode == Opcode::Rsqrt || opcode == Opcode::Lg2;
  if (needs_positive && sign != 0) return f.nan;
  const std::uint64_t result = from_host(f, true_value(opcode, to_host(f, a)));
  return ftz ? flush(f, result) : result;
}

// rcp.approx.ftz.f64, rsqrt.approx.ftz.f64 (9.7.3.14, 9.7.3.17): upper word in, upper word out.
std::uint64_t approximate_upper_word(Opcode opcode, std::uint64_t a) {
  constexpr std::uint64_t kUpper = 0xffffffff00000000;
  if (is_nan(kF64, a)) return 0x7fffffff00000000;
  const std::uint64_t result = approximate(opcode, kF64, a & kUpper, true);
  return is_nan(kF64, result) ? 0x7fffffff00000000 : result & kUpper;
}

std::uint64_t divide_approximately(std::uint64_t a, std::uint64_t b, const ptx::Modifiers& m) {
  if (m.ftz) {
    a = flush(kF32, a);
    b = flush(kF32, b);
  }
  constexpr std::uint64_t kTwoTo126 = std::uint64_t{126 + 127} << 23;
  const std::uint64_t magnitude = b & kF32.magnitude_mask();
  if (m.approx && !is_nan(kF32, a) && magnitude > kTwoTo126 && magnitude < kF32.infinity()) {
    return is_infinity(kF32, a) ? kF32.nan : (a ^ b) & kF32.sign_bit();
  }
  return float_div(kF32, a, b, {Rounding::Rn, m.ftz});
}

}  // namespace

bool is_special_function(const ptx::Instruction& in) {
  switch (in.opcode) {
    case Opcode::Rcp:
    case Opcode::Sqrt:
    case Opcode::Rsqrt:
    case Opcode::Sin:
    case Opcode::Cos:
    case Opcode::Lg2:
    case Opcode::Ex2:
    case Opcode::Tanh:
      return true;
    case Opcode::Div:
      return in.modifiers.approx || in.modifiers.full;
    default:
      return false;
  }
}

std::uint64_t special_function(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  const ptx::Modifiers& m = in.modifiers;
  const Format& f = format_of(in.type);
  if (ptx::is_packed(in.type)) {
    const std::uint64_t low = approximate(in.opcode, f, s[0] & 0xffff, m.ftz);
    return low | approximate(in.opcode, f, s[0] >> 16 & 0xffff, m.ftz) << 16;
  }
  if (in.opcode == Opcode::Div) return divide_approximately(s[0], s[1], m);
  if (m.rounding != Rounding::None) {
    if (in.opcode == Opcode::Rcp) return float_div(f, f.one(), s[0], float_mode(m));
    if (in.opcode == Opcode::Sqrt) return float_sqrt(f, s[0], float_mode(m));
  }
  if (in.type == Type::F64 && m.ftz) return approximate_upper_word(in.opcode, s[0]);
  return approximate(in.opcode, f, s[0], m.ftz);
}

}  // namespace doppel::reference
