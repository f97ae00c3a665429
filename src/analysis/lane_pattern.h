// SPDX-License-Identifier: Apache-2.0
// How a register's value depends on the lane, as far as is known when a kernel is compiled.
//
//   value(lane) = base + offset[lane] + sum_i stride_i * factor_i[lane]
//               + sum_j coefficient_j * [multiplier_j *] widen(base_j + offset_j[lane] + sum stride *
//               factor[lane])
//
// in the arithmetic of the register's width. base, the strides and multipliers are run-time numbers, the same
// in every lane (the *parts* of the value); offset, factors and coefficients are constants. `widen` is a sign
// or zero extension from 32 to 64 bits: it is kept symbolic, because whether base + offset[lane] wraps around
// is known at run time only.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace doppel::analysis {

inline constexpr int kLanes = 32;
using LaneConstants = std::array<std::int64_t, kLanes>;

bool all_equal(const LaneConstants& values);

// base + offset[lane] + sum stride_i * factor_i[lane]; parts: base, strides.
struct LinearPattern {
  LaneConstants offset{};
  std::vector<LaneConstants> factors;
  bool uniform() const { return factors.empty() && offset == LaneConstants{}; }
  bool operator==(const LinearPattern&) const = default;
};

// coefficient * [multiplier *] widen(inner); parts: multiplier where there is one, then those of inner.
struct WidenedPattern {
  std::int64_t coefficient = 1;
  bool has_multiplier = false;
  bool is_signed = true;
  LinearPattern inner;
  bool operator==(const WidenedPattern&) const = default;
};

struct LanePattern {
  enum class Kind : std::uint8_t {
    Unknown,  // nothing seen yet: the top of the lattice
    Parts,    // the formula above
    Varying,  // one value a lane
  };
  Kind kind = Kind::Unknown;
  int bits = 0;
  LinearPattern linear;
  std::vector<WidenedPattern> widened;
  int alignment = 0;  // base is a multiple of 2^alignment (64: base is zero)

  static LanePattern uniform(int bits, int alignment = 0);
  static LanePattern varying(int bits);
  bool is_uniform() const { return kind == Kind::Parts && widened.empty() && linear.uniform(); }
  bool is_parts() const { return kind == Kind::Parts; }
  bool same_shape(const LanePattern& other) const;  // all but alignment
  std::size_t part_count() const;
};

// The pattern of a register that may hold either.
LanePattern meet(const LanePattern& a, const LanePattern& b);

// Values wrapped to `bits` and sign-extended.
std::int64_t wrap(std::int64_t value, int bits);
LaneConstants add(const LaneConstants& a, const LaneConstants& b, int bits);
LaneConstants scale(const LaneConstants& a, std::int64_t by, int bits);

}  // namespace doppel::analysis
