// SPDX-License-Identifier: Apache-2.0
#include "reference/evaluate.h"

#include <array>
#include <stdexcept>

#include "reference/conversions.h"
#include "reference/float_ops.h"
#include "reference/integer_ops.h"
#include "reference/selection.h"
#include "reference/special_functions.h"

namespace doppel::reference {

using ptx::Opcode;
using ptx::Type;

namespace {

std::uint64_t float_op(const ptx::Instruction& in, const Format& f, std::span<const std::uint64_t> s) {
  const ptx::Modifiers& m = in.modifiers;
  const FloatMode mode = float_mode(m);
  switch (in.opcode) {
    case Opcode::Add:
      return float_add(f, s[0], s[1], mode);
    case Opcode::Sub:
      return float_sub(f, s[0], s[1], mode);
    case Opcode::Mul:
      return float_mul(f, s[0], s[1], mode);
    case Opcode::Mad:  // mad is fma on every target of ours (9.7.3.7)
    case Opcode::Fma:
      return float_fma(f, s[0], s[1], s[2], mode);
    case Opcode::Div:
      return float_div(f, s[0], s[1], mode);
    case Opcode::Neg:
      return float_neg(f, s[0], m.ftz);
    case Opcode::Abs:
      return float_abs(f, s[0], m.ftz);
    case Opcode::Min:
    case Opcode::Max:
      return float_min_max(f, s[0], s[1], in.opcode == Opcode::Max, m);
    default:
      throw std::logic_error("the reference does not know " + in.form);
  }
}

}  // namespace

std::uint64_t evaluate(const ptx::Instruction& in, std::span<const std::uint64_t> s, bool& carry) {
  switch (in.opcode) {
    case Opcode::Cvt:
    case Opcode::CvtPack:
      return convert(in, s);
    case Opcode::Set:
      return set_value(in, s);
    case Opcode::Selp:
    case Opcode::Slct:
      return select(in, s);
    case Opcode::Testp:
      return float_testp(format_of(in.type), s[0], in.modifiers.testp) ? 1 : 0;
    case Opcode::Copysign:
      return float_copysign(format_of(in.type), s[0], s[1]);
    default:
      break;
  }
  if (is_special_function(in)) return special_function(in, s);
  if (is_integer_op(in)) return integer_op(in, s, carry);
  if (!ptx::is_float(in.type)) throw std::logic_error("the reference does not know " + in.form);
  const Format& f = format_of(in.type);
  if (!ptx::is_packed(in.type)) return float_op(in, f, s);
  const int width = f.width();
  std::uint64_t result = 0;
  for (int lane = 0; lane < 2; ++lane) {
    std::array<std::uint64_t, 3> parts{};
    for (std::size_t i = 0; i < s.size() && i < parts.size(); ++i)
      parts.at(i) = low_bits(s[i] >> (width * lane), width);
    result |= float_op(in, f, std::span(parts).first(s.size())) << (width * lane);
  }
  return result;
}

}  // namespace doppel::reference
