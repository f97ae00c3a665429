// SPDX-License-Identifier: Apache-2.0
#include "reference/integer_ops.h"

#include <algorithm>
#include <array>
#include <bit>
#include <stdexcept>

#include "reference/bit_ops.h"

namespace doppel::reference {

using ptx::Compare;
using ptx::MulPart;
using ptx::Opcode;
using ptx::Type;

namespace {

__extension__ using S128 = __int128;
__extension__ using Wide = unsigned __int128;

// An operand as a mathematical integer.
S128 number(std::uint64_t value, Type type) {
  const int width = ptx::bit_width(type);
  if (ptx::is_signed(type)) return sign_extend(value, width);
  return static_cast<S128>(low_bits(value, width));
}

std::uint64_t saturate(S128 value, int width) {
  const S128 top = (S128{1} << (width - 1)) - 1;
  return static_cast<std::uint64_t>(std::clamp(value, -top - 1, top));
}

std::uint64_t multiply(std::uint64_t a, std::uint64_t b, Type type, MulPart part) {
  const int width = ptx::bit_width(type);
  // The product modulo 2^128 holds every bit that any part asks for.
  const Wide product = static_cast<Wide>(number(a, type)) * static_cast<Wide>(number(b, type));
  if (part == MulPart::Hi) return low_bits(static_cast<std::uint64_t>(product >> width), width);
  return low_bits(static_cast<std::uint64_t>(product), part == MulPart::Wide ? 2 * width : width);
}

// mul24 (9.7.1.5): the 48-bit product of the 24 low bits; .hi is bits 47..16.
std::uint64_t multiply24(std::uint64_t a, std::uint64_t b, Type type, MulPart part) {
  const auto cut = [&](std::uint64_t v) -> std::int64_t {
    return ptx::is_signed(type) ? sign_extend(v, 24) : static_cast<std::int64_t>(low_bits(v, 24));
  };
  const std::int64_t product = cut(a) * cut(b);
  return low_bits(static_cast<std::uint64_t>(part == MulPart::Hi ? product >> 16 : product), 32);
}

std::uint64_t divide(std::uint64_t a, std::uint64_t b, Type type, bool remainder) {
  const int width = ptx::bit_width(type);
  const S128 left = number(a, type);
  const S128 right = number(b, type);
  // 9.7.1.9: unspecified, machine-specific value. All ones, and the dividend as remainder.
  if (right == 0) return remainder ? low_bits(a, width) : low_bits(~std::uint64_t{0}, width);
  return low_bits(static_cast<std::uint64_t>(remainder ? left % right : left / right), width);
}

std::uint64_t add_with_carry(const ptx::Instruction& in, Wide a, Wide b, bool subtract, bool& carry) {
  const int width = ptx::bit_width(in.type);
  const Wide mask = (Wide{1} << width) - 1;
  // The text calls what sub.cc writes and subc takes a borrow (9.7.2.3, 9.7.2.4), and does not say what addc
  // finds of it. On cards a difference is the sum a + ~b + 1: the flag is 1 where there was no borrow, and
  // compilers mix both in one chain.
  a &= mask;
  b = (subtract ? ~b : b) & mask;
  const bool in_flag = in.modifiers.carry_in ? carry : subtract;
  const Wide sum = a + b + (in_flag ? 1 : 0);
  if (in.modifiers.carry_out) carry = (sum >> width) != 0;
  return static_cast<std::uint64_t>(sum & mask);
}

}  // namespace

std::uint64_t extend(std::uint64_t value, Type type) {
  const int width = ptx::bit_width(type);
  return ptx::is_signed(type) ? static_cast<std::uint64_t>(sign_extend(value, width))
                              : low_bits(value, width);
}

bool integer_compare(std::uint64_t a, std::uint64_t b, Compare compare, Type type) {
  const int width = ptx::bit_width(type);
  const std::uint64_t ua = low_bits(a, width);
  const std::uint64_t ub = low_bits(b, width);
  const std::int64_t sa = sign_extend(a, width);
  const std::int64_t sb = sign_extend(b, width);
  const bool is_signed = ptx::is_signed(type);
  switch (compare) {
    case Compare::Eq:
      return ua == ub;
    case Compare::Ne:
      return ua != ub;
    case Compare::Lt:
      return is_signed ? sa < sb : ua < ub;
    case Compare::Le:
      return is_signed ? sa <= sb : ua <= ub;
    case Compare::Gt:
      return is_signed ? sa > sb : ua > ub;
    case Compare::Ge:
      return is_signed ? sa >= sb : ua >= ub;
    case Compare::Lo:
      return ua < ub;
    case Compare::Ls:
      return ua <= ub;
    case Compare::Hi:
      return ua > ub;
    case Compare::Hs:
      return ua >= ub;
    default:
      throw std::logic_error("integer_compare: a comparison of floats");
  }
}

bool is_integer_op(const ptx::Instruction& in) {
  if (ptx::is_float(in.type)) return false;
  switch (in.opcode) {
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Mul:
    case Opcode::Mad:
    case Opcode::Mul24:
    case Opcode::Mad24:
    case Opcode::Sad:
    case Opcode::Div:
    case Opcode::Rem:
    case Opcode::Abs:
    case Opcode::Neg:
    case Opcode::Min:
    case Opcode::Max:
    case Opcode::AddC:
    case Opcode::SubC:
    case Opcode::MadC:
    case Opcode::Dp4a:
    case Opcode::Dp2a:
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::Not:
    case Opcode::Cnot:
    case Opcode::Shl:
    case Opcode::Shr:
      return true;
    default:
      return is_bit_op(in.opcode);
  }
}

std::uint64_t integer_op(const ptx::Instruction& in, std::span<const std::uint64_t> s, bool& carry) {
  const ptx::Modifiers& m = in.modifiers;
  const Type type = in.type;
  if (is_bit_op(in.opcode)) return bit_op(in, s);
  if (type == Type::U16x2 || type == Type::S16x2) {
    ptx::Instruction half = in;
    half.type = type == Type::U16x2 ? Type::U16 : Type::S16;
    std::uint64_t result = 0;
    for (int lane = 0; lane < 2; ++lane) {
      std::array<std::uint64_t, 4> parts{};
      for (std::size_t i = 0; i < s.size(); ++i) parts.at(i) = low_bits(s[i] >> (16 * lane), 16);
      result |= integer_op(half, std::span(parts).first(s.size()), carry) << (16 * lane);
    }
    return result;
  }
  const int width = ptx::bit_width(type);
  const auto cut = [&](std::uint64_t v) { return low_bits(v, width); };
  switch (in.opcode) {
    case Opcode::Add:
      if (m.sat) return cut(saturate(number(s[0], type) + number(s[1], type), width));
      return add_with_carry(in, s[0], s[1], false, carry);
    case Opcode::AddC:
      return add_with_carry(in, s[0], s[1], false, carry);
    case Opcode::Sub:
      if (m.sat) return cut(saturate(number(s[0], type) - number(s[1], type), width));
      return add_with_carry(in, s[0], s[1], true, carry);
    case Opcode::SubC:
      return add_with_carry(in, s[0], s[1], true, carry);
    case Opcode::Mul:
      return multiply(s[0], s[1], type, m.mul_part);
    case Opcode::Mad:
    case Opcode::MadC: {
      const std::uint64_t product = multiply(s[0], s[1], type, m.mul_part);
      if (m.mul_part == MulPart::Wide) return low_bits(product + s[2], 2 * width);
      if (m.sat) return cut(saturate(number(product, type) + number(s[2], type), width));
      return add_with_carry(in, product, s[2], false, carry);
    }
    case Opcode::Mul24:
      return multiply24(s[0], s[1], type, m.mul_part);
    case Opcode::Mad24: {
      const std::uint64_t product = multiply24(s[0], s[1], type, m.mul_part);
      if (m.sat) return cut(saturate(number(product, type) + number(s[2], type), width));
      return cut(product + s[2]);
    }
    case Opcode::Sad: {
      const S128 difference = number(s[0], type) - number(s[1], type);
      return cut(s[2] + static_cast<std::uint64_t>(difference < 0 ? -difference : difference));
    }
    case Opcode::Div:
      return divide(s[0], s[1], type, false);
    case Opcode::Rem:
      return divide(s[0], s[1], type, true);
    case Opcode::Abs:
      return cut(number(s[0], type) < 0 ? 0 - s[0] : s[0]);
    case Opcode::Neg:
      return cut(0 - s[0]);
    case Opcode::Min:
    case Opcode::Max: {
      const bool first_is_less = number(s[0], type) < number(s[1], type);
      const std::uint64_t chosen = first_is_less == (in.opcode == Opcode::Min) ? s[0] : s[1];
      return cut(m.relu && number(chosen, type) < 0 ? 0 : chosen);
    }
    case Opcode::And:
      return cut(s[0] & s[1]);
    case Opcode::Or:
      return cut(s[0] | s[1]);
    case Opcode::Xor:
      return cut(s[0] ^ s[1]);
    case Opcode::Not:
      return cut(~s[0]);
    case Opcode::Cnot:
      return cut(s[0]) == 0 ? 1 : 0;
    case Opcode::Shl: {
      const std::uint64_t amount = low_bits(s[1], 32);  // amounts over the width are clamped to it (9.7.8.8)
      return amount >= static_cast<std::uint64_t>(width) ? 0 : cut(s[0] << amount);
    }
    case Opcode::Shr: {
      const std::uint64_t amount =
          std::min<std::uint64_t>(low_bits(s[1], 32), static_cast<std::uint64_t>(width));
      return cut(static_cast<std::uint64_t>(number(s[0], type) >> amount));
    }
    case Opcode::Dp4a:
    case Opcode::Dp2a: {
      // The type of a is `type`, that of b is `source_type`; c and d are signed if one of them is (9.7.1.23).
      const bool four = in.opcode == Opcode::Dp4a;
      std::uint64_t sum = s[2];
      for (int i = 0; i < (four ? 4 : 2); ++i) {
        const int width_a = four ? 8 : 16;
        const int b_byte = four ? i : i + (m.mul_part == MulPart::Hi ? 2 : 0);
        const std::uint64_t raw_a = low_bits(s[0] >> (width_a * i), width_a);
        const std::uint64_t raw_b = low_bits(s[1] >> (8 * b_byte), 8);
        const std::int64_t va =
            ptx::is_signed(type) ? sign_extend(raw_a, width_a) : static_cast<std::int64_t>(raw_a);
        const std::int64_t vb =
            ptx::is_signed(in.source_type) ? sign_extend(raw_b, 8) : static_cast<std::int64_t>(raw_b);
        sum += static_cast<std::uint64_t>(va * vb);
      }
      return low_bits(sum, 32);
    }
    default:
      throw std::logic_error("integer_op: " + in.form);
  }
}

}  // namespace doppel::reference
