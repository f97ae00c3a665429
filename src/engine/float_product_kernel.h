// SPDX-License-Identifier: Apache-2.0
// The products of float_product.h, written for any WideLanes: 16 rows of a column of D at a time.
//
// A, B and C are rearranged so that a vector has the 16 rows of a column of A, C or D, where a number of B is
// the same for all of them. A register of a fragment is two vectors whose quarters are a row or column each,
// so that all of it is done within quarters; the price is an order of the rows: of quarter q and element i,
// row 4 i + q.
//
// A term is cut off behind the largest exponent by its conversion to a whole number in units of the last bit
// that is kept: products of two floats of 11 bits are exact, so are powers of two times them, and the
// conversion goes towards zero. The exponents themselves are added and compared as bytes, 64 at a time; what
// is less than -128 comes to -128, which is less than that of a C of zero.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/float_operands_kernel.h"

namespace doppel::engine {
namespace {

// ------------------------------------------------------------------------------------ sums

inline Floats power_of_two(int exponent) {
  return WideLanes::floats(WideLanes::splat32((exponent + 127) * kOne));
}

// The largest exponents of the products of a part, by column, plus 127.
template <int terms, bool saturated>
void largest_exponents(const Operands& of, int begin, std::uint8_t (*largest)[kMostRows]) {
  // In each quarter its rows of one along k, each for four columns.
  alignas(kQuarter) static constexpr std::int8_t kRows[4][kQuarter] = {
      {0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3},
      {4, 4, 4, 4, 5, 5, 5, 5, 6, 6, 6, 6, 7, 7, 7, 7},
      {8, 8, 8, 8, 9, 9, 9, 9, 10, 10, 10, 10, 11, 11, 11, 11},
      {12, 12, 12, 12, 13, 13, 13, 13, 14, 14, 14, 14, 15, 15, 15, 15}};
  Vector rows[4];
  for (int i = 0; i < 4; ++i) rows[i] = WideLanes::load_quarter(kRows[i]);
  Vector most[2] = {WideLanes::splat8(kSmallestExponent), WideLanes::splat8(kSmallestExponent)};
  for (int four = 0; four < terms; four += 4) {
    const Vector exponents = WideLanes::load(of.a->exponents[(begin + four) / 4]);
    for (int i = 0; i < 4; ++i) {
      const Vector a = WideLanes::shuffle8(exponents, rows[i]);
      for (int half = 0; half < 2; ++half) {
        const Vector b = WideLanes::load_word(of.exponents_b[half][begin + four + i]);
        most[half] =
            WideLanes::max8(most[half], saturated ? WideLanes::add8_saturated(a, b) : WideLanes::add8(a, b));
      }
    }
  }
  const Vector bias = WideLanes::splat8(127);
  for (int half = 0; half < 2; ++half) {
    WideLanes::store(largest[half * kColumns / 2],
                     WideLanes::across(transpose_bytes(WideLanes::add8(most[half], bias))));
  }
}

struct Units {
  Vector scale_base;          // less the bits of an exponent: those of the power of two to whole numbers
  Vector unit_base;           // with the same bits: those of that back
  Vector lowest;              // the bits of the least exponent of a C of f16 that is not zero
  Floats to_half, from_half;  // of a C of f16
  explicit Units(const FloatPlan& plan)
      : scale_base(WideLanes::splat32(
            static_cast<std::int32_t>(static_cast<std::uint32_t>(254 + plan.fraction_bits) << 23))),
        unit_base(WideLanes::splat32(-plan.fraction_bits * kOne)),
        lowest(WideLanes::splat32((127 - 14 - plan.power) * kOne)),
        to_half(power_of_two(plan.power)),
        from_half(power_of_two(-plan.power)) {}
};

// What is there of a column, to which sums are added one after the other.
template <bool half_sums>
struct Column {
  Floats c;
  Vector exponent;  // its bits in a float
  Floats scale;
  Vector sum;

