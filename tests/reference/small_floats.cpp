// SPDX-License-Identifier: Apache-2.0
#include "reference/small_floats.h"

#include <optional>
#include <stdexcept>

#include "reference/float_ops.h"

namespace doppel::reference {

using ptx::Rounding;
using ptx::Type;

namespace {

struct SmallFormat {
  int exponent_bits, mantissa_bits;
  std::uint64_t largest;             // magnitude bits of the largest number
  std::optional<std::uint64_t> nan;  // what there is of NaNs
  std::uint64_t sign() const { return std::uint64_t{1} << (exponent_bits + mantissa_bits); }
  int bias() const { return (1 << (exponent_bits - 1)) - 1; }
};

// PTX ISA 5.2.3, tables of the alternate formats.
SmallFormat small_format(Type type) {
  switch (type) {
    case Type::E4M3:
      return {4, 3, 0b1111110, 0b1111111};
    case Type::E5M2:
      return {5, 2, 0b1111011, 0b1111111};
    case Type::E2M3:
      return {2, 3, 0b11111, std::nullopt};
    case Type::E3M2:
      return {3, 2, 0b11111, std::nullopt};
    case Type::E2M1:
      return {2, 1, 0b111, std::nullopt};
    default:
      throw std::logic_error("no small float with a sign");
  }
}

Exact small_value(const SmallFormat& f, std::uint64_t magnitude) {
  const auto exponent = static_cast<int>(magnitude >> f.mantissa_bits);
  std::uint64_t mantissa = magnitude & ((std::uint64_t{1} << f.mantissa_bits) - 1);
  if (exponent != 0) mantissa |= std::uint64_t{1} << f.mantissa_bits;
  return {false, (exponent == 0 ? 1 : exponent) - f.bias() - f.mantissa_bits, mantissa};
}

int exponent_of(const Exact& value) {
  int top = 0;
  while ((value.significand >> top) > 1) ++top;
  return top + value.exponent;
}

// The bits of the magnitude nearest to a number.
std::uint64_t nearest(const SmallFormat& f, Exact value) {
  if (value.significand == 0) return 0;
  const int least = 1 - f.bias(), top = exponent_of(value);
  if (top > exponent_of(small_value(f, f.largest))) return f.largest;
  const int place = (top < least ? least : top) - f.mantissa_bits;
  value.exponent -= place;
  const U128 count = round_to_integer(value, Rounding::Rn);  // of places
  for (std::uint64_t bits = 0; bits <= f.largest; ++bits) {
    const Exact each = small_value(f, bits);
    const int up = each.exponent - place;
    if (up >= 0 ? each.significand << up == count : each.significand == count << -up) return bits;
  }
  return f.largest;  // rounded beyond it
}

std::uint64_t to_scale(const Format& source, std::uint64_t value, const ptx::Modifiers& m) {
  if (is_nan(source, value)) return 0xff;
  const std::uint64_t beyond = m.satfinite ? 0xfe : 0xff;
  if (is_infinity(source, value)) return beyond;
  const Exact exact = unpack(source, value & source.magnitude_mask());
  if (exact.significand == 0) return 0;
  const int exponent = exponent_of(exact);
  const bool is_power = (exact.significand & (exact.significand - 1)) == 0;
  const int rounded = m.rounding == Rounding::Rp && !is_power ? exponent + 1 : exponent;
  if (rounded < -127) return 0;
  if (rounded > 127) return beyond;
  // Less than 2^-127 is no power of its own, and the least there is.
  return static_cast<std::uint64_t>(rounded + 127);
}

}  // namespace

bool is_small_float(Type type) { return type >= Type::E4M3 && type <= Type::UE8M0; }

std::uint64_t to_small_float(std::uint64_t value, Type to, Type from, const ptx::Modifiers& m) {
  const Format& source = format_of(from);
  if (to == Type::UE8M0) return to_scale(source, value, m);
  const SmallFormat f = small_format(to);
  if (is_nan(source, value)) return f.nan.value_or(f.largest);
  const bool negative = is_negative(source, value);
  if (negative && m.relu) return 0;
  const std::uint64_t magnitude =
      is_infinity(source, value) ? f.largest : nearest(f, unpack(source, value & source.magnitude_mask()));
  return negative ? magnitude | f.sign() : magnitude;
}

std::uint64_t from_small_float(std::uint64_t value, Type to, Type from, const ptx::Modifiers& m) {
  const Format& target = format_of(to);
  if (from == Type::UE8M0) {
    if (value == 0xff) return target.nan;
    return round_to(target, {false, static_cast<int>(value) - 127, 1}, Rounding::Rn);
  }
  const SmallFormat f = small_format(from);
  const bool negative = (value & f.sign()) != 0;
  const std::uint64_t magnitude = value & (f.sign() - 1);
  std::uint64_t result = 0;
  if (from == Type::E5M2 && magnitude == 0b1111100) {
    result = target.infinity();
  } else if (f.nan && magnitude > f.largest) {
    return target.nan;
  } else {
    result = round_to(target, small_value(f, magnitude), Rounding::Rn);
  }
  if (negative) result = m.relu ? 0 : result | target.sign_bit();
  return result;
}

}  // namespace doppel::reference
