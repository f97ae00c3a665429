// SPDX-License-Identifier: Apache-2.0
// Products of matrices that a warp holds in registers (PTX ISA 9.7.14.5), as the cards compute them.
//
// Whole numbers and .f64 are exact, or rounded once an addition, as the ISA says. For the other floats it
// leaves precision and order to the card. Theirs is published, and was checked bit for bit against Ampere and
// RTX Blackwell (Xie et al., "MMA-Sim: Bit-Accurate Reference Model of Tensor Cores and Matrix Cores",
// arXiv:2511.10909): products are exact, all terms with that of C are cut off so many bits behind the largest
// exponent among them, summed exactly, and rounded once: to .f32 towards zero, to .f16 to nearest.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ir/attributes.h"

namespace doppel::engine {

// How a card sums.
struct MatrixRules {
  int fraction_bits = 24;      // that are kept behind the largest exponent
  int bits_of_sum = 128;       // of what is there of a row of A that are one sum, to which the next is added
  int fp4_fraction_bits = 35;  // kept of fp4 in scaled blocks
};

// In place: the registers of A, B and C, then those of metadata and factors, one behind the other, of each
// those of 32 lanes (ir::MatrixForm); D in place of C.
// product: its matrix, satfinite, atomic_op (of b1) and rounding (of f64).
void multiply_matrices(const ir::Attributes& product, const MatrixRules& rules, std::byte* fragments);

}  // namespace doppel::engine
