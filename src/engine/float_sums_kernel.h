// SPDX-License-Identifier: Apache-2.0
// C and D for float_product_kernel.h and exact_sums_kernel.h, from fragments and to them: columns of 16 rows.
// And where the columns of A are. For any WideLanes.
#pragma once

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/float_operands_kernel.h"

namespace doppel::engine {
namespace {

inline Floats power_of_two(int exponent) {
  return WideLanes::floats(WideLanes::splat32((exponent + 127) * kOne));
}

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

// Columns of C, each as `change` makes it of the vector and its number; and those of D.
template <typename Change>
void take_columns(const std::byte* c, Sums& sums, const Change& change) {
  for (int parity = 0; parity < 2; ++parity) {
    Four rows;
    for (int i = 0; i < 4; ++i) rows.at[i] = WideLanes::load(c + place_in_fragment(parity, i));
    const Four columns = transpose(rows);
    for (int i = 0; i < 4; ++i)
      WideLanes::store(sums.at[2 * i + parity], change(columns.at[i], 2 * i + parity));
  }
}

template <typename Change>
void put_columns(const Sums& sums, std::byte* d, const Change& change) {
  for (int parity = 0; parity < 2; ++parity) {
    Four columns;
    for (int i = 0; i < 4; ++i)
      columns.at[i] = change(WideLanes::load(sums.at[2 * i + parity]), 2 * i + parity);
    const Four rows = transpose(columns);
    for (int i = 0; i < 4; ++i) WideLanes::store(d + place_in_fragment(parity, i), rows.at[i]);
  }
}

inline bool take_floats(const std::byte* c, const Scaling& scaling, int smallest, Sums& sums) {
  Range32 range, unscaled;
  take_columns(c, sums, [&](Vector column, int number) {
    if (scaling.needed()) {
      unscaled.take(column);
      column = scaling.apply(column, number);
    }
    range.take(column);
    return column;
  });
  return range.within(smallest, kLargestSum) && unscaled.within(kSmallestScaled, kLargestSum);
}

inline void put_floats(const Sums& sums, const Scaling& scaling, std::byte* d) {
  put_columns(sums, d, [&](Vector column, int number) { return scaling.apply(column, number); });
}

// power: what they are divided by, as a power of two; D is multiplied with it.
inline bool take_halves(const std::byte* c, int power, Sums& sums) {
  const Four columns = columns_of_halves(load_four(c));
  const Floats from_half = power_of_two(-power);
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

inline void put_halves(const Sums& sums, int power, std::byte* d) {
  const Floats to_half = power_of_two(power);
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

// What `run` gives for the plan: with its terms of a sum, the run of B along k, half_sums and where the
// columns of A are as constants. False where there is no such plan.
template <typename Run>
bool with_constants(const FloatPlan& plan, const Run& run) {
  const auto with_columns = [&]<int terms, int length, bool half_sums>() {
    constexpr int kMost = length == 4 ? 8 : 16;  // of 256 bits a row
    if constexpr (terms <= kMost) {
      if (plan.k == kMost) return run.template operator()<terms, length, half_sums, InRegisters<kMost>>();
    }
    return run.template operator()<terms, length, half_sums, InMemory>();
  };
  if (plan.storage == FloatStorage::Tf32) {
    switch (plan.terms) {
      case 4:
        return with_columns.template operator()<4, 4, false>();
      case 8:
        return with_columns.template operator()<8, 4, false>();
      case 16:
        return with_columns.template operator()<16, 4, false>();
      default:
        return false;
    }
  }
  const auto with_sums = [&]<int terms>() {
    return plan.half_sums ? with_columns.template operator()<terms, 8, true>()
                          : with_columns.template operator()<terms, 8, false>();
  };
  switch (plan.terms) {
    case 8:
      return with_sums.template operator()<8>();
    case 16:
      return with_sums.template operator()<16>();
    case 32:
      return with_sums.template operator()<32>();
    case 64:
      return with_sums.template operator()<64>();
    default:
      return false;
  }
}

}  // namespace
}  // namespace doppel::engine
