// The lane pattern of an instruction's result, where pattern arithmetic gives one. One table for the analysis
// and for code generation, so that both always agree.
#pragma once

#include "kernel/lane_values.h"
#include "ptx/instruction.h"

namespace doppel::kernel {

// Whether the instruction's form is one that may yield patterns: whole integers of one width, no saturation,
// no carry.
inline bool has_plain_integer_form(const ptx::Instruction& instruction) {
  const ptx::Modifiers& modifiers = instruction.modifiers;
  return !modifiers.sat && !modifiers.carry_in && !modifiers.carry_out && !modifiers.relu &&
         !ptx::is_float(instruction.type) && !ptx::is_packed(instruction.type) &&
         instruction.type != ptx::Type::Pred;
}

// operand(i): LaneParts of source operand i (counted in Instruction::operands), whose pattern must be
// is_parts() for all sources. window(space): LaneParts<Value> of the generic address at which `space` begins.
template <typename Scalars, typename OperandLanes, typename Window>
std::optional<LaneParts<typename Scalars::Value>> transfer_pattern(Scalars& scalars,
                                                                   const ptx::Instruction& instruction,
                                                                   OperandLanes&& operand, Window&& window) {
  using ptx::Opcode;
  using Lanes = LaneParts<typename Scalars::Value>;
  if (!has_plain_integer_form(instruction)) return std::nullopt;
  PatternArithmetic<Scalars> arithmetic(scalars);
  const int bits = ptx::bit_width(instruction.type);
  if (bits != 32 && bits != 64) return std::nullopt;
  const auto is_immediate = [&](std::size_t i) {
    return instruction.operands[i].kind == ptx::Operand::Kind::Immediate;
  };
  const auto immediate = [&](std::size_t i) { return instruction.operands[i].immediate; };
  const auto fits = [&](const Lanes& lanes) { return lanes.pattern.bits == bits; };
  const auto product = [&](std::size_t a, std::size_t b) -> std::optional<Lanes> {
    if (is_immediate(a) && !is_immediate(b)) std::swap(a, b);
    Lanes left = operand(a), right = operand(b);
    if (!fits(left) || !fits(right)) return std::nullopt;
    const bool wide = instruction.modifiers.mul_part == ptx::MulPart::Wide;
    if (wide) {
      if (bits != 32) return std::nullopt;
      std::optional<Lanes> extended = arithmetic.widen(left, ptx::is_signed(instruction.type));
      if (!extended) return std::nullopt;
      left = std::move(*extended);
      if (!is_immediate(b)) {
        std::optional<Lanes> other = arithmetic.widen(right, ptx::is_signed(instruction.type));
        if (!other) return std::nullopt;
        right = std::move(*other);
      }
    }
    if (!is_immediate(b)) return arithmetic.multiply(left, right);
    const std::uint64_t value = immediate(b);
    const bool zero_extend = wide && !ptx::is_signed(instruction.type);
    return arithmetic.scale(left, zero_extend ? static_cast<std::int64_t>(value & 0xffffffffu)
                                              : wrap(static_cast<std::int64_t>(value), bits));
  };

  switch (instruction.opcode) {
    case Opcode::Mov: {
      Lanes a = operand(1);
      return fits(a) ? std::optional(std::move(a)) : std::nullopt;
    }
    case Opcode::Add: {
      const Lanes a = operand(1), b = operand(2);
      return fits(a) && fits(b) ? arithmetic.add(a, b) : std::nullopt;
    }
    case Opcode::Sub: {
      const Lanes a = operand(1), b = operand(2);
      if (!fits(a) || !fits(b)) return std::nullopt;
      const std::optional<Lanes> negated = arithmetic.negate(b);
      return negated ? arithmetic.add(a, *negated) : std::nullopt;
    }
    case Opcode::Neg: {
      const Lanes a = operand(1);
      return fits(a) ? arithmetic.negate(a) : std::nullopt;
    }
    case Opcode::Mul:
      return instruction.modifiers.mul_part == ptx::MulPart::Hi ? std::nullopt : product(1, 2);
    case Opcode::Mad: {
      if (instruction.modifiers.mul_part == ptx::MulPart::Hi) return std::nullopt;
      const std::optional<Lanes> ab = product(1, 2);
      if (!ab) return std::nullopt;
      const Lanes c = operand(3);
      return c.pattern.bits == ab->pattern.bits ? arithmetic.add(*ab, c) : std::nullopt;
    }
    case Opcode::Shl: {
      if (!is_immediate(2)) return std::nullopt;
      const Lanes a = operand(1);
      const auto count = static_cast<std::uint32_t>(immediate(2));
      if (!fits(a) || count >= static_cast<std::uint32_t>(bits)) return std::nullopt;
      return arithmetic.scale(a, static_cast<std::int64_t>(std::uint64_t{1} << count));
    }
    case Opcode::Shr: {
      if (!is_immediate(2)) return std::nullopt;
      const Lanes a = operand(1);
      return fits(a) ? arithmetic.shift_right(a, static_cast<std::uint32_t>(immediate(2)),
                                              ptx::is_signed(instruction.type))
                     : std::nullopt;
    }
    case Opcode::And: {
      if (!is_immediate(2)) return std::nullopt;
      const Lanes a = operand(1);
      return fits(a) ? arithmetic.mask(a, immediate(2)) : std::nullopt;
    }
    case Opcode::Or: {
      if (!is_immediate(2)) return std::nullopt;
      const Lanes a = operand(1);
      return fits(a) ? arithmetic.disjoint_or(a, immediate(2)) : std::nullopt;
    }
    case Opcode::Cvt: {
      if (ptx::is_float(instruction.source_type)) return std::nullopt;
      const int from = ptx::bit_width(instruction.source_type);
      Lanes a = operand(1);
      if (a.pattern.bits != from) return std::nullopt;
      if (from == bits) return a;
      if (from == 32 && bits == 64) return arithmetic.widen(a, ptx::is_signed(instruction.source_type));
      if (from == 64 && bits == 32) return arithmetic.truncate(a);
      return std::nullopt;
    }
    case Opcode::Cvta: {
      Lanes a = operand(1);
      if (!fits(a) || bits != 64) return std::nullopt;
      Lanes base = window(instruction.modifiers.space);
      if (base.pattern.is_uniform() && base.parts.empty()) return a;  // the space is generic as it stands
      if (!instruction.modifiers.to) return arithmetic.add(a, base);
      const std::optional<Lanes> negated = arithmetic.negate(base);
      return negated ? arithmetic.add(a, *negated) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace doppel::kernel
