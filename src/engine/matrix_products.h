// SPDX-License-Identifier: Apache-2.0
// The products that a thread's kernels make, each prepared once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/matrix_product.h"

namespace doppel::engine {

class MatrixProducts {
 public:
  MatrixProducts();
  ~MatrixProducts();
  MatrixProducts(const MatrixProducts&) = delete;
  MatrixProducts& operator=(const MatrixProducts&) = delete;

  // As generated code names it (jit::RuntimeCallbacks::multiply_matrices).
  const MatrixProduct& get(std::uint64_t form, std::uint32_t how, const MatrixRules& rules) {
    Entry& entry = entries_[(form ^ form >> 17 ^ form >> 34) % kEntries];
    if (entry.form != form || entry.how != how || entry.product.rules != rules) [[unlikely]]
      prepare(entry, form, how, rules);
    return entry.product;
  }

  FloatMemo& memo() {
    if (memo_ == nullptr) [[unlikely]]
      make_memo();
    return *memo_;
  }

 private:
  static constexpr std::size_t kEntries = 16;
  struct Entry {
    std::uint64_t form = 0;
    std::uint32_t how = 0;
    MatrixProduct product;
  };
  static void prepare(Entry& entry, std::uint64_t form, std::uint32_t how, const MatrixRules& rules);

  void make_memo();

  std::array<Entry, kEntries> entries_;
  std::unique_ptr<FloatMemo> memo_;
};

}  // namespace doppel::engine
