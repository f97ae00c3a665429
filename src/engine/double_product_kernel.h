// SPDX-License-Identifier: Apache-2.0
// The products of double_product.h with AVX2 and FMA, in the order that fragments have: a vector of C or D
// has every other column of a row. Included with that target.
#pragma once

#include <immintrin.h>

#include <cstring>

#include "engine/matrix_fragments.h"

namespace doppel::engine {
namespace {

constexpr int kMostDoubles = 16;               // along k
constexpr int kDoubleRegister = kLanes * 8;    // bytes
constexpr int kDoublesInRow = 4;               // of a register
constexpr int kDoubleRow = kDoublesInRow * 8;  // bytes
constexpr int kRowsInRegister = kLanes / kDoublesInRow;
constexpr int kRowsAtOnce = 4;

inline __m256d load_doubles(const std::byte* from) {
  return _mm256_loadu_pd(reinterpret_cast<const double*>(from));
}

// By k, of the columns of a parity.
struct DoublesOfB {
  __m256d at[kMostDoubles][2];
};

inline void take_doubles(int k, const std::byte* b, DoublesOfB& to) {
  for (int first = 0; first < k; first += kDoublesInRow) {
    const std::byte* const from = b + first / kDoublesInRow * kDoubleRegister;
    for (int parity = 0; parity < 2; ++parity) {
      __m256d columns[4];
      for (int i = 0; i < 4; ++i) columns[i] = load_doubles(from + (2 * i + parity) * kDoubleRow);
      const __m256d even_01 = _mm256_unpacklo_pd(columns[0], columns[1]);
      const __m256d odd_01 = _mm256_unpackhi_pd(columns[0], columns[1]);
      const __m256d even_23 = _mm256_unpacklo_pd(columns[2], columns[3]);
      const __m256d odd_23 = _mm256_unpackhi_pd(columns[2], columns[3]);
      to.at[first][parity] = _mm256_permute2f128_pd(even_01, even_23, 0x20);
      to.at[first + 1][parity] = _mm256_permute2f128_pd(odd_01, odd_23, 0x20);
      to.at[first + 2][parity] = _mm256_permute2f128_pd(even_01, even_23, 0x31);
      to.at[first + 3][parity] = _mm256_permute2f128_pd(odd_01, odd_23, 0x31);
    }
  }
}

// d: apart from A, and C or apart from it.
inline void multiply_doubles(int rows, int k, const std::byte* a, const DoublesOfB& of_b, const std::byte* c,
                             std::byte* d) {
  const int halves = rows / kRowsInRegister;
  for (int row = 0; row < rows; row += kRowsAtOnce) {
    const int half = row / kRowsInRegister, in_register = row % kRowsInRegister * kDoubleRow;
    const int place = 2 * half * kDoubleRegister + in_register;
    const std::byte* const of_a = a + half * kDoubleRegister + in_register;
    __m256d sums[kRowsAtOnce][2];
    for (int i = 0; i < kRowsAtOnce; ++i) {
      for (int parity = 0; parity < 2; ++parity)
        sums[i][parity] = load_doubles(c + place + parity * kDoubleRegister + i * kDoubleRow);
    }
    for (int first = 0; first < k; first += kDoublesInRow) {
      const std::byte* const from = of_a + first / kDoublesInRow * halves * kDoubleRegister;
      for (int i = 0; i < kDoublesInRow; ++i) {
        const __m256d even = of_b.at[first + i][0], odd = of_b.at[first + i][1];
        for (int j = 0; j < kRowsAtOnce; ++j) {
          const __m256d factor =
              _mm256_broadcast_sd(reinterpret_cast<const double*>(from + j * kDoubleRow + i * 8));
          sums[j][0] = _mm256_fmadd_pd(factor, even, sums[j][0]);
          sums[j][1] = _mm256_fmadd_pd(factor, odd, sums[j][1]);
        }
      }
    }
    for (int i = 0; i < kRowsAtOnce; ++i) {
      for (int parity = 0; parity < 2; ++parity)
        _mm256_storeu_pd(reinterpret_cast<double*>(d + place + parity * kDoubleRegister + i * kDoubleRow),
                         sums[i][parity]);
    }
  }
}

inline void multiply_doubles_in_vectors(int rows, int k, const std::byte* a, const std::byte* b,
                                        const std::byte* c, std::byte* d) {
  DoublesOfB of_b;
  take_doubles(k, b, of_b);
  // D may lie anywhere.
  alignas(32) std::byte made[4 * kDoubleRegister];
  multiply_doubles(rows, k, a, of_b, c, made);
  std::memcpy(d, made, static_cast<std::size_t>(2 * rows / kRowsInRegister * kDoubleRegister));
}

inline void multiply_double_run(int rows, int k, const ProductRun& run) {
  DoublesOfB b[ProductRun::kMostFactors];
  for (std::size_t i = 0; i < run.b.size(); ++i) take_doubles(k, run.fragments + run.b[i], b[i]);
  for (const ProductRun::Product& one : run.products) {
    multiply_doubles(rows, k, run.fragments + run.a[one.a], b[one.b], run.fragments + one.c,
                     run.fragments + one.d);
  }
}

}  // namespace
}  // namespace doppel::engine
