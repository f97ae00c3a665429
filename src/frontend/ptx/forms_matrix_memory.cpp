// SPDX-License-Identifier: Apache-2.0
// ldmatrix and stmatrix: matrices between shared memory and the fragments of mma (PTX ISA 9.7.14.5.15,
// 9.7.14.5.16). Which suffixes go together is what ptxas 13.0 accepts.
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {
namespace {

using ir::MatrixLayout;
using Kind = OperandRule::Kind;

// .sync, .aligned, and how many matrices; 0 refuses the form.
int take_count(FormBuilder& b) {
  static constexpr std::pair<std::string_view, int> kCounts[] = {{"x1", 1}, {"x2", 2}, {"x4", 4}};
  if (!b.take("sync") || !b.take("aligned")) return 0;
  return b.take_one_of(kCounts);
}

// A row is 16 bytes, and the access is one of a row by each of the first lanes.
bool take_rows(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  b.form.type = Type::B32;
  m.vector = 4;
  return !take_space(b, m.space) || m.space == Space::Shared;
}

void fragment(FormBuilder& b, Kind kind, int registers) {
  OperandRule rule{kind, Type::B32};
  rule.vector = static_cast<std::uint8_t>(registers);
  b.operand(rule);
}

// Of 6 or 4 bits, each of which becomes a byte.
bool take_small_elements(FormBuilder& b, MatrixLayout of_six, MatrixLayout of_four) {
  if (!b.take("b8x16")) return false;
  static constexpr std::pair<std::string_view, int> kBits[] = {{"b6x16_p32", 6}, {"b4x16_p64", 4}};
  const int bits = b.take_one_of(kBits);
  b.modifiers().layout = bits == 6 ? of_six : of_four;
  return bits != 0;
}

// Only of targets for one architecture or family.
void needs_bytes(FormBuilder& b) {
  b.needs(100, 86);
  b.form.requirement.specific = true;
}

bool ldmatrix(FormBuilder& b) {
  int registers = take_count(b);
  if (registers == 0 || !take_rows(b)) return false;
  MatrixLayout& layout = b.modifiers().layout;
  const bool transposed = b.take("trans");
  if (b.take("m8n8")) {
    layout = transposed ? MatrixLayout::Columns : MatrixLayout::Rows;
    b.needs(75, 65);
    if (!b.take("b16")) return false;
  } else if (b.take("m8n16")) {
    needs_bytes(b);
    if (transposed || !take_small_elements(b, MatrixLayout::RowsOf6Bits, MatrixLayout::RowsOf4Bits))
      return false;
  } else if (b.take("m16n16")) {
    needs_bytes(b);
    registers *= 2;
    if (!transposed || registers > 4) return false;
    if (b.take("b8")) {
      layout = MatrixLayout::ByteColumns;
    } else if (!take_small_elements(b, MatrixLayout::ColumnsOf6Bits, MatrixLayout::ColumnsOf4Bits)) {
      return false;
    }
  } else {
    return false;
  }
  fragment(b, Kind::WriteVector, registers);
  b.operand({Kind::Address});
  return true;
}

bool stmatrix(FormBuilder& b) {
  const int registers = take_count(b);
  if (registers == 0 || !take_rows(b)) return false;
  MatrixLayout& layout = b.modifiers().layout;
  const bool transposed = b.take("trans");
  if (b.take("m8n8")) {
    layout = transposed ? MatrixLayout::Columns : MatrixLayout::Rows;
    b.needs(90, 78);
    if (!b.take("b16")) return false;
  } else if (b.take("m16n8")) {
    layout = MatrixLayout::ByteColumns;
    needs_bytes(b);
    if (!transposed || !b.take("b8")) return false;
  } else {
    return false;
  }
  b.operand({Kind::Address});
  fragment(b, Kind::ReadVector, registers);
  return true;
}

}  // namespace

std::span<const OpcodeForms> matrix_memory_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"ldmatrix", Opcode::Ldmatrix, ldmatrix},
      {"stmatrix", Opcode::Stmatrix, stmatrix},
  };
  return kForms;
}

}  // namespace doppel::ptx
