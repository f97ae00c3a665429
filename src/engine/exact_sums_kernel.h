// SPDX-License-Identifier: Apache-2.0
// The products of float_product.h where nothing is cut off: of whole numbers and others of few bits, to the
// bit what float_product_kernel.h computes, with one instruction a term. For any WideLanes.
//
// All products are multiples of 2^unit. Where the sum of their magnitudes is below 2^(unit + 24), floats add
// them up exactly, in any order. A card cuts its terms off so many bits behind the largest exponent among
// them: where that is never above `unit`, and C is a multiple of the last bit that is kept behind the
// products' exponents, it cuts nothing, and the one rounding of C and all products remains.
#pragma once

#include <algorithm>
#include <bit>
#include <optional>

#include "engine/float_sums_kernel.h"

namespace doppel::engine {
namespace {

// Of a float that is not negative; -127 of zero.
inline int exponent_of(float number) {
  return static_cast<int>(std::bit_cast<std::uint32_t>(number) >> 23) - 127;
}

inline float scalar_power_of_two(int exponent) { return std::bit_cast<float>((exponent + 127) * kOne); }

// What zeros have, times the largest number that is computed with.
constexpr int kLargestOfZero = -126 + kLargestElement;

// The lowest bit that is set in any of the numbers, or for powers of two the one below it.
inline FloatExtent extent_of(const float* numbers, int count) {
  Vector largest = WideLanes::splat32(0), lowest_less_one = WideLanes::splat32(-1);
  const Vector less_one = WideLanes::splat32(-1), magnitude_bits = WideLanes::splat32(0x7fffffff);
  for (int i = 0; i < count; i += kVector / 4) {
    const Vector magnitude = WideLanes::and_of(WideLanes::load(numbers + i), magnitude_bits);
    const Vector cleared = WideLanes::and_of(magnitude, WideLanes::add32(magnitude, less_one));
    const Floats bit = WideLanes::subtract(WideLanes::floats(magnitude), WideLanes::floats(cleared));
    largest = WideLanes::max32_unsigned(largest, magnitude);
    lowest_less_one =
        WideLanes::min32_unsigned(lowest_less_one, WideLanes::add32(WideLanes::bits(bit), less_one));
  }
  alignas(kVector) std::uint32_t of_largest[kVector / 4], of_lowest[kVector / 4];
  WideLanes::store(of_largest, largest);
  WideLanes::store(of_lowest, lowest_less_one);
  FloatExtent extent;
  extent.known = true;
  extent.largest = std::bit_cast<float>(*std::max_element(of_largest, of_largest + kVector / 4));
  const std::uint32_t lowest = *std::min_element(of_lowest, of_lowest + kVector / 4) + 1;
  extent.lowest = lowest == 0 ? 0 : exponent_of(std::bit_cast<float>(lowest));
  return extent;
}

// What C must be.
struct ExactRange {
  int grid;            // a multiple of 2^grid
  int bound;           // at most 2^bound
  int most_links = 1;  // products in a row that add to it: its exponent stays below the bound's next, and it
                       // a multiple, which cutting towards zero leaves it
};

constexpr int kMostLinks = 8;

inline std::optional<ExactRange> exact_range(const FloatPlan& plan, const FloatExtent& a,
                                             const FloatExtent& b) {
  // Of C nothing may be cut off behind its own exponent.
  if (plan.fraction_bits < 23) return std::nullopt;
  const bool halves = plan.storage == FloatStorage::Half || plan.storage == FloatStorage::Byte;
  const int least = halves ? -14 : -126;  // exponent, that of subnormals
  int largest =
      std::max(exponent_of(a.largest), least) + std::max(exponent_of(b.largest), least) + plan.power;
  if (!halves) largest = std::max(largest, kLargestOfZero);
  if (plan.half_sums) largest = std::max(largest, -14);  // a subnormal C
  int unit = a.lowest + b.lowest + plan.power;
  if (plan.half_sums) unit = std::min(unit, 0);
  if (largest - plan.fraction_bits > unit) return std::nullopt;
  // One bit of room for C that grows; of f16, which is rounded in between, two.
  const int bits = plan.half_sums ? 22 : std::min(plan.fraction_bits - 1, 24);
  const float most = static_cast<float>(plan.k) * a.largest * b.largest;
  if (most * 1.001f > scalar_power_of_two(unit - plan.power + bits)) return std::nullopt;
  if (plan.half_sums) return ExactRange{unit, unit + 23};
  const int grid = largest - plan.fraction_bits;
  // A small C divided by more than 1 might become zero.
  if (grid > 0) return std::nullopt;
  const float room = scalar_power_of_two(unit - plan.power + plan.fraction_bits);
  int links = 1;
  while (links < kMostLinks && static_cast<float>(links + 1) * most * 1.001f <= room) ++links;
  return ExactRange{grid, unit + plan.fraction_bits, links};
}

// Whether all numbers of C are in the range.
class ExactTest {
 public:
  explicit ExactTest(const ExactRange& range)
      : to_grid_(power_of_two(-range.grid)), bound_(WideLanes::splat32((range.bound + 127) * kOne)) {}
  void take(Floats numbers) {
    largest_ = WideLanes::max_magnitude(largest_, numbers);
    lost_ = WideLanes::or_of(lost_, WideLanes::beyond_whole(WideLanes::multiply(numbers, to_grid_)));
  }
  bool passed() const {
    return !WideLanes::any(
        WideLanes::or_of(lost_, WideLanes::xor_of(WideLanes::max32_unsigned(largest_, bound_), bound_)));
  }

