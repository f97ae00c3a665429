// SPDX-License-Identifier: Apache-2.0
#include "reference/float_ops.h"

#include <tuple>
#include <utility>

namespace doppel::reference {

using ptx::Compare;
using ptx::Rounding;
using ptx::TestpMode;

FloatMode float_mode(const ptx::Modifiers& m) {
  // add, sub and mul without a rounding suffix round to nearest even (9.7.3.3).
  return {m.rounding == Rounding::None ? Rounding::Rn : m.rounding, m.ftz, m.sat, m.relu};
}

Bits propagate_nan(const Format& f, Bits a, Bits b, Bits c) {
  if (f.width() != 64) return f.nan;
  for (const Bits candidate : {a, b, c}) {
    if (is_nan(f, candidate)) return candidate | f.quiet_bit();
  }
  return f.nan;
}

Bits finish(const Format& f, Bits result, const FloatMode& mode) {
  if (mode.ftz) result = flush(f, result);
  if (mode.sat) {
    if (is_nan(f, result) || is_negative(f, result)) return 0;
    if (result > f.one()) return f.one();
  }
  if (mode.relu) {
    if (is_nan(f, result)) return f.nan;
    if (is_negative(f, result)) return 0;
  }
  return result;
}

namespace {

struct Operands {
  Bits a, b, c;
};

Operands flushed(const Format& f, Bits a, Bits b, Bits c, bool ftz) {
  if (!ftz) return {a, b, c};
  return {flush(f, a), flush(f, b), flush(f, c)};
}

// The sum of two finite numbers, or of longer ones cut to the rules of Exact.
Exact add_exact(Exact a, Exact b, Rounding mode) {
  if (a.significand == 0 && b.significand == 0) {
    // IEEE 754 6.3: equal signs keep it, else +0, and -0 when rounding down.
    return {a.negative == b.negative ? a.negative : mode == Rounding::Rm, 0, 0};
  }
  if (a.significand == 0) return b;
  if (b.significand == 0) return a;
  constexpr int kTop = 125;  // leaves the carry a place, and 19 guard bits under a product of two doubles
  a = normalise(a, kTop);
  b = normalise(b, kTop);
  if (a.exponent < b.exponent) std::swap(a, b);
  const int distance = a.exponent - b.exponent;
  if (distance > 127) {
    b.significand = 1;
  } else if (distance > 0) {
    const U128 lost = b.significand & ((U128{1} << distance) - 1);
    b.significand = (b.significand >> distance) | (lost != 0 ? 1 : 0);
  }
  if (a.negative == b.negative) return {a.negative, a.exponent, a.significand + b.significand};
  if (a.significand == b.significand) return {mode == Rounding::Rm, 0, 0};
  if (a.significand > b.significand) return {a.negative, a.exponent, a.significand - b.significand};
  return {b.negative, a.exponent, b.significand - a.significand};
}

Exact multiply_exact(const Exact& a, const Exact& b) {
  return {a.negative != b.negative, a.exponent + b.exponent, a.significand * b.significand};
}

}  // namespace

Bits float_add(const Format& f, Bits a, Bits b, const FloatMode& mode) {
  std::tie(a, b) = std::pair(mode.ftz ? flush(f, a) : a, mode.ftz ? flush(f, b) : b);
  if (is_nan(f, a) || is_nan(f, b)) return finish(f, propagate_nan(f, a, b), mode);
  if (is_infinity(f, a)) {
    return finish(f, is_infinity(f, b) && a != b ? f.nan : a, mode);
  }
  if (is_infinity(f, b)) return finish(f, b, mode);
  return finish(f, round_to(f, add_exact(unpack(f, a), unpack(f, b), mode.rounding), mode.rounding), mode);
}

Bits float_sub(const Format& f, Bits a, Bits b, const FloatMode& mode) {
  return float_add(f, a, is_nan(f, b) ? b : b ^ f.sign_bit(), mode);
}

Bits float_mul(const Format& f, Bits a, Bits b, const FloatMode& mode) {
  const Operands in = flushed(f, a, b, 0, mode.ftz);
  const Bits sign = (in.a ^ in.b) & f.sign_bit();
  if (is_nan(f, in.a) || is_nan(f, in.b)) return finish(f, propagate_nan(f, in.a, in.b), mode);
  if (is_infinity(f, in.a) || is_infinity(f, in.b)) {
    return finish(f, is_zero(f, in.a) || is_zero(f, in.b) ? f.nan : sign | f.infinity(), mode);
  }
  return finish(f, round_to(f, multiply_exact(unpack(f, in.a), unpack(f, in.b)), mode.rounding), mode);
}

Bits float_fma(const Format& f, Bits a, Bits b, Bits c, const FloatMode& mode) {
  const Operands in = flushed(f, a, b, c, mode.ftz);
  if (is_nan(f, in.a) || is_nan(f, in.b) || is_nan(f, in.c)) {
    return finish(f, propagate_nan(f, in.a, in.b, in.c), mode);
  }
  const Bits sign = (in.a ^ in.b) & f.sign_bit();
  if (is_infinity(f, in.a) || is_infinity(f, in.b)) {
    const bool invalid =
        is_zero(f, in.a) || is_zero(f, in.b) || (is_infinity(f, in.c) && (in.c & f.sign_bit()) != sign);
    return finish(f, invalid ? f.nan : sign | f.infinity(), mode);
  }
  if (is_infinity(f, in.c)) return finish(f, in.c, mode);
  const Exact product = multiply_exact(unpack(f, in.a), unpack(f, in.b));
  return finish(f, round_to(f, add_exact(product, unpack(f, in.c), mode.rounding), mode.rounding), mode);
}

Bits float_div(const Format& f, Bits a, Bits b, const FloatMode& mode) {
  const Operands in = flushed(f, a, b, 0, mode.ftz);
  const Bits sign = (in.a ^ in.b) & f.sign_bit();
  if (is_nan(f, in.a) || is_nan(f, in.b)) return finish(f, propagate_nan(f, in.a, in.b), mode);
  if (is_infinity(f, in.a)) return finish(f, is_infinity(f, in.b) ? f.nan : sign | f.infinity(), mode);
  if (is_infinity(f, in.b)) return finish(f, sign, mode);
  if (is_zero(f, in.b)) return finish(f, is_zero(f, in.a) ? f.nan : sign | f.infinity(), mode);
  if (is_zero(f, in.a)) return finish(f, sign, mode);
  const Exact dividend = normalise(unpack(f, in.a), 126);
  const Exact divisor = normalise(unpack(f, in.b), 63);
  Exact quotient{sign != 0, dividend.exponent - divisor.exponent, dividend.significand / divisor.significand};
  if (dividend.significand % divisor.significand != 0) quotient.significand |= 1;
  return finish(f, round_to(f, quotient, mode.rounding), mode);
}

Bits float_sqrt(const Format& f, Bits a, const FloatMode& mode) {
  if (mode.ftz) a = flush(f, a);
  if (is_nan(f, a)) return finish(f, propagate_nan(f, a, a), mode);
  if (is_zero(f, a)) return finish(f, a, mode);
  if (is_negative(f, a)) return finish(f, f.nan, mode);
  if (is_infinity(f, a)) return finish(f, a, mode);
  Exact value = normalise(unpack(f, a), 125);
  if (value.exponent % 2 != 0) {
    value.significand <<= 1;
    --value.exponent;
  }
  U128 rest = value.significand;
  U128 root = 0;
  for (U128 place = U128{1} << 126; place != 0; place >>= 2) {
    const bool take = rest >= root + place;
    if (take) rest -= root + place;
    root = (root >> 1) + (take ? place : 0);
  }
  const Exact result{false, value.exponent / 2, root | (rest != 0 ? 1 : 0)};
  return finish(f, round_to(f, result, mode.rounding), mode);
}

Bits float_neg(const Format& f, Bits a, bool ftz) { return (ftz ? flush(f, a) : a) ^ f.sign_bit(); }

Bits float_abs(const Format& f, Bits a, bool ftz) { return (ftz ? flush(f, a) : a) & f.magnitude_mask(); }

Bits float_copysign(const Format& f, Bits sign_source, Bits value) {
  return (sign_source & f.sign_bit()) | (value & f.magnitude_mask());
}

Bits float_min_max(const Format& f, Bits a, Bits b, bool maximum, const ptx::Modifiers& m) {
  if (m.ftz) std::tie(a, b) = std::pair(flush(f, a), flush(f, b));
  const Bits sign = (a ^ b) & f.sign_bit();
  if (m.abs) std::tie(a, b) = std::pair(a & f.magnitude_mask(), b & f.magnitude_mask());
  const bool nan_a = is_nan(f, a);
  const bool nan_b = is_nan(f, b);
  if ((nan_a && nan_b) || (m.nan && (nan_a || nan_b))) return f.nan;
  Bits result = a;
  if (nan_a) {
    result = b;
  } else if (!nan_b) {
    const int order = float_order(f, a, b);
    // Equal but for the sign: zeros, where +0 is the greater.
    const bool a_is_less = order == 0 ? is_negative(f, a) : order < 0;
    result = a_is_less == maximum ? b : a;
  }
  if (m.xorsign) result = (result & f.magnitude_mask()) | sign;
  return result;
}

int float_order(const Format& f, Bits a, Bits b) {
  if (is_nan(f, a) || is_nan(f, b)) return 2;
  if (is_zero(f, a) && is_zero(f, b)) return 0;
  // Sign and magnitude to a line of integers.
  const auto place = [&](Bits x) {
    const auto magnitude = static_cast<std::int64_t>(x & f.magnitude_mask());
    return is_negative(f, x) ? -magnitude : magnitude;
  };
  const std::int64_t left = place(a);
  const std::int64_t right = place(b);
  return left < right ? -1 : (left > right ? 1 : 0);
}

bool float_compare(const Format& f, Bits a, Bits b, Compare compare, bool ftz) {
  const int order = ftz ? float_order(f, flush(f, a), flush(f, b)) : float_order(f, a, b);
  const bool unordered = order == 2;
  switch (compare) {
    case Compare::Eq:
      return order == 0;
    case Compare::Ne:
      return !unordered && order != 0;
    case Compare::Lt:
      return order == -1;
    case Compare::Le:
      return order == -1 || order == 0;
    case Compare::Gt:
      return order == 1;
    case Compare::Ge:
      return order == 1 || order == 0;
    case Compare::Equ:
      return unordered || order == 0;
    case Compare::Neu:
      return order != 0;
    case Compare::Ltu:
      return unordered || order == -1;
    case Compare::Leu:
      return order != 1;
    case Compare::Gtu:
      return unordered || order == 1;
    case Compare::Geu:
      return order != -1;
    case Compare::Num:
      return !unordered;
    case Compare::Nan:
      return unordered;
    default:
      return false;
  }
}

bool float_testp(const Format& f, Bits a, TestpMode mode) {
  switch (mode) {
    case TestpMode::Finite:
      return !is_nan(f, a) && !is_infinity(f, a);
    case TestpMode::Infinite:
      return is_infinity(f, a);
    case TestpMode::Number:
      return !is_nan(f, a);
    case TestpMode::NotANumber:
      return is_nan(f, a);
    case TestpMode::Normal:
      return !is_nan(f, a) && !is_infinity(f, a) && !is_subnormal(f, a);  // zeros count
    case TestpMode::Subnormal:
      return is_subnormal(f, a);
    default:
      return false;
  }
}

}  // namespace doppel::reference
