// SPDX-License-Identifier: Apache-2.0
#include "engine/scaled_fp4_product.h"

#include <cstring>
#include <optional>

#include "engine/eight_lanes.h"

namespace doppel::engine {
namespace {

constexpr int kMostTerms = kMostKept / 16;
constexpr std::uint32_t kNan = 0x7fffffff;

// Twice the numbers of a row, along k.
void decode(const std::uint32_t* words, int k, std::int32_t* to) {
  constexpr std::int32_t kDoubled[] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};
  for (int word = 0; word < k / 8; ++word) {
    const std::uint32_t codes = words[word];
    for (int i = 0; i < 8; ++i) to[word * 8 + i] = kDoubled[codes >> i * 4 & 15];
  }
}

// Towards zero, of what is below 2^51.
[[gnu::always_inline]] inline Doubles truncated(Doubles values) {
  constexpr double kWhole = 0x1p52;  // above it there are whole numbers only
  const Longs sign = (Longs)values & std::numeric_limits<std::int64_t>::min();
  const auto magnitude = (Doubles)((Longs)values & std::numeric_limits<std::int64_t>::max());
  const Doubles nearest = (magnitude + kWhole) - kWhole;
  const Doubles less = nearest + __builtin_convertvector((Longs)(nearest > magnitude), Doubles);
  return (Doubles)((Longs)less | sign);
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

// Of the columns.
struct Factors {
  Ints significand[kMostScales], exponent[kMostScales];
};

Factors factors_of_columns(const MatrixScales& scales, int count) {
  Factors factors;
  for (int i = 0; i < count; ++i) {
    for (int column = 0; column < kColumns; ++column) {
      factors.significand[i][column] = scales.b[column][i].significand;
      factors.exponent[i][column] = scales.b[column][i].exponent;
    }
  }
  return factors;
}

// of_a: of the row, by k; of_b: by k.
[[gnu::always_inline]] inline Bits row_of_d(const ir::MatrixForm& form, int fraction_bits,
                                            const std::int32_t* of_a, const std::int32_t (*of_b)[kColumns],
                                            const std::uint8_t* kept, const Scale* by_a, const Factors& by_b,
                                            Bits c) {
  const int count = form.kept_k() / 16, of_scale = count / form.scales;  // terms
  Ints numbers[kMostTerms], exponents[kMostTerms];
  const Ints field = (Ints)(c >> 23u & 0xffu);
  Ints largest = where(field != 0, field - 127, Ints{} - 126);
  for (int i = 0; i < count; ++i) {
    // Products in quarters, times eighths twice.
    Ints sum{};
    for (int k = i * 16; k < i * 16 + 16; ++k) {
      Ints with;
      std::memcpy(&with, of_b[kept[k]], sizeof with);
      sum += of_a[k] * with;
    }
    const int scale = i / of_scale;
    numbers[i] = sum * by_a[scale].significand * by_b.significand[scale];
    exponents[i] = by_b.exponent[scale] + by_a[scale].exponent;
    largest = where(exponents[i] > largest, exponents[i], largest);
  }
  constexpr int kPoint = 8;
  // Of whole numbers, where there is no -0: what is cut off of a negative one may leave it.
  Doubles sum{};
  sum += truncated(scaled(__builtin_convertvector((Floats)c, Doubles), fraction_bits - largest));
  for (int i = 0; i < count; ++i) {
    sum += truncated(scaled(__builtin_convertvector(numbers[i], Doubles),
                            exponents[i] - largest + (fraction_bits - kPoint)));
  }
  return to_f32(scaled(sum, largest - fraction_bits));
}

[[gnu::always_inline]] inline void multiply(const ir::MatrixForm& form, int fraction_bits,
                                            const Words<std::uint32_t>& a, const Words<std::uint32_t>& b,
                                            const KeptColumns& kept, const MatrixScales& scales,
                                            Tile<std::uint32_t>& tile) {
  alignas(sizeof(Ints)) std::int32_t of_b[2 * kMostKept][kColumns];
  for (int column = 0; column < kColumns; ++column) {
    std::int32_t numbers[2 * kMostKept];
    decode(b.at[column], form.k, numbers);
    for (int k = 0; k < form.k; ++k) of_b[k][column] = numbers[k];
  }
  const Factors by_b = factors_of_columns(scales, form.scales);
  for (int row = 0; row < form.m; ++row) {
    std::int32_t of_a[kMostKept];
    decode(a.at[row], form.kept_k(), of_a);
    Bits c;
    std::memcpy(&c, tile.at[row], sizeof c);
    const Bits d = row_of_d(form, fraction_bits, of_a, of_b, kept.at[row], scales.a[row], by_b, c);
    std::memcpy(tile.at[row], &d, sizeof d);
    for (int column = 0; column < kColumns; ++column) {
      if (const auto special = special_sum(scales, form.scales, row, column, c[column]))
        tile.at[row][column] = *special;
    }
  }
}

using Multiply = void (*)(const ir::MatrixForm&, int, const Words<std::uint32_t>&,
                          const Words<std::uint32_t>&, const KeptColumns&, const MatrixScales&,
                          Tile<std::uint32_t>&);

void multiply_on_any_host(const ir::MatrixForm& form, int fraction_bits, const Words<std::uint32_t>& a,
                          const Words<std::uint32_t>& b, const KeptColumns& kept, const MatrixScales& scales,
                          Tile<std::uint32_t>& tile) {
  multiply(form, fraction_bits, a, b, kept, scales, tile);
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] void multiply_with_avx2(const ir::MatrixForm& form, int fraction_bits,
                                                const Words<std::uint32_t>& a, const Words<std::uint32_t>& b,
                                                const KeptColumns& kept, const MatrixScales& scales,
                                                Tile<std::uint32_t>& tile) {
  multiply(form, fraction_bits, a, b, kept, scales, tile);
}
[[gnu::target("avx512f,avx512bw,avx512dq,avx512vl")]] void multiply_with_avx512(
    const ir::MatrixForm& form, int fraction_bits, const Words<std::uint32_t>& a,
    const Words<std::uint32_t>& b, const KeptColumns& kept, const MatrixScales& scales,
    Tile<std::uint32_t>& tile) {
  multiply(form, fraction_bits, a, b, kept, scales, tile);
}
#endif

Multiply chosen_for_host() {
#if defined(__x86_64__)
  // All that converts doubles to whole numbers of as many bits.
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return multiply_with_avx512;
  if (__builtin_cpu_supports("avx2")) return multiply_with_avx2;
#endif
  return multiply_on_any_host;
}

}  // namespace

void multiply_scaled_fp4(const ir::MatrixForm& form, int fraction_bits, const Words<std::uint32_t>& a,
                         const Words<std::uint32_t>& b, const KeptColumns& kept, const MatrixScales& scales,
                         const std::byte* c_fragment, std::byte* d_fragment) {
  static const Multiply multiply_here = chosen_for_host();
  Tile<std::uint32_t> tile;
  take_c(c_fragment, form.m, tile);
  multiply_here(form, fraction_bits, a, b, kept, scales, tile);
  put_d(tile, form.m, d_fragment);
}

}  // namespace doppel::engine
