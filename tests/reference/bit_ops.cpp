// SPDX-License-Identifier: Apache-2.0
#include "reference/bit_ops.h"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "reference/integer_ops.h"

namespace doppel::reference {

using ptx::Opcode;
using ptx::PrmtMode;
using ptx::ShiftDirection;
using ptx::ShiftMode;
using ptx::Type;

namespace {

constexpr std::uint64_t kNotFound = 0xffffffff;

std::uint64_t find_leading(std::uint64_t a, const ptx::Instruction& in) {
  const int width = ptx::bit_width(in.type);
  a = low_bits(a, width);
  // For signed types the search is for the first bit that differs from the sign (9.7.1.17).
  if (ptx::is_signed(in.type) && sign_extend(a, width) < 0) a = low_bits(~a, width);
  if (a == 0) return kNotFound;
  const int position = 63 - std::countl_zero(a);
  return static_cast<std::uint64_t>(in.modifiers.shiftamt ? width - 1 - position : position);
}

// fns (9.7.1.18): the position of the offset-th set bit, upwards from base for a positive offset.
std::uint64_t find_nth_set(std::uint64_t mask, std::uint64_t base, std::int64_t offset) {
  if (offset == 0) return base < 32 && (mask >> base & 1) != 0 ? base : kNotFound;
  const int step = offset < 0 ? -1 : 1;
  std::int64_t left = offset < 0 ? -offset : offset;
  for (auto at = static_cast<std::int64_t>(base); at >= 0 && at < 32; at += step) {
    if ((mask >> at & 1) == 0) continue;
    if (--left == 0) return static_cast<std::uint64_t>(at);
  }
  return kNotFound;
}

std::uint64_t reverse(std::uint64_t a, int width) {
  std::uint64_t result = 0;
  for (int i = 0; i < width; ++i) result |= (a >> i & 1) << (width - 1 - i);
  return result;
}

std::uint64_t extract(std::uint64_t a, std::uint64_t b, std::uint64_t c, Type type) {
  const int msb = ptx::bit_width(type) - 1;
  const auto position = static_cast<int>(b & 0xff);
  const auto length = static_cast<int>(c & 0xff);
  const std::uint64_t sign =
      !ptx::is_signed(type) || length == 0 ? 0 : a >> std::min(position + length - 1, msb) & 1;
  std::uint64_t result = 0;
  for (int i = 0; i <= msb; ++i) {
    const bool inside = i < length && position + i <= msb;
    result |= (inside ? a >> (position + i) & 1 : sign) << i;
  }
  return result;
}

std::uint64_t insert(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint64_t d, int width) {
  const auto position = static_cast<int>(c & 0xff);
  const auto length = static_cast<int>(d & 0xff);
  for (int i = 0; i < length && position + i < width; ++i) {
    const std::uint64_t place = std::uint64_t{1} << (position + i);
    b = (a >> i & 1) != 0 ? b | place : b & ~place;
  }
  return low_bits(b, width);
}

std::uint64_t permute(std::uint64_t a, std::uint64_t b, std::uint64_t control, PrmtMode mode) {
  const std::uint64_t bytes = low_bits(a, 32) | b << 32;
  const auto byte = [&](unsigned index) { return bytes >> (8 * (index & 7)) & 0xff; };
  const auto low = static_cast<unsigned>(control & 3);
  std::uint64_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    std::uint64_t value = 0;
    switch (mode) {
      case PrmtMode::F4e:
        value = byte(low + i);
        break;
      case PrmtMode::B4e:
        value = byte(8 + low - i);
        break;
      case PrmtMode::Rc8:
        value = byte(low);
        break;
      case PrmtMode::Ecl:
        value = byte(std::max(low, i));
        break;
      case PrmtMode::Ecr:
        value = byte(std::min(low, i));
        break;
      case PrmtMode::Rc16:
        value = byte((low & 1) * 2 + (i & 1));
        break;
      default: {
        const std::uint64_t selector = control >> (4 * i) & 0xf;
        value = byte(static_cast<unsigned>(selector & 7));
        if ((selector & 8) != 0) value = (value & 0x80) != 0 ? 0xff : 0;
      }
    }
    result |= value << (8 * i);
  }
  return result;
}

// shf (9.7.8.7): {b, a} shifted; .l gives the upper, .r the lower 32 bits.
std::uint64_t funnel(std::uint64_t a, std::uint64_t b, std::uint64_t c, const ptx::Modifiers& m) {
  c = low_bits(c, 32);
  const std::uint64_t amount = m.shift == ShiftMode::Wrap ? c & 31 : std::min<std::uint64_t>(c, 32);
  const std::uint64_t both = low_bits(a, 32) | b << 32;
  if (m.direction == ShiftDirection::Right) {
    return amount == 32 ? low_bits(b, 32) : low_bits(both >> amount, 32);
  }
  return amount == 32 ? low_bits(a, 32) : both << amount >> 32;
}

// szext (9.7.1.21): b bits of a kept, the rest filled with sign or zero.
std::uint64_t sign_or_zero_extend(std::uint64_t a, std::uint64_t b, const ptx::Instruction& in) {
  b = low_bits(b, 32);
  const std::uint64_t count = in.modifiers.shift == ShiftMode::Wrap ? b & 31 : std::min<std::uint64_t>(b, 32);
  if (count == 32) return low_bits(a, 32);
  if (count == 0) return 0;
  const auto width = static_cast<int>(count);
  return ptx::is_signed(in.type) ? low_bits(static_cast<std::uint64_t>(sign_extend(a, width)), 32)
                                 : low_bits(a, width);
}

// bmsk (9.7.1.22): b ones from position a up.
std::uint64_t bit_mask(std::uint64_t a, std::uint64_t b, ShiftMode mode) {
  a = low_bits(a, 32);
  b = low_bits(b, 32);
  const std::uint64_t start = mode == ShiftMode::Wrap ? a & 31 : std::min<std::uint64_t>(a, 32);
  const std::uint64_t length = mode == ShiftMode::Wrap ? b & 31 : std::min<std::uint64_t>(b, 32);
  return low_bits(((std::uint64_t{1} << length) - 1) << start, 32);
}

std::uint64_t lookup(std::uint64_t a, std::uint64_t b, std::uint64_t c, std::uint8_t table) {
  std::uint64_t result = 0;
  for (int i = 0; i < 32; ++i) {
    const auto index = (a >> i & 1) << 2 | (b >> i & 1) << 1 | (c >> i & 1);
    result |= static_cast<std::uint64_t>(table >> index & 1) << i;
  }
  return result;
}

}  // namespace

