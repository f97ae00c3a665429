// SPDX-License-Identifier: Apache-2.0
// The lane pattern of an instruction's result, where pattern arithmetic gives one. One table for the analysis
// and for code generation, so that both always agree.
#pragma once

#include "analysis/lane_values.h"
#include "ir/operation.h"

namespace doppel::analysis {

// Whether pattern arithmetic may tell the result's: of whole integers of one width, without saturation.
inline bool may_have_pattern(const ir::Operation& operation) {
  return ir::row(operation).lanes == ir::LaneEffect::Pattern && !operation.attributes.sat &&
         !ir::is_packed(operation.type) && operation.type != ir::Type::Pred &&
         !ir::is_float(operation.type) && operation.results[0].is_register();
}

// The width of its sources, but for a sum's that a wide product is added to.
inline int pattern_source_bits(const ir::Operation& operation, std::size_t source) {
  if (operation.op == ir::Op::IConvert) return ir::bit_width(operation.source_type);
  const bool addend = operation.op == ir::Op::IMad && source == 2;
  const int bits = ir::bit_width(operation.type);
  return addend && operation.attributes.mul_part == ir::MulPart::Wide ? 2 * bits : bits;
}

// operand(i): LaneParts of source i, whose pattern must be is_parts() for all sources. window(space):
// LaneParts<Value> of the generic address at which `space` begins.
template <typename Scalars, typename OperandLanes, typename Window>
std::optional<LaneParts<typename Scalars::Value>> transfer_pattern(Scalars& scalars,
                                                                   const ir::Operation& operation,
                                                                   OperandLanes&& operand, Window&& window) {
  using ir::Op;
  using Lanes = LaneParts<typename Scalars::Value>;
  if (!may_have_pattern(operation)) return std::nullopt;
  PatternArithmetic<Scalars> arithmetic(scalars);
  const int bits = ir::bit_width(operation.type);
  if (bits != 32 && bits != 64) return std::nullopt;
  const auto is_immediate = [&](std::size_t i) { return operation.sources[i].is_immediate(); };
  const auto immediate = [&](std::size_t i) { return operation.sources[i].immediate; };
  const auto fits = [&](const Lanes& lanes) { return lanes.pattern.bits == bits; };
  const auto product = [&](std::size_t a, std::size_t b) -> std::optional<Lanes> {
    if (is_immediate(a) && !is_immediate(b)) std::swap(a, b);
    Lanes left = operand(a), right = operand(b);
    if (!fits(left) || !fits(right)) return std::nullopt;
    const bool wide = operation.attributes.mul_part == ir::MulPart::Wide;
    if (wide) {
      if (bits != 32) return std::nullopt;
      std::optional<Lanes> extended = arithmetic.widen(left, ir::is_signed(operation.type));
      if (!extended) return std::nullopt;
      left = std::move(*extended);
      if (!is_immediate(b)) {
        std::optional<Lanes> other = arithmetic.widen(right, ir::is_signed(operation.type));
        if (!other) return std::nullopt;
        right = std::move(*other);
      }
    }
    if (!is_immediate(b)) return arithmetic.multiply(left, right);
    const std::uint64_t value = immediate(b);
    const bool zero_extend = wide && !ir::is_signed(operation.type);
    return arithmetic.scale(left, zero_extend ? static_cast<std::int64_t>(value & 0xffffffffu)
                                              : wrap(static_cast<std::int64_t>(value), bits));
  };

  switch (operation.op) {
    case Op::Mov: {
      Lanes a = operand(0);
      return fits(a) ? std::optional(std::move(a)) : std::nullopt;
    }
    case Op::IAdd: {
      const Lanes a = operand(0), b = operand(1);
      return fits(a) && fits(b) ? arithmetic.add(a, b) : std::nullopt;
    }
    case Op::ISub: {
      const Lanes a = operand(0), b = operand(1);
      if (!fits(a) || !fits(b)) return std::nullopt;
      const std::optional<Lanes> negated = arithmetic.negate(b);
      return negated ? arithmetic.add(a, *negated) : std::nullopt;
    }
    case Op::INeg: {
      const Lanes a = operand(0);
      return fits(a) ? arithmetic.negate(a) : std::nullopt;
    }
    case Op::IMul:
      return operation.attributes.mul_part == ir::MulPart::Hi ? std::nullopt : product(0, 1);
    case Op::IMad: {
      if (operation.attributes.mul_part == ir::MulPart::Hi) return std::nullopt;
      const std::optional<Lanes> ab = product(0, 1);
      if (!ab) return std::nullopt;
      const Lanes c = operand(2);
      return c.pattern.bits == ab->pattern.bits ? arithmetic.add(*ab, c) : std::nullopt;
    }
    case Op::Shl: {
      if (!is_immediate(1)) return std::nullopt;
      const Lanes a = operand(0);
      const auto count = static_cast<std::uint32_t>(immediate(1));
      if (!fits(a) || count >= static_cast<std::uint32_t>(bits)) return std::nullopt;
      return arithmetic.scale(a, static_cast<std::int64_t>(std::uint64_t{1} << count));
    }
    case Op::Shr: {
      if (!is_immediate(1)) return std::nullopt;
      const Lanes a = operand(0);
      return fits(a) ? arithmetic.shift_right(a, static_cast<std::uint32_t>(immediate(1)),
                                              ir::is_signed(operation.type))
                     : std::nullopt;
    }
    case Op::And: {
      if (!is_immediate(1)) return std::nullopt;
      const Lanes a = operand(0);
      return fits(a) ? arithmetic.mask(a, immediate(1)) : std::nullopt;
    }
    case Op::Or: {
      if (!is_immediate(1)) return std::nullopt;
      const Lanes a = operand(0);
      return fits(a) ? arithmetic.disjoint_or(a, immediate(1)) : std::nullopt;
    }
    case Op::IConvert: {
      const int from = ir::bit_width(operation.source_type);
      Lanes a = operand(0);
      if (a.pattern.bits != from) return std::nullopt;
      if (from == bits) return a;
      if (from == 32 && bits == 64) return arithmetic.widen(a, ir::is_signed(operation.source_type));
      if (from == 64 && bits == 32) return arithmetic.truncate(a);
      return std::nullopt;
    }
    case Op::ToGeneric:
    case Op::FromGeneric: {
      Lanes a = operand(0);
      if (!fits(a) || bits != 64) return std::nullopt;
      Lanes base = window(operation.attributes.space);
      if (base.pattern.is_uniform() && base.parts.empty()) return a;  // the space is generic as it stands
      if (operation.op == Op::ToGeneric) return arithmetic.add(a, base);
      const std::optional<Lanes> negated = arithmetic.negate(base);
      return negated ? arithmetic.add(a, *negated) : std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

}  // namespace doppel::analysis
