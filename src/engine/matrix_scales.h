// SPDX-License-Identifier: Apache-2.0
// The factors that blocks of A and B have with .block_scale (PTX ISA 9.7.14.3).
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/matrix_fragments.h"
#include "ir/matrix_form.h"

namespace doppel::engine {

// significand / 8 * 2^exponent
struct Scale {
  std::int16_t exponent = 0;
  std::uint8_t significand = 8;
  bool is_nan = false;
};

inline constexpr int kMostScales = 4;  // along k

struct MatrixScales {
  Scale a[kMostRows][kMostScales];  // by row
  Scale b[kColumns][kMostScales];   // by column
};

// Six registers of 32 lanes, 32 bits each: the factors of A, which byte has the first and which lanes have
// them; then those of B.
MatrixScales matrix_scales(const ir::MatrixForm& form, const std::byte* registers);

}  // namespace doppel::engine