bool is_bit_op(Opcode opcode) {
  switch (opcode) {
    case Opcode::Popc:
    case Opcode::Clz:
    case Opcode::Bfind:
    case Opcode::Fns:
    case Opcode::Brev:
    case Opcode::Bfe:
    case Opcode::Bfi:
    case Opcode::Szext:
    case Opcode::Bmsk:
    case Opcode::Lop3:
    case Opcode::Shf:
    case Opcode::Prmt:
      return true;
    default:
      return false;
  }
}

std::uint64_t bit_op(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  const int width = ptx::bit_width(in.type);
  switch (in.opcode) {
    case Opcode::Popc:
      return static_cast<std::uint64_t>(std::popcount(low_bits(s[0], width)));
    case Opcode::Clz:
      return static_cast<std::uint64_t>(std::countl_zero(low_bits(s[0], width)) - (64 - width));
    case Opcode::Bfind:
      return find_leading(s[0], in);
    case Opcode::Fns:
      return find_nth_set(low_bits(s[0], 32), low_bits(s[1], 32), sign_extend(s[2], 32));
    case Opcode::Brev:
      return reverse(s[0], width);
    case Opcode::Bfe:
      return extract(s[0], s[1], s[2], in.type);
    case Opcode::Bfi:
      return insert(s[0], s[1], s[2], s[3], width);
    case Opcode::Szext:
      return sign_or_zero_extend(s[0], s[1], in);
    case Opcode::Bmsk:
      return bit_mask(s[0], s[1], in.modifiers.shift);
    case Opcode::Lop3:
      return lookup(s[0], s[1], s[2], in.modifiers.lut);
    case Opcode::Shf:
      return funnel(s[0], s[1], s[2], in.modifiers);
    case Opcode::Prmt:
      return permute(s[0], s[1], s[2], in.modifiers.prmt);
    default:
      throw std::logic_error("bit_op: " + in.form);
  }
}

}  // namespace doppel::reference
