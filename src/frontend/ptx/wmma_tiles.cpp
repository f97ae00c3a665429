// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/wmma_tiles.h"

#include <algorithm>

namespace doppel::ptx {

using ir::MatrixElement;
using ir::MatrixForm;

WmmaTiles wmma_tiles(const MatrixForm& matrix) {
  WmmaTiles tiles;
  tiles.swapped = matrix.n > matrix.m;
  const int rows = tiles.swapped ? matrix.n : matrix.m, columns = tiles.swapped ? matrix.m : matrix.n;
  tiles.step = matrix;
  tiles.step.m = rows >= 16 ? 16 : 8;
  tiles.step.n = 8;
  if (matrix.k == 8) tiles.step.k = 4;  // of tf32
  // Accumulators of two types: those of f32 all along.
  if (matrix.c != matrix.d && matrix.c != MatrixElement::None && matrix.d != MatrixElement::None)
    tiles.step.c = tiles.step.d = MatrixElement::F32;
  tiles.row_tiles = rows / tiles.step.m;
  tiles.column_tiles = columns / tiles.step.n;
  tiles.k_steps = matrix.k / tiles.step.k;
  return tiles;
}

WmmaBlocks wmma_blocks(const MatrixForm& matrix, bool of_a) {
  const WmmaTiles tiles = wmma_tiles(matrix);
  WmmaBlocks blocks;
  blocks.run = std::max(1, 32 / matrix.bits_of(of_a ? matrix.a : matrix.b));
  blocks.outer = (of_a ? matrix.m : matrix.n) / 8;
  blocks.k = matrix.k / (4 * blocks.run);
  blocks.halves = of_a != tiles.swapped ? tiles.step.m / 8 : 1;
  return blocks;
}

int wmma_registers_of_product(const MatrixForm& matrix, WmmaForm::Part part) {
  if (part == WmmaForm::Part::A || part == WmmaForm::Part::B) {
    const bool of_a = part == WmmaForm::Part::A;
    const bool halves = (of_a ? matrix.a : matrix.b) == MatrixElement::F16;
    return halves ? 8 : wmma_blocks(matrix, of_a).registers();
  }
  const MatrixElement element = part == WmmaForm::Part::C ? matrix.c : matrix.d;
  const int elements = matrix.m * matrix.n / 32;
  return element == MatrixElement::F16 ? elements / 2 : elements;
}

int wmma_registers(const WmmaForm& form) { return wmma_registers_of_product(form.matrix, form.part); }

}  // namespace doppel::ptx
