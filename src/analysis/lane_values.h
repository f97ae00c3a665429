// SPDX-License-Identifier: Apache-2.0
// Arithmetic on lane patterns, written once for the analysis, which has no values, and for code generation,
// which has.
//
// `Scalars` gives the arithmetic of the parts: `Scalars::Value`, and add, mul, multiply by a constant,
// negate, extend, shift and mask. Every operation returns nothing where the result has no pattern: then each
// lane's value is computed on its own.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "analysis/lane_pattern.h"

namespace doppel::analysis {

template <typename Value>
struct LaneParts {
  LanePattern pattern;
  std::vector<Value> parts;  // in the order of the formula; empty unless pattern.is_parts()
};

template <typename Scalars>
class PatternArithmetic {
 public:
  using Value = typename Scalars::Value;
  using Lanes = LaneParts<Value>;

  explicit PatternArithmetic(Scalars& scalars) : scalars_(scalars) {}

  std::optional<Lanes> add(const Lanes& a, const Lanes& b) {
    const int bits = a.pattern.bits;
    Lanes result = a;
    result.pattern.alignment = std::min(a.pattern.alignment, b.pattern.alignment);
    result.pattern.linear.offset = analysis::add(a.pattern.linear.offset, b.pattern.linear.offset, bits);
    result.parts[0] = scalars_.add(a.parts[0], b.parts[0]);
    std::size_t from = 1;
    for (const LaneConstants& factor : b.pattern.linear.factors) {
      auto& factors = result.pattern.linear.factors;
      std::size_t at = 0;
      while (at < factors.size() && factors[at] != factor) ++at;
      if (at < factors.size()) {
        result.parts[1 + at] = scalars_.add(result.parts[1 + at], b.parts[from]);
      } else {
        result.parts.insert(result.parts.begin() + 1 + static_cast<std::ptrdiff_t>(at), b.parts[from]);
        factors.push_back(factor);
      }
      ++from;
    }
    for (const WidenedPattern& term : b.pattern.widened) result.pattern.widened.push_back(term);
    for (; from < b.parts.size(); ++from) result.parts.push_back(b.parts[from]);
    return limited(std::move(result));
  }

  std::optional<Lanes> scale(const Lanes& a, std::int64_t by) {
    const int bits = a.pattern.bits;
    by = wrap(by, bits);
    Lanes result = a;
    if (by == 0) return uniform(scalars_.constant(0, bits), bits, 64);
    int zeros = 0;
    while (zeros < 63 && (by >> zeros & 1) == 0) ++zeros;
    result.pattern.alignment = std::min(64, a.pattern.alignment + zeros);
    result.pattern.linear.offset = analysis::scale(a.pattern.linear.offset, by, bits);
    for (std::size_t i = 0; i <= a.pattern.linear.factors.size(); ++i) {
      result.parts[i] = scalars_.mul(a.parts[i], scalars_.constant(by, bits));
    }
    for (WidenedPattern& term : result.pattern.widened) {
      term.coefficient = static_cast<std::int64_t>(static_cast<std::uint64_t>(term.coefficient) *
                                                   static_cast<std::uint64_t>(by));
    }
    return result;
  }

  std::optional<Lanes> negate(const Lanes& a) { return scale(a, -1); }

  // by: a run-time number, the same in every lane.
  std::optional<Lanes> multiply(const Lanes& a, const Lanes& by) {
    if (!by.pattern.is_uniform()) {
      if (a.pattern.is_uniform()) return multiply(by, a);
      return std::nullopt;
    }
    const int bits = a.pattern.bits;
    Lanes result;
    result.pattern = LanePattern::uniform(bits, std::min(64, a.pattern.alignment + by.pattern.alignment));
    result.parts.push_back(scalars_.mul(a.parts[0], by.parts[0]));
    if (a.pattern.linear.offset != LaneConstants{}) {
      result.pattern.linear.factors.push_back(a.pattern.linear.offset);
      result.parts.push_back(by.parts[0]);
    }
    std::size_t from = 1;
    for (const LaneConstants& factor : a.pattern.linear.factors) {
      Lanes term;
      term.pattern = LanePattern::uniform(bits, 64);
      term.pattern.linear.factors.push_back(factor);
      term.parts = {scalars_.constant(0, bits), scalars_.mul(a.parts[from++], by.parts[0])};
      std::optional<Lanes> sum = add(result, term);
      if (!sum) return std::nullopt;
      sum->pattern.alignment = result.pattern.alignment;
      result = std::move(*sum);
    }
    for (const WidenedPattern& term : a.pattern.widened) {
      WidenedPattern scaled = term;
      scaled.has_multiplier = true;
      result.pattern.widened.push_back(scaled);
      result.parts.push_back(term.has_multiplier ? scalars_.mul(a.parts[from++], by.parts[0]) : by.parts[0]);
      for (std::size_t i = 0; i < 1 + term.inner.factors.size(); ++i) result.parts.push_back(a.parts[from++]);
    }
    return limited(std::move(result));
  }

