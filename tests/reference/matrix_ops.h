// SPDX-License-Identifier: Apache-2.0
// mma (PTX ISA 9.7.14.5), an element of D at a time, written from the ISA's formulas of which thread holds
// what, and for floats from the published description of the cards' sums (arXiv:2511.10909).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "ir/attributes.h"

namespace doppel::reference {

// By register, then by lane.
using Fragment = std::vector<std::array<std::uint64_t, 32>>;

struct MatrixSums {
  int fraction_bits = 24;  // Ampere's
  int bits_of_sum = 128;
  int fp4_fraction_bits = 35;  // RTX Blackwell's
};

// What is read behind A, B and C (9.7.14.3, 9.7.14.6), by lane; what must be the same in all lanes, once.
struct MatrixSelectors {
  std::array<std::uint64_t, 32> metadata{};
  std::uint64_t selector = 0;
  struct Scales {
    std::array<std::uint64_t, 32> data{};
    std::uint64_t byte = 0, thread = 0;
  };
  Scales a, b;
};

// product: its matrix, satfinite, atomic_op (of b1) and rounding (of f64).
Fragment multiply(const ir::Attributes& product, const MatrixSums& sums, const Fragment& a, const Fragment& b,
                  const Fragment& c, const MatrixSelectors& selectors = {});

}  // namespace doppel::reference
