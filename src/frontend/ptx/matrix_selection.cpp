// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/matrix_selection.h"

namespace doppel::ptx {
namespace {

using ir::MatrixElement;
using ir::MatrixForm;
using ir::MatrixScale;

bool both(const MatrixForm& form, std::initializer_list<MatrixElement> all) {
  return is_one_of(form.a, all) && is_one_of(form.b, all);
}

bool is_half_or_single(MatrixElement element) {
  return is_one_of(element, {MatrixElement::F16, MatrixElement::F32});
}

// Of eight bits and fewer: but with e4m3 and e5m2 into f32, new with sm_120 and only with metadata in order.
MatrixNeeds needs_of_sparse_small(const MatrixForm& form, const MatrixSelection& selection) {
  if (!is_small_float(form.a) || !is_small_float(form.b) || !is_half_or_single(form.d) || form.k != 64)
    return {};
  const bool kind = selection.kind == MatrixKind::F8f6f4;
  const bool bytes = is_byte_float(form.a) && is_byte_float(form.b);
  if (!kind && bytes && form.d == MatrixElement::F32) return {89, selection.ordered ? 85u : 84u};
  return selection.ordered && (kind || bytes) ? MatrixNeeds{120, 87, true} : MatrixNeeds{};
}

// The lengths that a form has with so many bits of k in the metadata of one thread.
bool has_length(const MatrixForm& form, int length) { return form.k == length || form.k == 2 * length; }

bool is_sparse_type(const MatrixForm& form) {
  const bool to_f32 = form.d == MatrixElement::F32;
  if (both(form, {MatrixElement::F16})) return is_half_or_single(form.d) && has_length(form, 16);
  if (both(form, {MatrixElement::BF16})) return to_f32 && has_length(form, 16);
  if (both(form, {MatrixElement::TF32})) return to_f32 && has_length(form, 8);
  if (form.d != MatrixElement::S32) return false;
  if (both(form, {MatrixElement::S8, MatrixElement::U8})) return has_length(form, 32);
  return both(form, {MatrixElement::S4, MatrixElement::U4}) && has_length(form, 64);
}

// Constants, as bits.
constexpr std::uint8_t kZero = 0b1, kTwo = 0b11, kFour = 0b1111, kEven = 0b101;

// Which of the threads have metadata: undefined values that the vendor's assembler takes are taken.
std::uint8_t selectors_of(const MatrixForm& form) {
  if (form.bits_of(form.a) == 16) return kFour;
  if (form.bits_of(form.a) == 32) return form.k == 8 ? kFour : kTwo;
  return form.k * form.bits_of(form.a) == 256 ? kTwo : kZero;
}

}  // namespace

bool take_selection(FormBuilder& b, MatrixSelection& selection, MatrixForm& form) {
  static constexpr std::pair<std::string_view, MatrixKind> kKinds[] = {
      {"kind::f8f6f4", MatrixKind::F8f6f4},
      {"kind::mxf8f6f4", MatrixKind::Mxf8f6f4},
      {"kind::mxf4", MatrixKind::Mxf4},
      {"kind::mxf4nvf4", MatrixKind::Mxf4nvf4}};
  static constexpr std::pair<std::string_view, std::uint8_t> kScales[] = {
      {"scale_vec::1X", 1}, {"scale_vec::2X", 2}, {"scale_vec::4X", 4}};
  selection.ordered = b.take("sp::ordered_metadata");
  form.sparse = selection.ordered || b.take("sp");
  selection.kind = b.take_one_of(kKinds);
  const bool scaled = selection.kind != MatrixKind::None && selection.kind != MatrixKind::F8f6f4;
  if (b.take("block_scale") != scaled) return false;
  if (!scaled) return true;
  form.scales = b.take_one_of(kScales);
  if (form.scales == 0 && selection.kind == MatrixKind::Mxf8f6f4) form.scales = 1;
  if (form.scales == 0 && selection.kind == MatrixKind::Mxf4) form.scales = 2;
  return form.scales != 0;
}

bool take_scale(FormBuilder& b, MatrixForm& form) {
  if (form.scales == 0) return true;
  static constexpr std::pair<std::string_view, MatrixScale> kTypes[] = {{"ue8m0", MatrixScale::Ue8m0},
                                                                        {"ue4m3", MatrixScale::Ue4m3}};
  form.scale = b.take_one_of(kTypes);
  return form.is_scaled();
}

MatrixNeeds needs_of_sparse(const MatrixForm& form, const MatrixSelection& selection) {
  if (form.m != 16 || form.c != form.d) return {};
  if (is_small_float(form.a)) return needs_of_sparse_small(form, selection);
  if (selection.kind != MatrixKind::None || !is_sparse_type(form)) return {};
  return {80, selection.ordered ? 85u : 71u};
}

MatrixNeeds needs_of_scaled(const MatrixForm& form, const MatrixSelection& selection) {
  if (form.m != 16 || form.d != MatrixElement::F32 || form.c != form.d) return {};
  if (form.sparse && !selection.ordered) return {};
  const int length = form.kept_k();
  if (selection.kind == MatrixKind::Mxf8f6f4) {
    const bool exists = length == 32 && form.scales == 1 && form.scale == MatrixScale::Ue8m0 &&
                        is_small_float(form.a) && is_small_float(form.b);
    return exists ? MatrixNeeds{120, 87, true} : MatrixNeeds{};
  }
  if (length != 64 || !both(form, {MatrixElement::E2M1}) || form.scales == 1) return {};
  const bool powers = form.scale == MatrixScale::Ue8m0;
  // Sparse, they are of the architecture alone and not of its family.
  if (powers && form.scales == 2) return {120, 87, true, form.sparse};
  if (selection.kind == MatrixKind::Mxf4 || form.scales != 4) return {};
  return {120, powers ? 91u : 87u, true, form.sparse};
}

void add_selectors(FormBuilder& b, const MatrixForm& form) {
  using Kind = OperandRule::Kind;
  if (form.sparse) {
    b.operand({Kind::ReadOne, Type::B32});
    OperandRule selector{Kind::Immediate, Type::U32};
    selector.constants[0] = selectors_of(form);
    b.operand(selector);
  }
  if (!form.is_scaled()) return;
  const std::uint8_t bytes = form.scales == 1 ? kFour : form.scales == 2 ? kEven : kZero;
  for (const std::uint8_t threads : {kTwo, kFour}) {  // of A, of B
    b.operand({Kind::ReadOne, Type::B32});
    OperandRule which{Kind::ReadVector, Type::U16};
    which.vector = 2;
    which.constants = {bytes, threads};
    b.operand(which);
  }
}

}  // namespace doppel::ptx
