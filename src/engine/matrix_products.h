// SPDX-License-Identifier: Apache-2.0
// The products that a thread's kernels make, each prepared once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/matrix_product.h"

namespace doppel::engine {

class MatrixProducts {
 public:
  // As generated code names it (jit::RuntimeCallbacks::multiply_matrices).
  const MatrixProduct& get(std::uint64_t form, std::uint32_t clamp, std::uint32_t bits,
                           std::uint32_t rounding, const MatrixRules& rules) {
    const std::uint64_t how = clamp | bits << 1 | rounding << 9;
    Entry& entry = entries_[(form ^ form >> 17 ^ form >> 34) % kEntries];
    if (entry.form != form || entry.how != how || entry.product.rules != rules) [[unlikely]]
      prepare(entry, form, how, rules);
    return entry.product;
  }

 private:
  static constexpr std::size_t kEntries = 16;
  struct Entry {
    std::uint64_t form = 0, how = 0;
    MatrixProduct product;
  };
  static void prepare(Entry& entry, std::uint64_t form, std::uint64_t how, const MatrixRules& rules);

  std::array<Entry, kEntries> entries_;
};

}  // namespace doppel::engine
