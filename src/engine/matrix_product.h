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
#include <optional>

#include "engine/vector_products.h"
#include "ir/attributes.h"

namespace doppel::engine {

// How a card sums.
struct MatrixRules {
  int fraction_bits = 24;      // that are kept behind the largest exponent
  int bits_of_sum = 128;       // of what is there of a row of A that are one sum, to which the next is added
  int fp4_fraction_bits = 35;  // kept of fp4 in scaled blocks
  bool operator==(const MatrixRules&) const = default;
};

// One form of product on one card: what does not change from one execution to the next.
struct MatrixProduct {
  ir::Attributes what;  // its matrix, satfinite, atomic_op (of b1) and rounding (of f64)
  MatrixRules rules;
  // Where the host's vectors can do it, one of them: by what, and how.
  VectorProducts vectors;
  FloatPlan float_plan;
  WholePlan whole_plan;
  bool in_vectors() const { return vectors.floats != nullptr || vectors.whole != nullptr; }
  bool plain_floats = false;  // by them, and A and B are all that there is
};

// vectors: what may be used of them.
MatrixProduct matrix_product(const ir::Attributes& what, const MatrixRules& rules,
                             const VectorProducts& vectors);

// The registers of each one behind the other, of each those of 32 lanes (ir::MatrixForm). D may lie where the
// others do. selectors: the registers of metadata, then those of factors.
struct MatrixOperands {
  const std::byte *a, *b, *c;
  std::byte* d;
  const std::byte* selectors = nullptr;
  FloatMemo* memo = nullptr;  // of the thread, where it has one
};

void multiply_matrices(const MatrixProduct& product, const MatrixOperands& operands);
// Of plain_floats alone, where these numbers are for them.
inline bool multiply_plain_floats(const MatrixProduct& product, const MatrixOperands& operands) {
  return product.plain_floats && product.vectors.floats(product.float_plan, operands.a, operands.b, nullptr,
                                                        operands.memo, operands.c, operands.d);
}
// The same of a product that is in_vectors(). False where these numbers are for other code: nothing has been
// written then.
bool multiply_in_vectors(const MatrixProduct& product, const MatrixOperands& operands);

}  // namespace doppel::engine
