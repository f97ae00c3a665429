// SPDX-License-Identifier: Apache-2.0
// With which columns a sparse A is there (PTX ISA 9.7.14.6.1 and the figures of 9.7.14.6.2). Of a chunk of
// four elements two are there, of 32 bits one of two, of 4 bits two pairs of four; four bits of metadata say
// which: two indices, the lower one of the first. What the ISA calls undefined names some columns, too.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/matrix_fragments.h"
#include "ir/matrix_form.h"

namespace doppel::engine {

inline constexpr int kMostKept = 64;

struct KeptColumns {
  std::uint8_t at[kMostRows][kMostKept];  // by row, then along what is there of it
};

// All of them, one after the other, of a matrix that is not sparse.
KeptColumns all_columns(const ir::MatrixForm& form);
// metadata: of 32 lanes, 32 bits each; then the selector, the same.
KeptColumns kept_columns(const ir::MatrixForm& form, const std::byte* metadata);

inline constexpr int kMostDenseBytes = 64;  // of a row

// The fragment of an A of 16 rows with all of its columns, those that are not there zero. False where one is
// named twice.
bool expand_sparse(const ir::MatrixForm& form, const std::byte* fragment, const std::byte* metadata,
                   std::byte* dense);

}  // namespace doppel::engine