  // Cut off behind the largest exponent of its own and the products'.
  void begin(const std::uint8_t* largest, const Units& units) {
    exponent = WideLanes::and_of(WideLanes::bits(c), WideLanes::splat32(0x7f800000));
    if constexpr (half_sums) {
      // Subnormals have the lowest exponent.
      const Vector zero =
          WideLanes::is_zero32(WideLanes::and_of(WideLanes::bits(c), WideLanes::splat32(0x7fffffff)));
      exponent =
          WideLanes::max32(exponent, WideLanes::xor_of(WideLanes::and_of(zero, units.lowest), units.lowest));
    }
    exponent = WideLanes::max32(exponent, WideLanes::shift_left32<23>(WideLanes::load_bytes(largest)));
    scale = WideLanes::floats(WideLanes::subtract32(units.scale_base, exponent));
    sum = WideLanes::whole(WideLanes::multiply(c, scale));
  }
  void end(const Units& units) {
    const Floats unit = WideLanes::floats(WideLanes::add32(units.unit_base, exponent));
    Floats cut = WideLanes::towards_zero(sum);
    if constexpr (half_sums) {
      // To odd: then the conversion rounds as at once from all bits.
      const Vector exact = WideLanes::is_zero32(WideLanes::xor_of(WideLanes::whole(cut), sum));
      cut = WideLanes::floats(
          WideLanes::or_of(WideLanes::bits(cut), WideLanes::add32(exact, WideLanes::splat32(1))));
    }
    c = WideLanes::multiply(cut, unit);
    if constexpr (half_sums) {
      c = WideLanes::multiply(WideLanes::rounded_to_half(WideLanes::multiply(c, units.to_half)),
                              units.from_half);
    }
  }
};
// ------------------------------------------------------------------------------------ C and D

// What the floats of C are multiplied with before, or those of D behind, by row in our order and by column.
class Scaling {
 public:
  Scaling(const FloatPlan& plan, const FloatFactors* factors, int sign)
      : needed_(plan.power != 0 || factors) {
    if (!needed_) return;
    for (int i = 0; i < kMostRows; ++i) {
      const int row = i % 4 * 4 + i / 4;
      rows_[i] = (127 + sign * (plan.power + (factors ? factors->rows[row] : 0))) * kOne;
    }
    for (int i = 0; i < kColumns; ++i) columns_[i] = factors ? sign * factors->columns[i] : 0;
  }
  bool needed() const { return needed_; }
  Vector apply(Vector column, int number) const {
    if (!needed_) return column;
    const Floats by =
        WideLanes::multiply(WideLanes::floats(WideLanes::load(rows_)), power_of_two(columns_[number]));
    return WideLanes::bits(WideLanes::multiply(WideLanes::floats(column), by));
  }

