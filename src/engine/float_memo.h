// SPDX-License-Identifier: Apache-2.0
// What the A of products of floats become, kept from one product to the next.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/float_product.h"
#include "engine/matrix_fragments.h"

namespace doppel::engine {

// An A as it is multiplied: columns of 16 rows, and the exponents of the elements, as float_product_kernel.h
// has them.
struct FloatColumns {
  alignas(64) float at[kMostFloatTerms][kMostRows];
  // By four along k.
  alignas(64) std::int8_t exponents[kMostFloatTerms / 4][4 * kMostRows];
  bool in_range = false;
};

// The last few A of 256 bits a row, found again by their bits: a kernel multiplies each with many B.
struct FloatMemo {
  static constexpr int kEntries = 8;
  static constexpr int kBytes = kMostRows * 32;
  struct Entry {
    alignas(64) std::byte fragment[kBytes]{};
    FloatStorage storage = FloatStorage::Half;
    std::int16_t mask = 0;  // of ByteFormat
    bool known = false;
    FloatColumns columns;
  };
  std::uint64_t keys[kEntries]{};  // of some of the bits
  unsigned next = 0;               // to be given away
  Entry entries[kEntries];
};

}  // namespace doppel::engine
