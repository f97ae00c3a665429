// SPDX-License-Identifier: Apache-2.0
// Floating-point only (PTX ISA 9.7.3, 9.7.4).
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

bool testp(FormBuilder& b) {
  static constexpr std::pair<std::string_view, TestpMode> kModes[] = {
      {"finite", TestpMode::Finite}, {"infinite", TestpMode::Infinite},
      {"number", TestpMode::Number}, {"notanumber", TestpMode::NotANumber},
      {"normal", TestpMode::Normal}, {"subnormal", TestpMode::Subnormal}};
  b.modifiers().testp = b.take_one_of(kModes);
  Type type;
  if (b.modifiers().testp == TestpMode::None || !b.take_type(kFloats32and64, type)) return false;
  b.form.type = type;
  b.write(Type::Pred);
  b.read(type);
  return true;
}

bool copysign(FormBuilder& b) {
  Type type;
  if (!b.take_type(kFloats32and64, type)) return false;
  b.same_types(type, 2);
  return true;
}

bool rcp_or_sqrt(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  Type type;
  if (!b.take_type(kFloats32and64, type)) return false;
  m.rounding = b.take_float_rounding();
  m.approx = b.take("approx");
  m.ftz = b.take("ftz");
  if ((m.rounding != Rounding::None) == m.approx) return false;
  if (type == Type::F64) {
    // Of the approximate .f64 forms only rcp.approx.ftz exists. The vendor's assembler takes .ftz with the
    // others of rcp, too, and makes the same code of it.
    if ((m.approx && !m.ftz) || (m.ftz && !b.is(Opcode::Rcp))) return false;
    if (!m.approx) m.ftz = false;
  }
  b.same_types(type, 1);
  return true;
}

bool rsqrt(FormBuilder& b) {
  b.modifiers().approx = b.take("approx");
  b.modifiers().ftz = b.take("ftz");
  Type type;
  if (!b.modifiers().approx || !b.take_type(kFloats32and64, type)) return false;
  b.same_types(type, 1);
  return true;
}

bool sin_cos_lg2(FormBuilder& b) {
  b.modifiers().approx = b.take("approx");
  b.modifiers().ftz = b.take("ftz");
  Type type;
  if (!b.modifiers().approx || !b.take_type({Type::F32}, type)) return false;
  b.same_types(type, 1);
  return true;
}

bool ex2(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.approx = b.take("approx");
  m.ftz = b.take("ftz");
  const Type type = b.take_type();
  if (!m.approx) return false;
  if (kHalves.contains(type)) {
    if (m.ftz) return false;
    b.needs(75, 70);
  } else if (kBrainHalves.contains(type)) {
    if (!m.ftz) return false;
    b.needs(90, 78);
  } else if (type != Type::F32) {
    return false;
  }
  b.same_types(type, 1);
  return true;
}

bool tanh(FormBuilder& b) {
  b.modifiers().approx = b.take("approx");
  const Type type = b.take_type();
  if (!b.modifiers().approx) return false;
  if (kBrainHalves.contains(type)) {
    b.needs(90, 78);
  } else if (type == Type::F32 || kHalves.contains(type)) {
    b.needs(75, 70);
  } else {
    return false;
  }
  b.same_types(type, 1);
  return true;
}

}  // namespace

std::span<const OpcodeForms> float_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"testp", Opcode::Testp, testp},   {"copysign", Opcode::Copysign, copysign},
      {"rcp", Opcode::Rcp, rcp_or_sqrt}, {"sqrt", Opcode::Sqrt, rcp_or_sqrt},
      {"rsqrt", Opcode::Rsqrt, rsqrt},   {"sin", Opcode::Sin, sin_cos_lg2},
      {"cos", Opcode::Cos, sin_cos_lg2}, {"lg2", Opcode::Lg2, sin_cos_lg2},
      {"ex2", Opcode::Ex2, ex2},         {"tanh", Opcode::Tanh, tanh},
  };
  return kForms;
}

}  // namespace doppel::ptx