 private:
  const bool needed_;
  alignas(kVector) std::int32_t rows_[kMostRows];
  int columns_[kColumns];
};

// Vector i of a register's parity: rows 4 i to 4 i + 3, every other column.
inline int place_in_fragment(int parity, int i) { return (parity + i / 2 * 2) * kRegister + i % 2 * kVector; }

inline bool take_floats(const std::byte* c, const Scaling& scaling, int smallest, Sums& sums) {
  Range32 range, unscaled;
  for (int parity = 0; parity < 2; ++parity) {
    Four rows;
    for (int i = 0; i < 4; ++i) rows.at[i] = WideLanes::load(c + place_in_fragment(parity, i));
    const Four columns = transpose(rows);
    for (int i = 0; i < 4; ++i) {
      Vector column = columns.at[i];
      if (scaling.needed()) {
        unscaled.take(column);
        column = scaling.apply(column, 2 * i + parity);
      }
      range.take(column);
      WideLanes::store(sums.at[2 * i + parity], column);
    }
  }
  return range.within(smallest, kLargestSum) && unscaled.within(kSmallestScaled, kLargestSum);
}

inline void put_floats(const Sums& sums, const Scaling& scaling, std::byte* d) {
  for (int parity = 0; parity < 2; ++parity) {
    Four columns;
    for (int i = 0; i < 4; ++i)
      columns.at[i] = scaling.apply(WideLanes::load(sums.at[2 * i + parity]), 2 * i + parity);
    const Four rows = transpose(columns);
    for (int i = 0; i < 4; ++i) WideLanes::store(d + place_in_fragment(parity, i), rows.at[i]);
  }
}

inline bool take_halves(const std::byte* c, const FloatPlan& plan, Sums& sums) {
  const Four columns = columns_of_halves(load_four(c));
  const Floats from_half = power_of_two(-plan.power);
  HalfElements elements(kLargestHalf);
  for (int i = 0; i < 4; ++i) {
    elements.note(columns.at[i]);
    alignas(kVector) std::uint16_t halves[2][kMostRows];
    WideLanes::store(halves, WideLanes::by_half(columns.at[i]));
    for (int j = 0; j < 2; ++j) {
      WideLanes::store(sums.at[2 * i + j],
                       WideLanes::bits(WideLanes::multiply(WideLanes::load_halves(halves[j]), from_half)));
    }
  }
  return elements.in_range();
}

inline void put_halves(const Sums& sums, const FloatPlan& plan, std::byte* d) {
  const Floats to_half = power_of_two(plan.power);
  Four columns;
  for (int i = 0; i < 4; ++i) {
    alignas(kVector) std::uint16_t halves[2][kMostRows];
    for (int j = 0; j < 2; ++j) {
      WideLanes::store_halves(
          halves[j], WideLanes::multiply(WideLanes::floats(WideLanes::load(sums.at[2 * i + j])), to_half));
    }
    columns.at[i] = WideLanes::load(halves);
  }
  const Four rows = rows_of_halves(columns);
  for (int i = 0; i < 4; ++i) WideLanes::store(d + i * kVector, rows.at[i]);
}

// ------------------------------------------------------------------------------------ all of it

// All columns of an A that registers hold, or where they lie.
template <int k>
struct InRegisters {
  static constexpr int kLength = k;
  Floats at[k];
  explicit InRegisters(const Operands& of) {
    for (int i = 0; i < k; ++i) at[i] = WideLanes::floats(WideLanes::load(of.a->at[i]));
  }
  [[gnu::always_inline]] Floats get(int i) const { return at[i]; }
};
struct InMemory {
  static constexpr int kLength = 0;  // the plan's
  const Operands& of;
  explicit InMemory(const Operands& operands) : of(operands) {}
  [[gnu::always_inline]] Floats get(int i) const { return WideLanes::floats(WideLanes::load(of.a->at[i])); }
};

// In the sign where a float is infinite.
inline Vector infinite(Floats v) {
  return WideLanes::add32(WideLanes::and_of(WideLanes::bits(v), WideLanes::splat32(0x7fffffff)),
                          WideLanes::splat32(kOne));
}

// One sum of a column, of the terms from `begin` on. b: the first number of the column of B.
template <int terms, int run, bool half_sums, typename ColumnsOfA>
[[gnu::always_inline]] inline void add_part(const ColumnsOfA& a, int begin, const float* b,
                                            const std::uint8_t* largest, const Units& units,
                                            Column<half_sums>& column, Vector& beyond) {
  column.begin(largest, units);
  for (int group = 0; group < terms; group += 8) {
    Vector sum = terms <= 8 ? column.sum : WideLanes::splat32(0);
    for (int i = 0; i < std::min(terms, 8); ++i) {
      const int k = begin + group + i;
      const Floats product =
          WideLanes::multiply(a.get(k), WideLanes::splat(b[k / run * kColumns * run + k % run]));
      sum = WideLanes::add32(sum, WideLanes::whole(WideLanes::multiply(product, column.scale)));
    }
    if constexpr (terms <= 8) {
      column.sum = sum;
    } else {
      const Vector both = WideLanes::add32(column.sum, sum);
      beyond = WideLanes::or_of(
          beyond, WideLanes::and_of(WideLanes::xor_of(column.sum, both), WideLanes::xor_of(sum, both)));
      column.sum = both;
    }
  }
  column.end(units);
}

// False where a sum is beyond the whole numbers of 32 bits, or what is added to is not finite.
template <int terms, int run, bool half_sums, typename ColumnsOfA>
bool add_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  constexpr int kMostParts = kMostFloatTerms / 8;
  const int length = ColumnsOfA::kLength != 0 ? ColumnsOfA::kLength : plan.k;
  alignas(kVector) std::uint8_t largest[kMostParts][kColumns][kMostRows];
  const bool saturated = plan.storage == FloatStorage::Bfloat || plan.storage == FloatStorage::Tf32;
  for (int part = 0; part * terms < length; ++part) {
    if (saturated) {
      largest_exponents<terms, true>(of, part * terms, largest[part]);
    } else {
      largest_exponents<terms, false>(of, part * terms, largest[part]);
    }
  }
  const Units units(plan);
  const ColumnsOfA a(of);
  Vector beyond = WideLanes::splat32(0);
  for (int number = 0; number < kColumns; number += kAtOnce) {
    Column<half_sums> columns[kAtOnce];
    for (int j = 0; j < kAtOnce; ++j) columns[j].c = WideLanes::floats(WideLanes::load(sums.at[number + j]));
    const float* const b = of.b + number * run;
    const auto add = [&](int part) __attribute__((always_inline)) {
      for (int j = 0; j < kAtOnce; ++j) {
        add_part<terms, run>(a, part * terms, b + j * run, largest[part][number + j], units, columns[j],
                             beyond);
        if (half_sums && (part + 1) * terms < length)
          beyond = WideLanes::or_of(beyond, infinite(columns[j].c));
      }
    };
    if constexpr (ColumnsOfA::kLength != 0) {
      // Each part's columns of A are in registers of their own.
      [&]<int... part>(std::integer_sequence<int, part...>) __attribute__((always_inline)) {
        (add(part), ...);
      }(std::make_integer_sequence<int, ColumnsOfA::kLength / terms>{});
    } else {
      for (int part = 0; part * terms < length; ++part) add(part);
    }
    for (int j = 0; j < kAtOnce; ++j) WideLanes::store(sums.at[number + j], WideLanes::bits(columns[j].c));
  }
  return (terms <= 8 && !half_sums) ||
         !WideLanes::any(WideLanes::and_of(beyond, WideLanes::splat32(INT32_MIN)));
}

template <int terms, int run, bool half_sums>
bool add_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  constexpr int kMost = run == 4 ? 8 : 16;  // of 256 bits a row
  if constexpr (terms <= kMost) {
    if (plan.k == kMost) return add_parts<terms, run, half_sums, InRegisters<kMost>>(plan, of, sums);
  }
  return add_parts<terms, run, half_sums, InMemory>(plan, of, sums);
}

