// SPDX-License-Identifier: Apache-2.0
// How a card sums the products of matrices (engine/matrix_product.h).
#pragma once

namespace doppel::engine {

struct MatrixRules {
  int fraction_bits = 24;      // that are kept behind the largest exponent
  int bits_of_sum = 128;       // of what is there of a row of A that are one sum, to which the next is added
  int fp4_fraction_bits = 35;  // kept of fp4 in scaled blocks
  bool operator==(const MatrixRules&) const = default;
};

}  // namespace doppel::engine
