// SPDX-License-Identifier: Apache-2.0
// wmma as the mma that it is made of (PTX ISA 9.7.14.4). Which thread holds which element is the target's
// affair; here fragments are those of mma, tile by tile. The vendor's assembler makes the same of it for
// sm_86 and sm_120: two products of 16 by 8, of tf32 four with k of 4, and of 8 by 32 those of the transposed
// matrices.
#pragma once

#include "ir/matrix_form.h"

namespace doppel::ptx {

// What only wmma has; it is rewritten where it is read.
struct WmmaForm {
  enum class Part : std::uint8_t { None, A, B, C, D, Product };
  Part part = Part::None;
  bool columns = false;   // of a load or a store: the matrix lies in memory column by column
  ir::MatrixForm matrix;  // m, n, k of all of it; of a load or a store the one element
  bool operator==(const WmmaForm&) const = default;
};

struct WmmaTiles {
  ir::MatrixForm step;   // of one mma: 16 or 8 rows, 8 columns
  bool swapped = false;  // its rows are the matrix's columns, its A is B
  int row_tiles = 1, column_tiles = 1, k_steps = 1;
};
WmmaTiles wmma_tiles(const ir::MatrixForm& matrix);

// A or B in eights of rows of A, or of columns of B, and in registers along k.
struct WmmaBlocks {
  int outer = 0, k = 0;  // how many
  int run = 1;           // elements of a register, side by side along k
  int halves = 1;        // eights that a step has
  int registers() const { return outer * k; }
  // Of the fragment: by tile, then along k, then by half.
  int register_of(int outer_block, int k_block) const {
    return outer_block / halves * halves * k + k_block * halves + outer_block % halves;
  }
};
WmmaBlocks wmma_blocks(const ir::MatrixForm& matrix, bool of_a);

// Registers of a fragment, as the ISA's tables have it: of f16 there are eight of A and B, where fewer hold
// all elements. What is beyond repeats the first ones.
int wmma_registers(const WmmaForm& form);
int wmma_registers_of_product(const ir::MatrixForm& matrix, WmmaForm::Part part);

}  // namespace doppel::ptx
