// SPDX-License-Identifier: Apache-2.0
// Runs of the products of double_product.h with AVX-512: a vector has two rows, of every other column each.
// Included with that target.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <limits>

#include "engine/double_product_kernel.h"

namespace doppel::engine {
namespace {

constexpr int kRowPairs = kRowsInRegister / 2;
constexpr int kPairBytes = 2 * kDoubleRow;

// Of eight rows, by k and pair of rows: what the columns of each row are multiplied with.
struct RowsOfA {
  __m512d at[kMostDoubles][kRowPairs];
};

template <int term>
void spread_term(const __m512d* pairs, __m512d* to) {
  for (int pair = 0; pair < kRowPairs; ++pair) to[pair] = _mm512_permutex_pd(pairs[pair], term * 0x55);
}

// from: the first register of these rows, behind which are those of the other half.
inline void spread_rows(int k, const std::byte* from, int halves, RowsOfA& to) {
  for (int first = 0; first < k; first += kDoublesInRow) {
    __m512d pairs[kRowPairs];
    for (int pair = 0; pair < kRowPairs; ++pair) pairs[pair] = _mm512_loadu_pd(from + pair * kPairBytes);
    spread_term<0>(pairs, to.at[first]);
    spread_term<1>(pairs, to.at[first + 1]);
    spread_term<2>(pairs, to.at[first + 2]);
    spread_term<3>(pairs, to.at[first + 3]);
    from += halves * kDoubleRegister;
  }
}

// c, d: the first of the two registers of these rows.
inline void multiply_rows(int k, const RowsOfA& a, const DoublesOfB& b, const std::byte* c, std::byte* d) {
  __m512d sums[kRowPairs][2];
  for (int pair = 0; pair < kRowPairs; ++pair) {
    for (int parity = 0; parity < 2; ++parity)
      sums[pair][parity] = _mm512_loadu_pd(c + parity * kDoubleRegister + pair * kPairBytes);
  }
  for (int i = 0; i < k; ++i) {
    const __m512d even = _mm512_broadcast_f64x4(b.at[i][0]), odd = _mm512_broadcast_f64x4(b.at[i][1]);
    for (int pair = 0; pair < kRowPairs; ++pair) {
      sums[pair][0] = _mm512_fmadd_pd(a.at[i][pair], even, sums[pair][0]);
      sums[pair][1] = _mm512_fmadd_pd(a.at[i][pair], odd, sums[pair][1]);
    }
  }
  for (int pair = 0; pair < kRowPairs; ++pair) {
    for (int parity = 0; parity < 2; ++parity)
      _mm512_storeu_pd(d + parity * kDoubleRegister + pair * kPairBytes, sums[pair][parity]);
  }
}

// Those of one A mostly follow each other.
inline void multiply_double_run_wide(int rows, int k, const ProductRun& run) {
  DoublesOfB b[ProductRun::kMostFactors];
  for (std::size_t i = 0; i < run.b.size(); ++i) take_doubles(k, run.fragments + run.b[i], b[i]);
  const int halves = rows / kRowsInRegister;
  RowsOfA a[kMostRows / kRowsInRegister];
  std::uint32_t spread = std::numeric_limits<std::uint32_t>::max();  // which A that is
  for (const ProductRun::Product& one : run.products) {
    for (int half = 0; half < halves; ++half) {
      if (one.a != spread)
        spread_rows(k, run.fragments + run.a[one.a] + half * kDoubleRegister, halves, a[half]);
      const int place = 2 * half * kDoubleRegister;
      multiply_rows(k, a[half], b[one.b], run.fragments + one.c + place, run.fragments + one.d + place);
    }
    spread = one.a;
  }
}

}  // namespace
}  // namespace doppel::engine
