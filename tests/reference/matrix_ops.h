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
};

Fragment multiply(const ir::MatrixForm& form, bool clamp, ir::AtomicOp bits, const MatrixSums& sums,
                  const Fragment& a, const Fragment& b, const Fragment& c);

}  // namespace doppel::reference
