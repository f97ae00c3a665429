// SPDX-License-Identifier: Apache-2.0
#include "engine/scaled_fp4_product.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <optional>

namespace doppel::engine {
namespace {

constexpr int kMostTerms = kMostKept / 16;
constexpr std::uint32_t kNan = 0x7fffffff;

// Twice the number.
std::int32_t doubled(std::uint32_t code) {
  constexpr std::int32_t kMagnitudes[] = {0, 1, 2, 3, 4, 6, 8, 12};
  return (code & 8) != 0 ? -kMagnitudes[code & 7] : kMagnitudes[code & 7];
}
std::int32_t element(const std::uint32_t* words, int k) { return doubled(words[k / 8] >> k % 8 * 4 & 15); }

// number * 2^(exponent - point)
struct Term {
  std::int64_t number = 0;
  int exponent = 0;
  int point = 0;
};

Term of_float(std::uint32_t bits) {
  const std::uint32_t fraction = bits & 0x7fffff, field = bits >> 23 & 0xff;
  const auto magnitude = static_cast<std::int64_t>(field != 0 ? fraction | 0x800000 : fraction);
  const int exponent = field != 0 ? static_cast<int>(field) - 127 : -126;
  return {bits >> 31 != 0 ? -magnitude : magnitude, exponent, 23};
}

// In units of 2^(largest - fraction bits), what is below cut off.
std::int64_t aligned(const Term& term, int largest, int fraction_bits) {
  const int by = fraction_bits - term.point + term.exponent - largest;
  if (by >= 0) return term.number << by;
  const std::int64_t magnitude = by > -64 ? std::abs(term.number) >> -by : 0;
  return term.number < 0 ? -magnitude : magnitude;
}

std::uint32_t towards_zero(double value) {
  const auto nearest = static_cast<float>(value);
  const auto bits = std::bit_cast<std::uint32_t>(nearest);
  const bool above = std::fabs(static_cast<double>(nearest)) > std::fabs(value) && std::fabs(value) < 0x1p128;
  return above ? bits - 1 : bits;
}

std::uint32_t sum_of(const Term* terms, int count, int fraction_bits) {
  const int largest = std::max_element(terms, terms + count, [](const Term& one, const Term& other) {
                        return one.exponent < other.exponent;
                      })->exponent;
  std::int64_t sum = 0;
  for (int i = 0; i < count; ++i) sum += aligned(terms[i], largest, fraction_bits);
  return towards_zero(std::ldexp(static_cast<double>(sum), largest - fraction_bits));
}

// A sum with factors or a C that are no number, or with an infinite C; else nothing.
std::optional<std::uint32_t> special_sum(const MatrixScales& scales, int count, int row, int column,
                                         std::uint32_t c) {
  for (int i = 0; i < count; ++i) {
    if (scales.a[row][i].is_nan || scales.b[column][i].is_nan) return kNan;
  }
  if ((c & 0x7f800000) != 0x7f800000) return std::nullopt;
  return (c & 0x7fffff) != 0 ? kNan : c;
}

// Sums of sixteen products, in quarters.
struct RowSums {
  std::int32_t at[kMostTerms][kColumns];
};

// of_b: by k.
RowSums sums_of_row(const std::uint32_t* a, int length, const std::int32_t (*of_b)[kColumns],
                    const std::uint8_t* kept) {
  RowSums sums{};
  for (int k = 0; k < length; ++k) {
    const std::int32_t of_a = element(a, k);
    const std::int32_t* const with = of_b[kept[k]];
    for (int column = 0; column < kColumns; ++column) sums.at[k / 16][column] += of_a * with[column];
  }
  return sums;
}

}  // namespace

void multiply_scaled_fp4(const ir::MatrixForm& form, int fraction_bits, const Words<std::uint32_t>& a,
                         const Words<std::uint32_t>& b, const KeptColumns& kept, const MatrixScales& scales,
                         const std::byte* c_fragment, std::byte* d_fragment) {
  std::int32_t of_b[2 * kMostKept][kColumns];
  for (int column = 0; column < kColumns; ++column) {
    for (int k = 0; k < form.k; ++k) of_b[k][column] = element(b.at[column], k);
  }
  Tile<std::uint32_t> tile;
  take_c(c_fragment, form.m, tile);
  const int count = form.kept_k() / 16, of_scale = count / form.scales;  // terms
  for (int row = 0; row < form.m; ++row) {
    const RowSums sums = sums_of_row(a.at[row], form.kept_k(), of_b, kept.at[row]);
    for (int column = 0; column < kColumns; ++column) {
      std::uint32_t& c = tile.at[row][column];
      if (const auto special = special_sum(scales, form.scales, row, column, c)) {
        c = *special;
        continue;
      }
      Term terms[kMostTerms + 1];
      for (int i = 0; i < count; ++i) {
        const Scale &by_a = scales.a[row][i / of_scale], &by_b = scales.b[column][i / of_scale];
        // Quarters, times eighths twice.
        terms[i] = {std::int64_t{sums.at[i][column]} * by_a.significand * by_b.significand,
                    by_a.exponent + by_b.exponent, 8};
      }
      terms[count] = of_float(c);
      c = sum_of(terms, count + 1, fraction_bits);
    }
  }
  put_d(tile, form.m, d_fragment);
}

}  // namespace doppel::engine
