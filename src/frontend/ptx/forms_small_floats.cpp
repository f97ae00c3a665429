// SPDX-License-Identifier: Apache-2.0
// cvt from and to pairs of floats of 4, 6 and 8 bits (PTX ISA 9.7.9.21).
#include "frontend/ptx/forms_small_floats.h"

namespace doppel::ptx {
namespace {

constexpr TypeSet kEight = {Type::E4M3x2, Type::E5M2x2};

void need_of(FormBuilder& b, Type small) {
  if (kEight.contains(small)) {
    b.needs(89, 78);
    return;
  }
  b.needs(100, 86);
  b.form.requirement.specific = true;
}

bool finish(FormBuilder& b, Type result, Type source, int sources) {
  b.form.type = result;
  b.form.source_type = source;
  b.write(result);
  for (int i = 0; i < sources; ++i) b.read(source);
  return true;
}

}  // namespace

bool is_small_pair(Type type) { return type >= Type::E4M3x2 && type <= Type::UE8M0x2; }

bool to_small_pair(FormBuilder& b, Type result, Type source) {
  Modifiers& m = b.modifiers();
  if (m.ftz || m.sat) return false;
  m.satfinite = b.take("satfinite");
  need_of(b, result);
  if (result == Type::UE8M0x2) {
    if ((m.rounding != Rounding::Rz && m.rounding != Rounding::Rp) ||
        (source != Type::F32 && source != Type::BF16x2))
      return false;
  } else {
    if (m.rounding != Rounding::Rn || !m.satfinite) return false;
    m.relu = b.take("relu");
    // Halves become 8 or 4 bits, not 6.
    const bool from_halves = source == Type::F16x2 && (kEight.contains(result) || result == Type::E2M1x2);
    if (source != Type::F32 && !from_halves) return false;
  }
  return finish(b, result, source, source == Type::F32 ? 2 : 1);
}

bool from_small_pair(FormBuilder& b, Type result, Type source) {
  Modifiers& m = b.modifiers();
  if (m.rounding != Rounding::Rn || m.ftz || m.sat) return false;
  need_of(b, source);
  if (source == Type::UE8M0x2) return result == Type::BF16x2 && finish(b, result, source, 1);
  if (result != Type::F16x2) return false;
  m.relu = b.take("relu");
  return finish(b, result, source, 1);
}

}  // namespace doppel::ptx
