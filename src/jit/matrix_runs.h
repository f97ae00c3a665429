// SPDX-License-Identifier: Apache-2.0
// Products of matrices that follow each other in a block and are made by one call: then what the engine makes
// of their factors, it makes once.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "jit/function_emitter.h"

namespace doppel::jit {

// The registers of a product.
struct MatrixFactors {
  explicit MatrixFactors(const ir::Operation& product);
  std::span<const ir::Operand> a, b, c, selectors;
};

// The operations from `begin` up to `end`: one where none can be made with its neighbours.
struct MatrixRun {
  std::uint32_t begin = 0, end = 0;
  // As RuntimeCallbacks::multiply_run has them; of one operation, empty.
  std::vector<std::uint32_t> words;
};

// That which the operation belongs to; which code is made first does not matter.
MatrixRun matrix_run(FunctionEmitter& emitter, std::uint32_t operation);

}  // namespace doppel::jit
