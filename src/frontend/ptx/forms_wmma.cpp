// SPDX-License-Identifier: Apache-2.0
// wmma.load, wmma.store, wmma.mma (PTX ISA 9.7.14.4). Where the ISA's tables leave it open what is accepted,
// it is what ptxas 13.0 accepts.
#include <algorithm>
#include <array>

#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/form_spaces.h"

namespace doppel::ptx {
namespace {

using ir::MatrixElement;
using ir::MatrixForm;
using Kind = OperandRule::Kind;
using Part = WmmaForm::Part;

struct TileShape {
  std::string_view word;
  std::uint8_t m, n;
  std::uint16_t k;
};
constexpr std::array kTileShapes{TileShape{"m16n16k16", 16, 16, 16}, TileShape{"m32n8k16", 32, 8, 16},
                                 TileShape{"m8n32k16", 8, 32, 16},   TileShape{"m16n16k8", 16, 16, 8},
                                 TileShape{"m8n8k4", 8, 8, 4},       TileShape{"m8n8k32", 8, 8, 32},
                                 TileShape{"m8n8k128", 8, 8, 128}};

bool is_one_of(MatrixElement element, std::initializer_list<MatrixElement> all) {
  return std::ranges::find(all, element) != all.end();
}

bool take_shape(FormBuilder& b, MatrixForm& matrix) {
  const auto shape =
      std::ranges::find_if(kTileShapes, [&](const TileShape& each) { return b.take(each.word); });
  if (shape == kTileShapes.end()) return false;
  matrix.m = shape->m;
  matrix.n = shape->n;
  matrix.k = shape->k;
  return true;
}

bool take_element(FormBuilder& b, MatrixElement& element) {
  const auto found = ir::find_matrix_element(b.take_next());
  if (found) element = *found;
  return found.has_value();
}

// Whether the layout is that of columns; false refuses the form.
bool take_layout(FormBuilder& b, bool& columns) {
  const std::string_view layout = b.take_next();
  columns = layout == "col";
  return columns || layout == "row";
}

// Of A and B: what the shape goes with, and what it needs.
bool needs_factor(FormBuilder& b, const MatrixForm& matrix, MatrixElement element) {
  switch (matrix.k) {
    case 16:
      if (element == MatrixElement::F16) {
        b.needs(70, matrix.m == 16 ? 60 : 61);
      } else if (element == MatrixElement::BF16) {
        b.needs(80, 70);
      } else if (is_one_of(element, {MatrixElement::S8, MatrixElement::U8})) {
        b.needs(72, 63);
      } else {
        return false;
      }
      return true;
    case 8:
      b.needs(80, 70);
      return element == MatrixElement::TF32;
    case 4:
      b.needs(80, 70);
      return element == MatrixElement::F64;
    case 32:
      b.needs(75, 63);
      return is_one_of(element, {MatrixElement::S4, MatrixElement::U4});
    default:
      b.needs(75, 63);
      return element == MatrixElement::B1;
  }
}

// Of C and D.
bool needs_sum(FormBuilder& b, const MatrixForm& matrix, MatrixElement element) {
  switch (matrix.k) {
    case 16:
      if (element == MatrixElement::S32) {
        b.needs(72, 63);
        return true;
      }
      b.needs(70, matrix.m == 16 ? 60 : 61);
      return is_one_of(element, {MatrixElement::F16, MatrixElement::F32});
    case 8:
      b.needs(80, 70);
      return element == MatrixElement::F32;
    case 4:
      b.needs(80, 70);
      return element == MatrixElement::F64;
    default:
      b.needs(75, 63);
      return element == MatrixElement::S32;
  }
}

// Elements of less than a byte lie along k only.
bool lies_along_k_only(MatrixElement element) {
  return is_one_of(element, {MatrixElement::S4, MatrixElement::U4, MatrixElement::B1});
}

void fragment(FormBuilder& b, Kind kind, MatrixElement element, int registers) {
  OperandRule rule{kind, Type::B32};
  if (element == MatrixElement::F64) rule.type = Type::F64;
  if (element == MatrixElement::F32) rule.type = Type::F32;
  rule.vector = static_cast<std::uint8_t>(registers);
  b.operand(rule);
}

bool transfer(FormBuilder& b, Part part) {
  WmmaForm& form = b.form.wmma;
  form.part = part;
  Space& space = b.modifiers().space;
  if (take_space(b, space) && space != Space::Global && space != Space::Shared) return false;
  MatrixElement element = MatrixElement::None;
  if (!take_shape(b, form.matrix) || !take_layout(b, form.columns) || !take_element(b, element)) return false;
  const bool factor = part == Part::A || part == Part::B;
  if (factor ? !needs_factor(b, form.matrix, element) : !needs_sum(b, form.matrix, element)) return false;
  if (factor && lies_along_k_only(element) && form.columns != (part == Part::B)) return false;
  MatrixForm& matrix = form.matrix;
  (part == Part::A ? matrix.a : part == Part::B ? matrix.b : part == Part::C ? matrix.c : matrix.d) = element;
  if (part == Part::D) {
    b.operand({Kind::Address});
    fragment(b, Kind::ReadVector, element, wmma_registers(form));
  } else {
    fragment(b, Kind::WriteVector, element, wmma_registers(form));
    b.operand({Kind::Address});
  }
  b.optional({Kind::Read, Type::U32});
  return true;
}

// .f16 is named by the accumulators alone.
bool take_elements(FormBuilder& b, MatrixForm& matrix) {
  if (!take_element(b, matrix.d) || !take_element(b, matrix.a)) return false;
  if (is_one_of(matrix.a, {MatrixElement::F16, MatrixElement::F32})) {
    matrix.c = matrix.a;
    matrix.a = matrix.b = MatrixElement::F16;
    return true;
  }
  return take_element(b, matrix.b) && take_element(b, matrix.c) && matrix.a == matrix.b &&
         matrix.c == matrix.d;
}

// The accumulators that go with A and B.
bool goes_with(const MatrixForm& matrix) {
  switch (matrix.a) {
    case MatrixElement::F16:
      return is_one_of(matrix.c, {MatrixElement::F16, MatrixElement::F32}) &&
             is_one_of(matrix.d, {MatrixElement::F16, MatrixElement::F32});
    case MatrixElement::BF16:
    case MatrixElement::TF32:
      return matrix.d == MatrixElement::F32;
    case MatrixElement::F64:
      return matrix.d == MatrixElement::F64;
    default:
      return matrix.d == MatrixElement::S32;
  }
}

bool product(FormBuilder& b) {
  WmmaForm& form = b.form.wmma;
  MatrixForm& matrix = form.matrix;
  Modifiers& m = b.modifiers();
  form.part = Part::Product;
  m.satfinite = b.take("satfinite");
  m.rounding = b.take_float_rounding();
  if (b.take("popc")) {
    static constexpr std::pair<std::string_view, AtomicOp> kOps[] = {{"xor", AtomicOp::Xor},
                                                                     {"and", AtomicOp::And}};
    m.atomic_op = b.take_one_of(kOps);
    if (m.atomic_op == AtomicOp::None) return false;
  }
  bool a_columns = false, b_columns = false;
  if (!take_shape(b, matrix) || !take_layout(b, a_columns) || !take_layout(b, b_columns) ||
      !take_elements(b, matrix))
    return false;
  if (!needs_factor(b, matrix, matrix.a) || !goes_with(matrix)) return false;
  if (lies_along_k_only(matrix.a) && (a_columns || !b_columns)) return false;
  const bool bits = matrix.a == MatrixElement::B1;
  if (bits != (m.atomic_op != AtomicOp::None)) return false;
  if (m.rounding != Rounding::None && matrix.a != MatrixElement::F64) return false;
  // Of floats it was given up with version 6.5.
  if (m.satfinite && (bits || matrix.d != MatrixElement::S32)) return false;
  if (m.atomic_op == AtomicOp::And) b.needs(80, 71);
  fragment(b, Kind::WriteVector, matrix.d, wmma_registers_of_product(matrix, Part::D));
  fragment(b, Kind::ReadVector, matrix.a, wmma_registers_of_product(matrix, Part::A));
  fragment(b, Kind::ReadVector, matrix.b, wmma_registers_of_product(matrix, Part::B));
  fragment(b, Kind::ReadVector, matrix.c, wmma_registers_of_product(matrix, Part::C));
  return true;
}

bool wmma(FormBuilder& b) {
  static constexpr std::pair<std::string_view, Part> kLoads[] = {
      {"a", Part::A}, {"b", Part::B}, {"c", Part::C}};
  const bool loads = b.take("load"), stores = b.take("store"), multiplies = b.take("mma");
  if (!b.take("sync") || !b.take("aligned") || loads + stores + multiplies != 1) return false;
  if (multiplies) return product(b);
  const Part part = stores ? (b.take("d") ? Part::D : Part::None) : b.take_one_of(kLoads);
  return part != Part::None && transfer(b, part);
}

}  // namespace

std::span<const OpcodeForms> wmma_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"wmma", Opcode::Wmma, wmma},
  };
  return kForms;
}

}  // namespace doppel::ptx
