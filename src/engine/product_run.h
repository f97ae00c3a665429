// SPDX-License-Identifier: Apache-2.0
// Products of one form that are made by one call (jit/matrix_runs.h): what is made of their factors is made
// once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace doppel::engine {

// Places are in bytes, behind `fragments`. None of the products writes what one of them has as A or B; what
// they have as C or D lies in one place, or apart.
struct ProductRun {
  static constexpr std::size_t kMostFactors = 16;  // of either kind
  struct Product {
    std::uint32_t a, b;  // which of the factors
    std::uint32_t c, d;  // places
  };
  std::byte* fragments = nullptr;
  std::span<const std::uint32_t> a, b;
  std::span<const Product> products;

  // As generated code has it (jit::RuntimeCallbacks::multiply_run).
  static ProductRun read(std::byte* fragments, const std::uint32_t* words) {
    static_assert(sizeof(Product) == 4 * sizeof(std::uint32_t));
    const std::uint32_t of_a = words[0], of_b = words[1], count = words[2];
    const std::uint32_t* const places = words + 3;
    return {fragments,
            {places, of_a},
            {places + of_a, of_b},
            {reinterpret_cast<const Product*>(places + of_a + of_b), count}};
  }
};

}  // namespace doppel::engine
