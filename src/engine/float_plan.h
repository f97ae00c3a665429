// SPDX-License-Identifier: Apache-2.0
// Which products of floats go through the host's vectors (float_product.h), and what they are there.
#pragma once

#include <optional>

#include "engine/float_product.h"
#include "engine/matrix_product.h"
#include "engine/matrix_scales.h"

namespace doppel::engine {

// A sparse A becomes a dense one with zeros between (expand_sparse): a term of zero has an exponent below all
// that matters.
std::optional<FloatPlan> float_plan(const ir::MatrixForm& form, const MatrixRules& rules);

// Nothing where they are too large or too small for vectors.
std::optional<FloatFactors> float_factors(const FloatPlan& plan, const MatrixScales& scales);

// Host's best.
FloatProduct float_product_of_host();

}  // namespace doppel::engine
