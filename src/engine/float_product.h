// SPDX-License-Identifier: Apache-2.0
// Products of floats with vectors of the host, to the bit as matrix_product.h says. They take what programs
// multiply: numbers that are finite and, with 8 bits of exponent, neither very large nor very small. What
// else there is, they leave to code for all cases.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/matrix_fragments.h"
#include "engine/product_run.h"

namespace doppel::engine {

enum class FloatStorage : std::uint8_t { Half, Bfloat, Tf32, Byte };

// How elements of 8 bits become the same number of f16, but for a power of two: from the high byte of 16 bits
// so many to the left, with the sign so many to the right, then the bits of a mask.
struct ByteFormat {
  std::int8_t left = 0, right = 0;
  std::int16_t mask = 0;
  std::int16_t largest = 0x7bff;  // as f16: the largest number, behind which there is none
};

inline constexpr int kMostFloatTerms = 64;  // along k

struct FloatPlan {
  int k = 0;
  int row_bytes = 0;  // along k
  int terms = 0;      // along k that are one sum: 4, or a multiple of 8
  int fraction_bits = 0;
  FloatStorage storage = FloatStorage::Half;  // of A and B
  ByteFormat a, b;                            // of Byte
  int power = 0;           // products are 2^power times those of the numbers as they are multiplied
  bool half_sums = false;  // C and D of f16, else of f32
};

// Powers of two that rows of A and columns of B are multiplied with, one to the power of each.
struct FloatFactors {
  std::int16_t rows[kMostRows];
  std::int16_t columns[kColumns];
};

struct FloatMemo;  // float_memo.h

// Of dense matrices of 16 by 8; factors and memo may be null. D may lie where the others do. False where the
// product is one for other code: nothing has been written then.
using FloatProduct = bool (*)(const FloatPlan& plan, const std::byte* a, const std::byte* b,
                              const FloatFactors* factors, FloatMemo* memo, const std::byte* c, std::byte* d);
// The products from `begin` on, up to the first that is one for other code, if there is one: which that is.
using FloatProductRun = std::size_t (*)(const FloatPlan& plan, const ProductRun& run, std::size_t begin,
                                        FloatMemo& memo);

}  // namespace doppel::engine