template <int terms, int run>
bool add_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  return plan.half_sums ? add_parts<terms, run, true>(plan, of, sums)
                        : add_parts<terms, run, false>(plan, of, sums);
}

inline bool add_all(const FloatPlan& plan, const Operands& of, Sums& sums) {
  if (plan.storage == FloatStorage::Tf32) {
    switch (plan.terms) {
      case 4:
        return add_parts<4, 4, false>(plan, of, sums);
      case 8:
        return add_parts<8, 4, false>(plan, of, sums);
      case 16:
        return add_parts<16, 4, false>(plan, of, sums);
      default:
        return false;
    }
  }
  switch (plan.terms) {
    case 8:
      return add_parts<8, 8>(plan, of, sums);
    case 16:
      return add_parts<16, 8>(plan, of, sums);
    case 32:
      return add_parts<32, 8>(plan, of, sums);
    case 64:
      return add_parts<64, 8>(plan, of, sums);
    default:
      return false;
  }
}

inline bool multiply_floats_in_vectors(const FloatPlan& plan, const std::byte* a, const std::byte* b,
                                       const FloatFactors* factors, FloatMemo* memo, const std::byte* c,
                                       std::byte* d) {
  FloatColumns own;
  Operands operands;
  Sums sums;
  if (!decode(plan, a, b, memo, own, operands)) return false;
  if (plan.half_sums) {
    if (!take_halves(c, plan, sums) || !add_all(plan, operands, sums)) return false;
    put_halves(sums, plan, d);
    return true;
  }
  const bool halves = plan.storage == FloatStorage::Half || plan.storage == FloatStorage::Byte;
  const int smallest = halves ? kSmallestSumOfHalves : kSmallestSum;
  if (!take_floats(c, Scaling(plan, factors, -1), smallest, sums) || !add_all(plan, operands, sums))
    return false;
  put_floats(sums, Scaling(plan, factors, 1), d);
  return true;
}

}  // namespace
}  // namespace doppel::engine
