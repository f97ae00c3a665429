// SPDX-License-Identifier: Apache-2.0
#include "reference/matrix_memory.h"

#include <array>

#include "reference/operands.h"

namespace doppel::reference {
namespace {

using Row = std::array<std::uint8_t, 16>;

struct Shape {
  int rows = 8;  // in memory
  int matrices = 1;
  int element_bits = 16;  // in memory
  bool transposed = false;
};

// By the words of the form.
Shape shape_of(const ptx::Instruction& in) {
  const auto has = [&](const char* word) { return in.form.find(word) != std::string::npos; };
  Shape shape;
  if (has(".m16n16")) shape.rows = 16;
  shape.matrices = has(".x4") ? 4 : has(".x2") ? 2 : 1;
  if (has(".b8")) shape.element_bits = 8;
  if (has(".b6x16")) shape.element_bits = 6;
  if (has(".b4x16")) shape.element_bits = 4;
  shape.transposed = has(".trans");
  return shape;
}

// Row r of matrix m is at the address that thread rows * m + r gives.
Row read_row(Block& block, Thread& thread, const ptx::Operand& address, const Shape& shape) {
  const auto bytes = resolve(block, thread, thread.instruction().modifiers.space, address, 16, 16);
  Row row{};
  if (shape.element_bits >= 8) {
    for (std::size_t i = 0; i < 16; ++i) row[i] = static_cast<std::uint8_t>(load_bits(&bytes[i], 1));
    return row;
  }
  // Elements of fewer bits, the first in the lowest ones, fill a byte each.
  for (std::size_t i = 0; i < 16; ++i) {
    for (int bit = 0; bit < shape.element_bits; ++bit) {
      const std::size_t at = i * static_cast<std::size_t>(shape.element_bits) + static_cast<std::size_t>(bit);
      const std::uint64_t set = load_bits(&bytes[at / 8], 1) >> at % 8 & 1;
      row[i] = static_cast<std::uint8_t>(row[i] | set << bit);
    }
  }
  return row;
}

}  // namespace

void load_matrices(Block& block, const std::vector<Thread*>& warp) {
  const ptx::Instruction& in = warp.front()->instruction();
  const Shape shape = shape_of(in);
  const int bytes = shape.element_bits == 16 ? 2 : 1;
  std::vector<Row> rows(32);
  for (Thread* t : warp) {
    const auto lane = static_cast<int>(t->lane());
    if (lane < shape.rows * shape.matrices)
      rows[t->lane()] = read_row(block, *t, t->instruction().operands.at(1), shape);
  }
  // Four threads hold a row, four bytes each; of a transposed matrix a column, whose elements are as many as
  // 32 bits hold. Sixteen columns are two registers.
  const int registers_of_matrix = shape.rows / 8;
  for (Thread* t : warp) {
    const int group = static_cast<int>(t->lane()) / 4, in_group = static_cast<int>(t->lane()) % 4;
    const std::vector<ptx::Operand>& to = t->instruction().operands[0].elements;
    for (int r = 0; r < static_cast<int>(to.size()); ++r) {
      const int matrix = r / registers_of_matrix;
      std::uint64_t value = 0;
      for (int i = 0; i < 4; ++i) {
        int row = group, byte = in_group * 4 + i;
        if (shape.transposed) {
          row = in_group * (4 / bytes) + i / bytes;
          byte = (group + 8 * (r % registers_of_matrix)) * bytes + i % bytes;
        }
        value |=
            std::uint64_t{
                rows[static_cast<std::size_t>(matrix * shape.rows + row)][static_cast<std::size_t>(byte)]}
            << 8 * i;
      }
      write(*t, to[static_cast<std::size_t>(r)], value);
    }
  }
}

void store_matrices(Block& block, const std::vector<Thread*>& warp) {
  const Shape shape = shape_of(warp.front()->instruction());
  std::vector<Row> rows(32);
  for (const Thread* t : warp) {
    const int group = static_cast<int>(t->lane()) / 4, in_group = static_cast<int>(t->lane()) % 4;
    const std::vector<ptx::Operand>& from = t->instruction().operands[1].elements;
    for (int matrix = 0; matrix < shape.matrices; ++matrix) {
      const std::uint64_t value = read(block, *t, from[static_cast<std::size_t>(matrix)]);
      for (int i = 0; i < 4; ++i) {
        int row = group, byte = in_group * 4 + i;
        if (shape.transposed && shape.element_bits == 16) {
          row = in_group * 2 + i / 2;
          byte = group * 2 + i % 2;
        } else if (shape.transposed) {  // 16 by 8: the thread holds two neighbours of row group, and of eight
                                        // on
          row = in_group * 2 + i % 2;
          byte = group + i / 2 * 8;
        }
        rows[static_cast<std::size_t>(8 * matrix + row)][static_cast<std::size_t>(byte)] =
            static_cast<std::uint8_t>(value >> 8 * i);
      }
    }
  }
  for (Thread* t : warp) {
    if (static_cast<int>(t->lane()) >= 8 * shape.matrices) continue;
    const auto bytes =
        resolve(block, *t, t->instruction().modifiers.space, t->instruction().operands[0], 16, 16);
    for (std::size_t i = 0; i < 16; ++i) store_bits(&bytes[i], rows[t->lane()][i], 1);
  }
}

}  // namespace doppel::reference
