// SPDX-License-Identifier: Apache-2.0
// What A and B of products of floats become, kept from one product to the next.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/float_product.h"
#include "engine/matrix_fragments.h"

namespace doppel::engine {

// Of all numbers of a matrix: they are multiples of 2^lowest, and none is larger than `largest`.
struct FloatExtent {
  bool known = false;
  int lowest = 0;
  float largest = 0;
};

// An A as it is multiplied: columns of 16 rows, and the exponents of the elements, as float_product_kernel.h
// has them; and its numbers as bytes, as byte_sums_kernel.h has them.
struct FloatColumns {
  alignas(64) float at[kMostFloatTerms][kMostRows];
  // By four along k.
  alignas(64) std::int8_t exponents[kMostFloatTerms / 4][4 * kMostRows];
  bool in_range = false, has_bytes = false;
  FloatExtent extent;
  // By four along k, then by four rows.
  alignas(64) std::uint8_t bytes[kMostFloatTerms / 4][kMostRows / 4][64];
};

// The same of a B: its numbers by run along k, column, place in the run; the exponents by half of the
// columns, then along k.
struct FloatRuns {
  alignas(64) float at[kMostFloatTerms * kColumns];
  alignas(64) std::int8_t exponents[2][kMostFloatTerms][kColumns / 2];
  bool in_range = false, has_bytes = false;
  FloatExtent extent;
  // By eight along k; of these by parity of the column, four along k, column. And what sums begin with.
  alignas(64) std::int8_t bytes[kMostFloatTerms / 8][64];
  alignas(64) std::int32_t starts[kMostFloatTerms / 8][4][kColumns / 2];
};

// The last matrices of a kind, found again by their bits: those of a block's warps, which multiply the same
// ones one after the other.
template <typename Decoded, int most_bytes, unsigned entries_kept>
struct FloatEntries {
  static constexpr unsigned kEntries = entries_kept;
  static_assert(kEntries > ProductRun::kMostFactors && kEntries <= 256);
  struct Entry {
    alignas(64) std::byte fragment[most_bytes]{};
    std::uint64_t kind = 0;     // what else it hangs on; 0: empty
    std::uint64_t used_in = 0;  // the last run of products
    Decoded decoded;
  };
  static constexpr unsigned kPlaceBits = 10;
  std::uint8_t places[1u << kPlaceBits]{};  // by some of the bits, hashed
  unsigned next = 0;                        // to be given away
  Entry entries[kEntries];

  std::uint64_t run = 0;  // counts

  // From here on, nothing is given away that is found or made, up to the next run.
  void begin_run() { ++run; }
  unsigned give_away() {
    while (entries[next].used_in == run) next = (next + 1) % kEntries;
    const unsigned place = next;
    next = (next + 1) % kEntries;
    return place;
  }
};

// When exact sums (exact_sums_kernel.h) are tried: where they were not possible, not again for a while. This
// decides by which code a result comes about, and never what it is.
class ExactTries {
 public:
  bool due() {
    if (skip_ == 0) return true;
    --skip_;
    return false;
  }
  bool open() const { return skip_ == 0; }  // due() does not count then
  void note_possible(std::uint64_t products) {
    possible_ += products;
    pause_ = 0;
  }
  void note(bool possible) {
    possible_ += possible ? 1 : 0;
    pause_ = possible ? 0 : pause_ < kLongest ? 2 * pause_ + 1 : pause_;
    skip_ = pause_;
  }
  std::uint64_t possible() const { return possible_; }  // how often they were

 private:
  static constexpr std::uint32_t kLongest = 127;
  std::uint64_t possible_ = 0;
  std::uint32_t pause_ = 0, skip_ = 0;
};

// Of a thread: a kernel multiplies each A with many B, and each B with some A.
struct FloatMemo {
  // A block's step along k has some dozens of A, which few of its warps share, and of B 128, which many do.
  FloatEntries<FloatColumns, kMostRows * 64, 40> a;
  FloatEntries<FloatRuns, kColumns * 64, 160> b;
  ExactTries tries[4][2];  // by FloatStorage and half_sums

  void forget_tries() {
    for (auto& of_storage : tries) of_storage[0] = of_storage[1] = {};
  }
  std::uint64_t exact_sums() const {  // products that were summed so, since
    std::uint64_t all = 0;
    for (const auto& of_storage : tries) all += of_storage[0].possible() + of_storage[1].possible();
    return all;
  }
};

}  // namespace doppel::engine
