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

#include "engine/exact_sums_kernel.h"
#include "engine/float_operands_kernel.h"
#include "engine/float_sums_kernel.h"
#if DOPPEL_DOTS
#include "engine/byte_sums_kernel.h"
#endif

namespace doppel::engine {
namespace {

// ------------------------------------------------------------------------------------ sums

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
        const Vector b = WideLanes::load_word(of.b->exponents[half][begin + four + i]);
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

// ------------------------------------------------------------------------------------ all of it

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
    const float* const b = of.b->at + number * run;
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

inline bool add_all(const FloatPlan& plan, const Operands& of, Sums& sums) {
  return with_constants(plan, [&]<int terms, int run, bool half_sums, typename ColumnsOfA>() {
    return add_parts<terms, run, half_sums, ColumnsOfA>(plan, of, sums);
  });
}

inline bool multiply_in_general(const FloatPlan& plan, const Operands& operands, const FloatFactors* factors,
                                const std::byte* c, std::byte* d) {
  Sums sums;
  if (plan.half_sums) {
    if (!take_halves(c, plan.power, sums) || !add_all(plan, operands, sums)) return false;
    put_halves(sums, plan.power, d);
    return true;
  }
  const bool halves = plan.storage == FloatStorage::Half || plan.storage == FloatStorage::Byte;
  const int smallest = halves ? kSmallestSumOfHalves : kSmallestSum;
  if (!take_floats(c, Scaling(plan, factors, -1), smallest, sums) || !add_all(plan, operands, sums))
    return false;
  put_floats(sums, Scaling(plan, factors, 1), d);
  return true;
}

// False where it is not for exact sums: nothing has been written then.
inline bool multiply_exactly(const FloatPlan& plan, const Operands& of, const std::byte* c, std::byte* d) {
  if (!of.a->extent.known) of.a->extent = extent_of(of.a->at[0], plan.k * kMostRows);
  if (!of.b->extent.known) of.b->extent = extent_of(of.b->at, plan.k * kColumns);
  const std::optional<ExactRange> range = exact_range(plan, of.a->extent, of.b->extent);
  if (!range) return false;
#if DOPPEL_DOTS
  if (fits_bytes(of.a->extent) && fits_bytes(of.b->extent)) return add_bytes(plan, of, *range, c, d);
#endif
  return add_exactly(plan, of, *range, c, d);
}

inline ExactTries& tries_of(const FloatPlan& plan, FloatMemo& memo) {
  return memo.tries[static_cast<int>(plan.storage)][plan.half_sums ? 1 : 0];
}

inline bool multiply_operands(const FloatPlan& plan, const Operands& operands, const FloatFactors* factors,
                              ExactTries* tries, const std::byte* c, std::byte* d) {
  if (!operands.a->in_range || !operands.b->in_range) return false;
  if (factors == nullptr && (tries == nullptr || tries->due())) {
    const bool possible = multiply_exactly(plan, operands, c, d);
    if (tries != nullptr) tries->note(possible);
    if (possible) return true;
  }
  return multiply_in_general(plan, operands, factors, c, d);
}

inline bool multiply_floats_in_vectors(const FloatPlan& plan, const std::byte* a, const std::byte* b,
                                       const FloatFactors* factors, FloatMemo* memo, const std::byte* c,
                                       std::byte* d) {
  if (memo == nullptr) {
    FloatColumns of_a;
    FloatRuns of_b;
    decode(plan, a, of_a);
    decode(plan, b, of_b);
    return multiply_operands(plan, {&of_a, &of_b}, factors, nullptr, c, d);
  }
  memo->a.begin_run();
  memo->b.begin_run();
  const Operands operands{&known_or_decoded(plan, a, kMostRows, plan.a.mask, memo->a),
                          &known_or_decoded(plan, b, kColumns, plan.b.mask, memo->b)};
  return multiply_operands(plan, operands, factors, &tries_of(plan, *memo), c, d);
}

#if DOPPEL_DOTS
// Products from this one on that add to one C. Returns how many were made: none where this C is not in the
// range.
inline std::size_t multiply_links(const FloatPlan& plan, const ProductRun& run, std::size_t begin,
                                  FloatColumns* const* a, FloatRuns* const* b, const ExactRange& range) {
  const std::uint32_t place = run.products[begin].d;
  Operands links[kMostLinks];
  std::size_t count = 0;
  for (std::size_t i = begin; i < run.products.size(); ++i) {
    const ProductRun::Product& product = run.products[i];
    const bool adds = (product.c == place || count == 0) && product.d == place;
    if (!adds || count == static_cast<std::size_t>(range.most_links)) break;
    links[count++] = {a[product.a], b[product.b]};
  }
  const std::byte* const c = run.fragments + run.products[begin].c;
  return add_linked_bytes(plan, {links, count}, range, c, run.fragments + place) ? count : 0;
}
#endif

inline std::size_t multiply_run_in_vectors(const FloatPlan& plan, const ProductRun& run, std::size_t begin,
                                           FloatMemo& memo) {
  FloatColumns* a[ProductRun::kMostFactors];
  FloatRuns* b[ProductRun::kMostFactors];
  memo.a.begin_run();
  memo.b.begin_run();
  for (std::size_t i = 0; i < run.a.size(); ++i)
    a[i] = &known_or_decoded(plan, run.fragments + run.a[i], kMostRows, plan.a.mask, memo.a);
  for (std::size_t i = 0; i < run.b.size(); ++i)
    b[i] = &known_or_decoded(plan, run.fragments + run.b[i], kColumns, plan.b.mask, memo.b);
  ExactTries& tries = tries_of(plan, memo);
#if DOPPEL_DOTS
  const auto range = tries.open() ? range_as_bytes(plan, {a, run.a.size()}, {b, run.b.size()}) : std::nullopt;
#endif
  for (std::size_t i = begin; i < run.products.size(); ++i) {
    const ProductRun::Product& product = run.products[i];
#if DOPPEL_DOTS
    if (const std::size_t done = range ? multiply_links(plan, run, i, a, b, *range) : 0; done != 0) {
      tries.note_possible(done);
      i += done - 1;
      continue;
    }
#endif
    if (!multiply_operands(plan, {a[product.a], b[product.b]}, nullptr, &tries, run.fragments + product.c,
                           run.fragments + product.d))
      return i;
  }
  return run.products.size();
}

}  // namespace
}  // namespace doppel::engine
