// SPDX-License-Identifier: Apache-2.0
// The products that a thread's kernels make, each prepared once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/float_memo.h"
#include "engine/matrix_product.h"

namespace doppel::engine {

class MatrixProducts {
 public:
  // As generated code names it (jit::RuntimeCallbacks::multiply_matrices).
  const MatrixProduct& get(std::uint64_t form, std::uint32_t how, const MatrixRules& rules) {
    Entry& entry = entries_[(form ^ form >> 17 ^ form >> 34) % kEntries];
    if (entry.form != form || entry.how != how || entry.product.rules != rules) [[unlikely]]
      prepare(entry, form, how, rules);
    return entry.product;
  }

  FloatMemo& memo() { return memo_; }

 private:
  static constexpr std::size_t kEntries = 16;
  struct Entry {
    std::uint64_t form = 0;
    std::uint32_t how = 0;
    MatrixProduct product;
  };
  static void prepare(Entry& entry, std::uint64_t form, std::uint32_t how, const MatrixRules& rules);

  std::array<Entry, kEntries> entries_;
  FloatMemo memo_;
};

}  // namespace doppel::engine
