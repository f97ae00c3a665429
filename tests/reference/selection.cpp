// SPDX-License-Identifier: Apache-2.0
#include "reference/selection.h"

#include "reference/float_ops.h"
#include "reference/integer_ops.h"

namespace doppel::reference {

using ptx::BoolOp;
using ptx::Type;

namespace {

bool compare(std::uint64_t a, std::uint64_t b, Type type, const ptx::Modifiers& m) {
  if (ptx::is_float(type)) return float_compare(format_of(type), a, b, m.compare, m.ftz);
  return integer_compare(a, b, m.compare, type);
}

bool combine(bool t, std::span<const std::uint64_t> s, BoolOp op) {
  if (op == BoolOp::None) return t;
  const bool c = s[2] != 0;
  switch (op) {
    case BoolOp::And:
      return t && c;
    case BoolOp::Or:
      return t || c;
    default:
      return t != c;
  }
}

std::uint64_t half(std::uint64_t packed, int index) { return packed >> (16 * index) & 0xffff; }

}  // namespace

PredicatePair set_predicate(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  const ptx::Modifiers& m = in.modifiers;
  if (ptx::is_packed(in.type)) {  // one comparison a half: p of the lower, q of the upper (9.7.7.2)
    return {combine(compare(half(s[0], 0), half(s[1], 0), in.type, m), s, m.bool_op),
            combine(compare(half(s[0], 1), half(s[1], 1), in.type, m), s, m.bool_op)};
  }
  const bool t = compare(s[0], s[1], in.type, m);
  return {combine(t, s, m.bool_op), combine(!t, s, m.bool_op)};
}

std::uint64_t set_value(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  const auto value = [&](bool t, Type type) -> std::uint64_t {
    if (!t) return 0;
    if (ptx::is_float(type)) return format_of(type).one();
    return low_bits(~std::uint64_t{0}, ptx::bit_width(type));
  };
  const ptx::Modifiers& m = in.modifiers;
  if (ptx::is_packed(in.source_type)) {
    const Type element = ptx::is_packed(in.type) ? ptx::element_type(in.type) : Type::U16;
    std::uint64_t result = 0;
    for (int i = 0; i < 2; ++i) {
      const bool t = combine(compare(half(s[0], i), half(s[1], i), in.source_type, m), s, m.bool_op);
      result |= value(t, element) << (16 * i);
    }
    return result;
  }
  return value(combine(compare(s[0], s[1], in.source_type, m), s, m.bool_op), in.type);
}

std::uint64_t select(const ptx::Instruction& in, std::span<const std::uint64_t> s) {
  bool first = s[2] != 0;
  if (in.opcode == ptx::Opcode::Slct) {
    if (in.source_type == Type::F32) {
      // c >= 0, where -0 is zero and a NaN takes the second (9.7.6.4).
      first = float_compare(kF32, s[2], 0, ptx::Compare::Ge, in.modifiers.ftz);
    } else {
      first = sign_extend(s[2], 32) >= 0;
    }
  }
  return low_bits(first ? s[0] : s[1], ptx::bit_width(in.type));
}

}  // namespace doppel::reference
