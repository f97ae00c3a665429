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

#include "engine/matrix_rules.h"
#include "engine/product_run.h"
#include "engine/vector_products.h"
#include "ir/attributes.h"

namespace doppel::engine {

// One form of product on one card: what does not change from one execution to the next.
struct MatrixProduct {
  ir::Attributes what;  // its matrix, satfinite, atomic_op (of b1) and rounding (of f64)
  MatrixRules rules;
  // Where the host's vectors can do it, one of them: by what, and how.
  VectorProducts vectors;
  FloatPlan float_plan;
  WholePlan whole_plan;
  bool in_vectors() const {
    return vectors.floats != nullptr || vectors.whole != nullptr || vectors.doubles != nullptr;
  }
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
// The same of a product that is in_vectors(). False where these numbers are for other code: nothing has been
// written then.
bool multiply_in_vectors(const MatrixProduct& product, const MatrixOperands& operands);
// All of a run, in its order.
void multiply_run(const MatrixProduct& product, const ProductRun& run, FloatMemo* memo);

}  // namespace doppel::engine
