// SPDX-License-Identifier: Apache-2.0
#include "reference/conversions.h"

#include <algorithm>
#include <stdexcept>

#include "reference/float_ops.h"
#include "reference/integer_ops.h"
#include "reference/small_floats.h"

namespace doppel::reference {

using ptx::Rounding;
using ptx::Type;

namespace {

bool rounds_to_integral(Rounding mode) {
  return mode == Rounding::Rni || mode == Rounding::Rzi || mode == Rounding::Rmi || mode == Rounding::Rpi;
}

Rounding direction(Rounding mode) {
  switch (mode) {
    case Rounding::Rni:
      return Rounding::Rn;
    case Rounding::Rzi:
      return Rounding::Rz;
    case Rounding::Rmi:
      return Rounding::Rm;
    case Rounding::Rpi:
      return Rounding::Rp;
    case Rounding::None:
      return Rounding::Rn;
    default:
      return mode;
  }
}

std::uint64_t integer_to_integer(std::uint64_t value, Type to, Type from, bool saturate) {
  const int width = ptx::bit_width(to);
  const std::uint64_t wide = extend(value, from);
  if (!saturate) return low_bits(wide, width);
  const bool negative = ptx::is_signed(from) && static_cast<std::int64_t>(wide) < 0;
  if (ptx::is_signed(to)) {
    const std::int64_t top = static_cast<std::int64_t>((std::uint64_t{1} << (width - 1)) - 1);
    if (negative)
      return low_bits(static_cast<std::uint64_t>(std::max(static_cast<std::int64_t>(wide), -top - 1)), width);
    return std::min(wide, static_cast<std::uint64_t>(top));
  }
  if (negative) return 0;
  return std::min(wide, low_bits(~std::uint64_t{0}, width));
}

// Out of range is clamped; NaN by the table under 'Integer Notes'.
std::uint64_t float_to_integer(std::uint64_t value, Type to, Type from, const ptx::Modifiers& m) {
  const Format& f = format_of(from);
  const int width = ptx::bit_width(to);
  if (m.ftz && from == Type::F32) value = flush(f, value);
  if (is_nan(f, value)) {
    return from != Type::F64 && width != 64 ? 0 : std::uint64_t{1} << (width - 1);
  }
  const bool negative = is_negative(f, value);
  const std::uint64_t largest_positive = low_bits(~std::uint64_t{0}, ptx::is_signed(to) ? width - 1 : width);
  const std::uint64_t largest_negative = ptx::is_signed(to) ? std::uint64_t{1} << (width - 1) : 0;
  const std::uint64_t limit = negative ? largest_negative : largest_positive;
  const U128 magnitude =
      is_infinity(f, value) ? U128{1} << 127 : round_to_integer(unpack(f, value), direction(m.rounding));
  const std::uint64_t clamped = magnitude > limit ? limit : static_cast<std::uint64_t>(magnitude);
  return low_bits(negative ? 0 - clamped : clamped, width);
}

std::uint64_t integer_to_float(std::uint64_t value, Type to, Type from, const ptx::Modifiers& m) {
  const std::uint64_t wide = extend(value, from);
  const bool negative = ptx::is_signed(from) && static_cast<std::int64_t>(wide) < 0;
  const Exact exact{negative, 0, negative ? 0 - wide : wide};
  return finish(format_of(to), round_to(format_of(to), exact, direction(m.rounding)),
                {.sat = m.sat, .relu = m.relu});
}

std::uint64_t float_to_float(std::uint64_t value, Type to, Type from, const ptx::Modifiers& m) {
  const Format& source = format_of(from);
  const Format& target = format_of(to);
  const FloatMode after{Rounding::Rn, m.ftz && to == Type::F32, m.sat, m.relu};
  if (m.ftz && from == Type::F32) value = flush(source, value);
  std::uint64_t result = 0;
  if (is_nan(source, value)) {
    result = to == Type::F64 && from == Type::F64 ? value | source.quiet_bit() : target.nan;
  } else if (is_infinity(source, value)) {
    result = target.infinity() | (is_negative(source, value) ? target.sign_bit() : 0);
  } else {
    Exact exact = unpack(source, value);
    if (rounds_to_integral(m.rounding)) {
      // A number of at least 2^precision is integral already, so that nothing here is cut off.
      if (exact.exponent < 0) exact = {exact.negative, 0, round_to_integer(exact, direction(m.rounding))};
    }
    result = round_to(target, exact, direction(m.rounding));
  }
  if (m.satfinite && is_infinity(target, result)) --result;
  result = finish(target, result, after);
  return to == Type::TF32 ? result << 13 : result;  // the upper 19 of 32 bits
}

std::uint64_t convert_one(std::uint64_t value, Type to, Type from, const ptx::Modifiers& m) {
  if (from == Type::TF32) throw std::logic_error("cvt from tf32");
  if (is_small_float(to)) return to_small_float(value, to, from, m);
  if (is_small_float(from)) return from_small_float(value, to, from, m);
  if (!ptx::is_float(from) && !ptx::is_float(to)) return integer_to_integer(value, to, from, m.sat);
  if (!ptx::is_float(to)) return float_to_integer(value, to, from, m);
  if (!ptx::is_float(from)) return integer_to_float(value, to, from, m);
  return float_to_float(value, to, from, m);
}

// cvt.pack.sat (9.7.9.22): a and b saturated to the narrow type, a in the upper half, above them what c held.
std::uint64_t pack(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  const int width = ptx::bit_width(in.type);
  const std::uint64_t a = integer_to_integer(s[0], in.type, in.source_type, true);
  const std::uint64_t b = integer_to_integer(s[1], in.type, in.source_type, true);
  const std::uint64_t above = s.size() > 2 ? s[2] : 0;
  return low_bits(b | a << width | above << (2 * width), 32);
}

}  // namespace

std::uint64_t convert(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  if (in.opcode == ptx::Opcode::CvtPack) return pack(in, s);
  if (ptx::is_packed(in.type)) {
    // Two values, the first becomes the upper part; or the two parts of one.
    const Type element = ptx::element_type(in.type), part = ptx::element_type(in.source_type);
    const int width = ptx::bit_width(part);
    if (ptx::is_packed(in.source_type) != (s.size() == 1)) throw std::logic_error("reference: " + in.form);
    const std::uint64_t first = s.size() == 2 ? s[0] : low_bits(s[0] >> width, width);
    const std::uint64_t second = s.size() == 2 ? s[1] : low_bits(s[0], width);
    return convert_one(first, element, part, in.modifiers) << ptx::bit_width(element) |
           convert_one(second, element, part, in.modifiers);
  }
  return convert_one(s[0], in.type, in.source_type, in.modifiers);
}

}  // namespace doppel::reference
