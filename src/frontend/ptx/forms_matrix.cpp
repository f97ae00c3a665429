// SPDX-License-Identifier: Apache-2.0
// mma: products of matrices that a warp holds in registers (PTX ISA 9.7.14.5). Where the ISA's tables leave
// it open what is accepted, it is what ptxas 13.0 accepts.
#include <algorithm>
#include <array>

#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/matrix_selection.h"

namespace doppel::ptx {
namespace {

using ir::MatrixElement;
using ir::MatrixForm;

struct Shape {
  std::string_view word;
  std::uint8_t m, n;
  std::uint16_t k;
};
constexpr std::array kShapes{
    Shape{"m8n8k4", 8, 8, 4},       Shape{"m8n8k16", 8, 8, 16},    Shape{"m8n8k32", 8, 8, 32},
    Shape{"m8n8k128", 8, 8, 128},   Shape{"m16n8k4", 16, 8, 4},    Shape{"m16n8k8", 16, 8, 8},
    Shape{"m16n8k16", 16, 8, 16},   Shape{"m16n8k32", 16, 8, 32},  Shape{"m16n8k64", 16, 8, 64},
    Shape{"m16n8k128", 16, 8, 128}, Shape{"m16n8k256", 16, 8, 256}};

using Needs = MatrixNeeds;

// Of A and B in f16, bf16 and tf32.
Needs needs_of_floats(const MatrixForm& form) {
  if (form.m != 16 || form.a != form.b || form.c != form.d) return {};
  const bool to_f32 = form.d == MatrixElement::F32;
  switch (form.a) {
    case MatrixElement::F16:
      if (!to_f32 && form.d != MatrixElement::F16) return {};
      if (form.k == 8) return {75, 65};
      return form.k == 16 ? Needs{80, 70} : Needs{};
    case MatrixElement::BF16:
      return to_f32 && (form.k == 8 || form.k == 16) ? Needs{80, 70} : Needs{};
    case MatrixElement::TF32:
      return to_f32 && (form.k == 4 || form.k == 8) ? Needs{80, 70} : Needs{};
    default:
      return {};
  }
}

Needs needs_of_doubles(const MatrixForm& form) {
  if (!is_one_of(form.b, {form.a}) || form.c != form.a || form.d != form.a) return {};
  if (form.m == 8) return form.k == 4 ? Needs{80, 70} : Needs{};
  return form.k <= 16 ? Needs{90, 78} : Needs{};
}

// Of eight bits; of fewer with .kind::f8f6f4.
Needs needs_of_small_floats(const MatrixForm& form, bool kind) {
  if (form.m != 16 || !is_small_float(form.b) || form.c != form.d ||
      !is_one_of(form.d, {MatrixElement::F16, MatrixElement::F32}))
    return {};
  if (kind) return form.k == 32 ? Needs{120, 87, true} : Needs{};
  if (!is_byte_float(form.a) || !is_byte_float(form.b)) return {};
  if (form.k == 32) return form.d == MatrixElement::F32 ? Needs{89, 84} : Needs{89, 87};
  return form.k == 16 ? Needs{89, 87} : Needs{};
}

Needs needs_of_integers(const MatrixForm& form) {
  if (form.c != MatrixElement::S32 || form.d != MatrixElement::S32) return {};
  const auto by_length = [&](int length) {
    if (form.m == 8) return form.k == length ? Needs{75, 65} : Needs{};
    return form.k == length || form.k == 2 * length ? Needs{80, 70} : Needs{};
  };
  const auto both = [&](std::initializer_list<MatrixElement> all) {
    return is_one_of(form.a, all) && is_one_of(form.b, all);
  };
  if (both({MatrixElement::S8, MatrixElement::U8})) return by_length(16);
  if (both({MatrixElement::S4, MatrixElement::U4})) return by_length(32);
  if (both({MatrixElement::B1})) return by_length(128);
  return {};
}

Type register_type(MatrixElement element) {
  if (element == MatrixElement::F64) return Type::F64;
  return element == MatrixElement::F32 ? Type::F32 : Type::B32;
}

bool take_form(FormBuilder& b, MatrixForm& form) {
  const auto shape = std::ranges::find_if(kShapes, [&](const Shape& each) { return b.take(each.word); });
  if (shape == kShapes.end()) return false;
  form.m = shape->m;
  form.n = shape->n;
  form.k = shape->k;
  for (MatrixElement* element : {&form.d, &form.a, &form.b, &form.c}) {
    const auto found = ir::find_matrix_element(b.take_next());
    if (!found) return false;
    *element = *found;
  }
  return true;
}

// The fragments of D, A, B and C.
void add_fragments(FormBuilder& b, const MatrixForm& form) {
  const auto fragment = [&](OperandRule::Kind kind, Type type, int registers) {
    OperandRule rule{kind, type};
    rule.vector = static_cast<std::uint8_t>(registers);
    b.operand(rule);
  };
  fragment(OperandRule::Kind::WriteVector, register_type(form.d), form.d_registers());
  fragment(OperandRule::Kind::ReadVector, form.a == MatrixElement::F64 ? Type::F64 : Type::B32,
           form.a_registers());
  fragment(OperandRule::Kind::ReadVector, form.b == MatrixElement::F64 ? Type::F64 : Type::B32,
           form.b_registers());
  fragment(OperandRule::Kind::ReadVector, register_type(form.c), form.c_registers());
}

bool mma(FormBuilder& b) {
  for (const std::string_view word : {"sync", "aligned", "row", "col"}) {
    if (!b.take(word)) return false;
  }
  ir::Attributes& attributes = b.modifiers();
  attributes.satfinite = b.take("satfinite");
  MatrixForm& form = attributes.matrix;
  MatrixSelection selection;
  if (!take_selection(b, selection, form)) return false;
  if (b.take("popc")) {
    static constexpr std::pair<std::string_view, AtomicOp> kOps[] = {{"xor", AtomicOp::Xor},
                                                                     {"and", AtomicOp::And}};
    attributes.atomic_op = b.take_one_of(kOps);
    if (attributes.atomic_op == AtomicOp::None) return false;
  }
  attributes.rounding = b.take_float_rounding();  // of f64; .rn is what happens without
  if (!take_form(b, form) || !take_scale(b, form)) return false;
  const bool bits = form.a == MatrixElement::B1;
  if (bits != (attributes.atomic_op != AtomicOp::None) ||
      (attributes.rounding != Rounding::None && form.a != MatrixElement::F64))
    return false;
  Needs needs;
  if (form.is_scaled()) {
    needs = needs_of_scaled(form, selection);
  } else if (form.sparse) {
    needs = needs_of_sparse(form, selection);
  } else if (is_small_float(form.a)) {
    needs = needs_of_small_floats(form, selection.kind == MatrixKind::F8f6f4);
  } else if (selection.kind != MatrixKind::None) {
    return false;
  } else if (form.a == MatrixElement::F64) {
    needs = needs_of_doubles(form);
  } else if (form.d == MatrixElement::S32) {
    needs = needs_of_integers(form);
  } else {
    needs = needs_of_floats(form);
  }
  const bool integers = form.d == MatrixElement::S32 && !bits;
  if (needs.sm == 0 || (attributes.satfinite && !integers)) return false;
  if (attributes.atomic_op == AtomicOp::And) needs = {80, 71};
  b.needs(needs.sm, needs.version);
  b.form.requirement.specific = needs.specific;
  b.form.requirement.architecture = needs.architecture;
  add_fragments(b, form);
  add_selectors(b, form);
  return true;
}

}  // namespace

std::span<const OpcodeForms> matrix_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"mma", Opcode::Mma, mma},
  };
  return kForms;
}

}  // namespace doppel::ptx
