// SPDX-License-Identifier: Apache-2.0
// Products of e2m1 in blocks of a factor each (.kind::mxf4, .kind::mxf4nvf4), as published of RTX Blackwell
// (arXiv:2511.10909): sixteen products at a time are summed exactly and times the significands of the factors
// of A and B. Those terms, each with the sum of the two exponents, and that of C are cut off so many bits
// behind the largest exponent among them, summed exactly, and rounded towards zero.
#pragma once

#include <cstddef>

#include "engine/matrix_fragments.h"
#include "engine/matrix_scales.h"
#include "engine/matrix_sparsity.h"

namespace doppel::engine {

void multiply_scaled_fp4(const ir::MatrixForm& form, int fraction_bits, const Words<std::uint32_t>& a,
                         const Words<std::uint32_t>& b, const KeptColumns& kept, const MatrixScales& scales,
                         const std::byte* c_fragment, std::byte* d_fragment);

}  // namespace doppel::engine
