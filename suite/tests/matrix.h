// SPDX-License-Identifier: Apache-2.0
// Square matrices in single precision for the products' tests: small whole numbers, so that every sum is
// exact.
#pragma once

#include <cstddef>
#include <vector>

namespace doppel::suite {

// Values -4 … 4 in a pattern that differs by row and column and by seed; sums of n <= 2^18 products stay
// below 2^24.
inline std::vector<float> small_matrix(int n, unsigned seed) {
  std::vector<float> values(static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
  unsigned state = seed;
  for (float& value : values) {
    state = state * 1664525U + 1013904223U;
    value = static_cast<float>(static_cast<int>(state >> 16U) % 9 - 4);
  }
  return values;
}

// Element (row, column) of A * B, computed exactly.
inline float product_element(const std::vector<float>& a, const std::vector<float>& b, int n, int row,
                             int column) {
  double sum = 0;
  for (int k = 0; k < n; ++k) {
    sum +=
        static_cast<double>(
            a[static_cast<std::size_t>(row) * static_cast<std::size_t>(n) + static_cast<std::size_t>(k)]) *
        static_cast<double>(
            b[static_cast<std::size_t>(k) * static_cast<std::size_t>(n) + static_cast<std::size_t>(column)]);
  }
  return static_cast<float>(sum);
}

}  // namespace doppel::suite
