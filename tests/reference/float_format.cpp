// SPDX-License-Identifier: Apache-2.0
#include "reference/float_format.h"

#include <algorithm>
#include <stdexcept>

namespace doppel::reference {

using ptx::Rounding;
using ptx::Type;

const Format& format_of(Type type) {
  switch (type) {
    case Type::F16:
    case Type::F16x2:
      return kF16;
    case Type::BF16:
    case Type::BF16x2:
      return kBF16;
    case Type::F32:
    case Type::F32x2:
      return kF32;
    case Type::F64:
      return kF64;
    case Type::TF32:
      return kTF32;
    default:
      throw std::logic_error("format_of: not a floating-point type of the reference");
  }
}

namespace {

int leading_bit(U128 value) {
  const auto high = static_cast<std::uint64_t>(value >> 64);
  if (high != 0) return 127 - __builtin_clzll(high);
  return 63 - __builtin_clzll(static_cast<std::uint64_t>(value));
}

// Drops `shift` bits (any number from 1) and says whether the rest rounds the magnitude up.
U128 shift_and_round(U128 significand, int shift, bool negative, Rounding mode) {
  U128 kept = 0;
  int against_half = 0;  // of what was cut off: -1 below half of the last kept place, 0 exactly half, 1 above
  bool exact = false;
  if (shift > 128) {
    exact = significand == 0;
    against_half = -1;
  } else {
    const U128 half = U128{1} << (shift - 1);
    const U128 rest = shift == 128 ? significand : significand & ((half << 1) - 1);
    kept = shift == 128 ? U128{0} : significand >> shift;
    exact = rest == 0;
    against_half = rest < half ? -1 : (rest == half ? 0 : 1);
  }
  bool up = false;
  switch (mode) {
    case Rounding::Rz:
    case Rounding::Rzi:
      break;
    case Rounding::Rm:
    case Rounding::Rmi:
      up = negative && !exact;
      break;
    case Rounding::Rp:
    case Rounding::Rpi:
      up = !negative && !exact;
      break;
    case Rounding::Rna:
      up = against_half >= 0;
      break;
    default:
      up = against_half > 0 || (against_half == 0 && (kept & 1) != 0);
      break;
  }
  return kept + (up ? 1 : 0);
}

}  // namespace

Exact unpack(const Format& f, std::uint64_t bits) {
  const std::uint64_t mantissa = bits & ((std::uint64_t{1} << f.mantissa_bits) - 1);
  const auto biased = static_cast<int>((bits & f.infinity()) >> f.mantissa_bits);
  const std::uint64_t hidden = biased == 0 ? 0 : std::uint64_t{1} << f.mantissa_bits;
  return {is_negative(f, bits), std::max(biased, 1) - f.bias() - f.mantissa_bits, hidden | mantissa};
}

Exact normalise(Exact value, int position) {
  if (value.significand == 0) return value;
  const int shift = position - leading_bit(value.significand);
  value.exponent -= shift;
  value.significand = shift >= 0 ? value.significand << shift : value.significand >> -shift;
  return value;
}

std::uint64_t round_to(const Format& f, const Exact& value, Rounding mode) {
  const std::uint64_t sign = value.negative ? f.sign_bit() : 0;
  if (value.significand == 0) return sign;
  const int leading_exponent = value.exponent + leading_bit(value.significand);
  int last_place = std::max(leading_exponent, 1 - f.bias()) - f.mantissa_bits;
  const int shift = last_place - value.exponent;
  U128 kept = shift <= 0 ? value.significand << -shift
                         : shift_and_round(value.significand, shift, value.negative, mode);
  if (kept >> (f.mantissa_bits + 1) != 0) {
    kept >>= 1;
    ++last_place;
  }
  if (kept >> f.mantissa_bits == 0) return sign | static_cast<std::uint64_t>(kept);  // subnormal or zero
  const int biased = last_place + f.mantissa_bits + f.bias();
  const int largest = (1 << f.exponent_bits) - 2;
  if (biased > largest) {
    const bool to_infinity = mode == Rounding::Rm   ? value.negative
                             : mode == Rounding::Rp ? !value.negative
                                                    : mode != Rounding::Rz;
    return sign | (to_infinity ? f.infinity() : f.infinity() - 1);
  }
  const std::uint64_t mantissa =
      static_cast<std::uint64_t>(kept) & ((std::uint64_t{1} << f.mantissa_bits) - 1);
  return sign | (static_cast<std::uint64_t>(biased) << f.mantissa_bits) | mantissa;
}

U128 round_to_integer(const Exact& value, Rounding mode) {
  if (value.significand == 0) return 0;
  if (value.exponent >= 0) {
    // Beyond 2^127 every caller saturates, so the largest number stands for all of them.
    return leading_bit(value.significand) + value.exponent > 126 ? U128{1} << 127
                                                                 : value.significand << value.exponent;
  }
  return shift_and_round(value.significand, -value.exponent, value.negative, mode);
}

}  // namespace doppel::reference