 private:
  const Floats to_grid_;
  const Vector bound_;
  Vector largest_ = WideLanes::splat32(0), lost_ = WideLanes::splat32(0);
};

template <int terms, int run, bool half_sums, typename ColumnsOfA>
void add_exact_parts(const FloatPlan& plan, const Operands& of, Sums& sums) {
  const int length = ColumnsOfA::kLength != 0 ? ColumnsOfA::kLength : plan.k;
  const ColumnsOfA a(of);
  const bool scaled = plan.power != 0;
  const Floats zero = WideLanes::splat(0), power = power_of_two(plan.power);
  for (int number = 0; number < kColumns; number += kAtOnce) {
    Floats columns[kAtOnce];
    for (int j = 0; j < kAtOnce; ++j) columns[j] = WideLanes::floats(WideLanes::load(sums.at[number + j]));
    const float* const b = of.b->at + number * run;
    const auto add = [&](int part) __attribute__((always_inline)) {
      // From zero on, also of products that are -0: sums of zero are +0.
      Floats products[kAtOnce];
      for (int j = 0; j < kAtOnce; ++j) products[j] = zero;
      for (int i = 0; i < terms; ++i) {
        const int k = part * terms + i;
        for (int j = 0; j < kAtOnce; ++j) {
          products[j] = WideLanes::multiply_add(
              a.get(k), WideLanes::splat(b[j * run + k / run * kColumns * run + k % run]), products[j]);
        }
      }
      for (int j = 0; j < kAtOnce; ++j) {
        if (scaled) products[j] = WideLanes::multiply(products[j], power);
        columns[j] = half_sums ? WideLanes::rounded_to_half(WideLanes::add(columns[j], products[j]))
                               : WideLanes::add_towards_zero(columns[j], products[j]);
      }
    };
    if constexpr (ColumnsOfA::kLength != 0) {
      [&]<int... part>(std::integer_sequence<int, part...>) __attribute__((always_inline)) {
        (add(part), ...);
      }(std::make_integer_sequence<int, ColumnsOfA::kLength / terms>{});
    } else {
      for (int part = 0; part * terms < length; ++part) add(part);
    }
    for (int j = 0; j < kAtOnce; ++j) WideLanes::store(sums.at[number + j], WideLanes::bits(columns[j]));
  }
}

// False where C is none for this code: nothing has been written then.
inline bool add_exactly(const FloatPlan& plan, const Operands& of, const ExactRange& range,
                        const std::byte* c, std::byte* d) {
  ExactTest test(range);
  Sums sums;
  if (plan.half_sums) {
    take_halves(c, 0, sums);
    for (const auto& column : sums.at) test.take(WideLanes::floats(WideLanes::load(column)));
  } else {
    take_columns(c, sums, [&](Vector column, int /*number*/) {
      test.take(WideLanes::floats(column));
      return column;
    });
  }
  if (!test.passed()) return false;
  with_constants(plan, [&]<int terms, int run, bool half_sums, typename ColumnsOfA>() {
    add_exact_parts<terms, run, half_sums, ColumnsOfA>(plan, of, sums);
    return true;
  });
  if (plan.half_sums) {
    put_halves(sums, 0, d);
  } else {
    put_columns(sums, d, [](Vector column, int /*number*/) { return column; });
  }
  return true;
}

}  // namespace
}  // namespace doppel::engine
