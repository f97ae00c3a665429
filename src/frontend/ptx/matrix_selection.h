// SPDX-License-Identifier: Apache-2.0
// What mma has of A and B, and by which factors: mma.sp (PTX ISA 9.7.14.6) and .block_scale (9.7.14.3).
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>

#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {

enum class MatrixKind : std::uint8_t { None, F8f6f4, Mxf8f6f4, Mxf4, Mxf4nvf4 };

struct MatrixSelection {
  MatrixKind kind = MatrixKind::None;
  bool ordered = false;  // mma.sp::ordered_metadata
};

struct MatrixNeeds {
  std::uint32_t sm = 0, version = 0;  // 0: there is no such form
  bool specific = false;              // as in Requirement
  bool architecture = false;
};

inline bool is_one_of(ir::MatrixElement element, std::initializer_list<ir::MatrixElement> all) {
  return std::ranges::find(all, element) != all.end();
}
inline bool is_byte_float(ir::MatrixElement element) {
  return is_one_of(element, {ir::MatrixElement::E4M3, ir::MatrixElement::E5M2});
}
inline bool is_small_float(ir::MatrixElement element) {
  return is_byte_float(element) ||
         is_one_of(element, {ir::MatrixElement::E3M2, ir::MatrixElement::E2M3, ir::MatrixElement::E2M1});
}

// .sp, .kind, .block_scale and .scale_vec.
bool take_selection(FormBuilder& b, MatrixSelection& selection, ir::MatrixForm& form);
// The type of the factors, behind the other types.
bool take_scale(FormBuilder& b, ir::MatrixForm& form);

MatrixNeeds needs_of_sparse(const ir::MatrixForm& form, const MatrixSelection& selection);  // not scaled
MatrixNeeds needs_of_scaled(const ir::MatrixForm& form, const MatrixSelection& selection);

// The operands behind C.
void add_selectors(FormBuilder& b, const ir::MatrixForm& form);

}  // namespace doppel::ptx
