// SPDX-License-Identifier: Apache-2.0
// Runs of the products of double_product.h with AVX-512: a vector has two rows, of every other column each.
// Included with that target.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <span>

#include "engine/double_product_kernel.h"

namespace doppel::engine {
namespace {

constexpr int kRowPairs = kRowsInRegister / 2;
constexpr int kPairBytes = 2 * kDoubleRow;

// A's rows for all columns: by half, k and pair of rows, what the columns of each row are multiplied with.
// Larger ones are prepared for each product.
constexpr int kMostVectorsOfA = kMostRows / 2 * kMostDoubles;
constexpr int kVectorsKept = 32;  // of each A of a run

template <int term>
void spread_term(const __m512d* pairs, __m512d* to) {
  for (int pair = 0; pair < kRowPairs; ++pair) to[pair] = _mm512_permutex_pd(pairs[pair], term * 0x55);
}

inline void spread_rows(int rows, int k, const std::byte* a, __m512d* to) {
  const int halves = rows / kRowsInRegister;
  for (int half = 0; half < halves; ++half) {
    const std::byte* from = a + half * kDoubleRegister;
    for (int first = 0; first < k; first += kDoublesInRow) {
      __m512d pairs[kRowPairs];
      for (int pair = 0; pair < kRowPairs; ++pair) pairs[pair] = _mm512_loadu_pd(from + pair * kPairBytes);
      spread_term<0>(pairs, to);
      spread_term<1>(pairs, to + kRowPairs);
      spread_term<2>(pairs, to + 2 * kRowPairs);
      spread_term<3>(pairs, to + 3 * kRowPairs);
      to += kDoublesInRow * kRowPairs;
      from += halves * kDoubleRegister;
    }
  }
}

// Of eight rows of C or D, whose registers begin there.
struct SumsOfRows {
  __m512d at[kRowPairs][2];

  [[gnu::always_inline]] void take(const std::byte* c) {
    for (int pair = 0; pair < kRowPairs; ++pair) {
      for (int parity = 0; parity < 2; ++parity)
        at[pair][parity] = _mm512_loadu_pd(c + parity * kDoubleRegister + pair * kPairBytes);
    }
  }
  [[gnu::always_inline]] void add(const __m512d* a, __m512d even, __m512d odd) {
    for (int pair = 0; pair < kRowPairs; ++pair) {
      at[pair][0] = _mm512_fmadd_pd(a[pair], even, at[pair][0]);
      at[pair][1] = _mm512_fmadd_pd(a[pair], odd, at[pair][1]);
    }
  }
  [[gnu::always_inline]] void put(std::byte* d) const {
    for (int pair = 0; pair < kRowPairs; ++pair) {
      for (int parity = 0; parity < 2; ++parity)
        _mm512_storeu_pd(d + parity * kDoubleRegister + pair * kPairBytes, at[pair][parity]);
    }
  }
};

// Products that follow each other and add to one place.
using Links = std::span<const ProductRun::Product>;

// Of `at_once` such, each of which has the same A as the others. a: where each A is prepared.
template <int at_once, typename PreparedA>
void multiply_linked(int rows, int k, const ProductRun& run, const Links* links, const DoublesOfB* b,
                     const PreparedA& a) {
  for (int half = 0; half < rows / kRowsInRegister; ++half) {
    const int place = 2 * half * kDoubleRegister;
    SumsOfRows sums[at_once];
    for (int i = 0; i < at_once; ++i) sums[i].take(run.fragments + links[i].front().c + place);
    for (std::size_t link = 0; link < links[0].size(); ++link) {
      const __m512d* const of_a = a(links[0][link].a) + half * k * kRowPairs;
      for (int first = 0; first < k; first += kDoublesInRow) {
        for (int term = first; term < first + kDoublesInRow; ++term) {
          for (int i = 0; i < at_once; ++i) {
            const auto& of_b = b[links[i][link].b].at[term];
            sums[i].add(of_a + term * kRowPairs, _mm512_broadcast_f64x4(of_b[0]),
                        _mm512_broadcast_f64x4(of_b[1]));
          }
        }
      }
    }
    for (int i = 0; i < at_once; ++i) sums[i].put(run.fragments + links[i].back().d + place);
  }
}

inline Links links_from(const ProductRun& run, std::size_t begin) {
  const ProductRun::Product& first = run.products[begin];
  const auto adds = [&](const ProductRun::Product& one) { return one.c == first.d && one.d == first.d; };
  std::size_t end = begin + 1;
  while (end < run.products.size() && adds(run.products[end])) ++end;
  return run.products.subspan(begin, end - begin);
}

// Whether they have the same A, and none adds to what another has made.
inline bool go_together(const Links& one, const Links& other) {
  if (one.size() != other.size() || one.back().d == other.front().c || one.back().d == other.back().d)
    return false;
  for (std::size_t i = 0; i < one.size(); ++i) {
    if (one[i].a != other[i].a) return false;
  }
  return true;
}

inline void multiply_double_run_wide(int rows, int k, const ProductRun& run) {
  DoublesOfB b[ProductRun::kMostFactors];
  for (std::size_t i = 0; i < run.b.size(); ++i) take_doubles(k, run.fragments + run.b[i], b[i]);
  const int vectors = rows / 2 * k;
  if (vectors > kVectorsKept) {
    alignas(64) __m512d a[kMostVectorsOfA];
    for (const ProductRun::Product& one : run.products) {
      spread_rows(rows, k, run.fragments + run.a[one.a], a);
      const Links alone(&one, 1);
      multiply_linked<1>(rows, k, run, &alone, b, [&](std::uint32_t) { return &a[0]; });
    }
    return;
  }
  alignas(64) __m512d a[ProductRun::kMostFactors * kVectorsKept];
  const auto of_a = [&](std::uint32_t i) { return a + i * static_cast<std::uint32_t>(vectors); };
  for (std::uint32_t i = 0; i < run.a.size(); ++i) spread_rows(rows, k, run.fragments + run.a[i], of_a(i));
  for (std::size_t begin = 0; begin < run.products.size();) {
    Links links[2] = {links_from(run, begin), {}};
    begin += links[0].size();
    if (begin < run.products.size()) links[1] = links_from(run, begin);
    if (begin < run.products.size() && go_together(links[0], links[1])) {
      multiply_linked<2>(rows, k, run, links, b, of_a);
      begin += links[1].size();
    } else {
      multiply_linked<1>(rows, k, run, links, b, of_a);
    }
  }
}

}  // namespace
}  // namespace doppel::engine
