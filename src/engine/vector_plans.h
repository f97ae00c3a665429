// SPDX-License-Identifier: Apache-2.0
// Which products go through the host's vectors (vector_products.h), and what they are there.
#pragma once

#include <optional>

#include "engine/matrix_product.h"
#include "engine/matrix_scales.h"

namespace doppel::engine {

// A sparse A becomes a dense one with zeros between (expand_sparse): a term of zero has an exponent below all
// that matters.
// Of floats.
std::optional<FloatPlan> float_plan(const ir::MatrixForm& form, const MatrixRules& rules);

// Nothing where they are too large or too small for vectors.
std::optional<FloatFactors> float_factors(const FloatPlan& plan, const MatrixScales& scales);

std::optional<WholePlan> whole_plan(const ir::Attributes& product);

}  // namespace doppel::engine