  // A 32-bit value extended to 64 bits.
  std::optional<Lanes> widen(const Lanes& a, bool is_signed) {
    if (a.pattern.bits != 32) return std::nullopt;
    if (a.pattern.is_uniform())
      return uniform(scalars_.extend(a.parts[0], is_signed), 64, alignment_of(a, is_signed));
    Lanes result;
    if (disjoint(a)) {  // no lane carries out of the base's zeros, so none wraps around
      result = uniform(scalars_.extend(a.parts[0], is_signed), 64, alignment_of(a, is_signed));
      result.pattern.linear.offset = a.pattern.linear.offset;
      return result;
    }
    result.pattern = LanePattern::uniform(64, 64);
    WidenedPattern term;
    term.is_signed = is_signed;
    term.inner = a.pattern.linear;
    result.pattern.widened.push_back(term);
    result.parts.push_back(scalars_.constant(0, 64));
    for (const Value& part : a.parts) result.parts.push_back(part);
    return result;
  }

  // The low 32 bits of a 64-bit value.
  std::optional<Lanes> truncate(const Lanes& a) {
    if (a.pattern.bits != 64) return std::nullopt;
    Lanes result;
    result.pattern = LanePattern::uniform(32, a.pattern.alignment);
    for (int lane = 0; lane < kLanes; ++lane)
      result.pattern.linear.offset[lane] = wrap(a.pattern.linear.offset[lane], 32);
    result.parts.push_back(scalars_.truncate(a.parts[0]));
    std::size_t from = 1;
    for (const LaneConstants& factor : a.pattern.linear.factors) {
      result.pattern.linear.factors.push_back(factor);
      result.parts.push_back(scalars_.truncate(a.parts[from++]));
    }
    for (const WidenedPattern& term : a.pattern.widened) {
      Lanes inner;
      inner.pattern = LanePattern::uniform(32, 0);
      inner.pattern.linear = term.inner;
      std::optional<Value> multiplier;
      if (term.has_multiplier) multiplier = scalars_.truncate(a.parts[from++]);
      for (std::size_t i = 0; i < 1 + term.inner.factors.size(); ++i) inner.parts.push_back(a.parts[from++]);
      std::optional<Lanes> scaled = scale(inner, term.coefficient);
      if (scaled && multiplier) scaled = multiply(*scaled, uniform(*multiplier, 32, 0));
      std::optional<Lanes> sum = scaled ? add(result, *scaled) : std::nullopt;
      if (!sum) return std::nullopt;
      result = std::move(*sum);
    }
    return result;
  }

  // Where the base is a multiple of 2^alignment and the offsets lie below it, their bits are disjoint, and
  // what works bit by bit works on each: x & mask, x >> count.
  std::optional<Lanes> mask(const Lanes& a, std::uint64_t bits_kept) {
    if (!disjoint(a)) return std::nullopt;
    Lanes result = a;
    for (std::int64_t& value : result.pattern.linear.offset) {
      value = static_cast<std::int64_t>(static_cast<std::uint64_t>(value) & bits_kept);
    }
    if (a.pattern.alignment >= 64 || (a.pattern.alignment > 0 && bits_kept >> a.pattern.alignment == 0)) {
      result.parts[0] = scalars_.constant(0, a.pattern.bits);
      result.pattern.alignment = 64;
    } else {
      result.parts[0] = scalars_.bit_and(
          a.parts[0], scalars_.constant(static_cast<std::int64_t>(bits_kept), a.pattern.bits));
    }
    return result;
  }

  std::optional<Lanes> shift_right(const Lanes& a, unsigned count, bool arithmetic) {
    if (!disjoint(a) || count >= static_cast<unsigned>(a.pattern.bits)) return std::nullopt;
    Lanes result = a;
    for (std::int64_t& value : result.pattern.linear.offset) value >>= count;
    result.parts[0] = scalars_.shift_right(a.parts[0], count, arithmetic);
    if (a.pattern.alignment < 64)
      result.pattern.alignment = std::max(0, a.pattern.alignment - static_cast<int>(count));
    return result;
  }

  // a | constant, where that is a + constant.
  std::optional<Lanes> disjoint_or(const Lanes& a, std::uint64_t constant) {
    if (!disjoint(a) || a.pattern.alignment < 1) return std::nullopt;
    if (a.pattern.alignment < 64 && constant >> a.pattern.alignment != 0) return std::nullopt;
    Lanes result = a;
    for (std::int64_t& value : result.pattern.linear.offset) {
      value = wrap(static_cast<std::int64_t>(static_cast<std::uint64_t>(value) | constant), a.pattern.bits);
    }
    return result;
  }

  Lanes uniform(Value value, int bits, int alignment) {
    Lanes result;
    result.pattern = LanePattern::uniform(bits, alignment);
    result.parts.push_back(value);
    return result;
  }

 private:
  static int alignment_of(const Lanes& a, bool) { return a.pattern.alignment; }

  static bool disjoint(const Lanes& a) {
    if (!a.pattern.widened.empty() || !a.pattern.linear.factors.empty()) return false;
    for (std::int64_t value : a.pattern.linear.offset) {
      if (value < 0 || (a.pattern.alignment < 63 && value >> a.pattern.alignment != 0)) return false;
    }
    return true;
  }

  // Patterns with many terms stop paying.
  static std::optional<Lanes> limited(Lanes lanes) {
    if (lanes.pattern.linear.factors.size() > 2 || lanes.pattern.widened.size() > 2) return std::nullopt;
    return lanes;
  }

  Scalars& scalars_;
};

}  // namespace doppel::analysis
