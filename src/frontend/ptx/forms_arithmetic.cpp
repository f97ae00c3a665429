// SPDX-License-Identifier: Apache-2.0
// Opcodes that serve integers and floats alike: add, sub, mul, mad, fma, div, abs, neg, min, max
// (PTX ISA 9.7.1-9.7.5).
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

constexpr std::pair<std::string_view, MulPart> kMulParts[] = {
    {"lo", MulPart::Lo}, {"hi", MulPart::Hi}, {"wide", MulPart::Wide}};

constexpr Type widened(Type type) {
  switch (type) {
    case Type::U16:
      return Type::U32;
    case Type::S16:
      return Type::S32;
    case Type::U32:
      return Type::U64;
    case Type::S32:
      return Type::S64;
    default:
      return Type::None;
  }
}

// The suffixes and operands of a rounding float operation on `sources` values of the type that was read.
// A missing rounding means .rn (and permits contraction, which is never done here).
bool float_operation(FormBuilder& b, Type type, int sources) {
  Modifiers& m = b.modifiers();
  const Rounding rounding = b.take_float_rounding();
  m.rounding = rounding == Rounding::None ? Rounding::Rn : rounding;
  switch (type) {
    case Type::F32:
      m.ftz = b.take("ftz");
      m.sat = b.take("sat");
      break;
    case Type::F64:
      break;
    case Type::F32x2:
      m.ftz = b.take("ftz");
      b.needs(100, 86);
      break;
    case Type::F16:
    case Type::F16x2:
      if (m.rounding != Rounding::Rn) return false;
      m.ftz = b.take("ftz");
      m.sat = b.take("sat");
      b.needs(53, 42);
      break;
    case Type::BF16:
    case Type::BF16x2:
      if (m.rounding != Rounding::Rn) return false;
      b.needs(90, 78);
      break;
    default:
      return false;
  }
  b.same_types(type, sources);
  return true;
}

// 9.7.5: one operand, or both factors, are f16 or bf16, and become f32 before. Rewritten where it is read.
bool mixed_precision(FormBuilder& b, Type narrow, int narrow_sources) {
  Modifiers& m = b.modifiers();
  const Rounding rounding = b.take_float_rounding();
  if (rounding == Rounding::None && b.is(Opcode::Fma)) return false;
  m.rounding = rounding == Rounding::None ? Rounding::Rn : rounding;
  m.sat = b.take("sat");
  b.form.type = Type::F32;
  b.form.source_type = narrow;
  b.write(Type::F32);
  for (int i = 0; i < narrow_sources; ++i) b.read(narrow);
  b.read(Type::F32);
  b.needs(100, 86);
  return true;
}

Type take_narrow_type(FormBuilder& b) {
  for (const Type type : {Type::F16, Type::BF16}) {
    if (b.take(name_of(type))) return type;
  }
  return Type::None;
}

bool add_or_sub(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const Type type = b.take_type();
  if (type == Type::F32) {
    const Type narrow = take_narrow_type(b);
    if (narrow != Type::None) return mixed_precision(b, narrow, 1);
  }
  if (is_float(type)) return float_operation(b, type, 2);
  if (b.take("cc")) {
    if (!kIntegers32and64.contains(type)) return false;
    m.carry_out = true;
    b.same_types(type, 2);
    return true;
  }
  m.sat = b.take("sat");
  if (m.sat && type != Type::S32) return false;
  if ((type == Type::U16x2 || type == Type::S16x2) && b.is(Opcode::Add)) {
    b.needs(90, 80);
  } else if (!kIntegers16to64.contains(type)) {
    return false;
  }
  b.same_types(type, 2);
  return true;
}

bool mul(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const Type type = b.take_type();
  if (is_float(type)) return float_operation(b, type, 2);
  m.mul_part = b.take_one_of(kMulParts);
  if (m.mul_part == MulPart::None || !kIntegers16to64.contains(type)) return false;
  b.form.type = type;
  const Type result = m.mul_part == MulPart::Wide ? widened(type) : type;
  if (result == Type::None) return false;
  b.write(result);
  b.read({type, type});
  return true;
}

bool mad(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const Type type = b.take_type();
  if (type == Type::F32 || type == Type::F64) {
    // 9.7.3.7: on sm_20 and later mad is fma, and from sm_30 on its rounding must be given.
    const Rounding rounding = b.take_float_rounding();
    if (rounding == Rounding::None && type == Type::F64) return false;
    m.rounding = rounding == Rounding::None ? Rounding::Rn : rounding;
    if (rounding == Rounding::None) b.was_given_up(21);
    if (type == Type::F32) {
      m.ftz = b.take("ftz");
      m.sat = b.take("sat");
    }
    b.form.opcode = Opcode::Fma;
    b.same_types(type, 3);
    return true;
  }
  m.mul_part = b.take_one_of(kMulParts);
  if (b.take("cc")) {
    if (m.mul_part != MulPart::Lo && m.mul_part != MulPart::Hi) return false;
    if (!kIntegers32and64.contains(type)) return false;
    m.carry_out = true;
    b.same_types(type, 3);
    return true;
  }
  if (m.mul_part == MulPart::None || !kIntegers16to64.contains(type)) return false;
  m.sat = b.take("sat");
  if (m.sat && !(type == Type::S32 && m.mul_part == MulPart::Hi)) return false;
  b.form.type = type;
  const Type result = m.mul_part == MulPart::Wide ? widened(type) : type;
  if (result == Type::None) return false;
  b.write(result);
  b.read({type, type, result});
  return true;
}

bool fma(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const Type type = b.take_type();
  if (type == Type::F32) {
    const Type narrow = take_narrow_type(b);
    if (narrow != Type::None) return mixed_precision(b, narrow, 2);
  }
  const Rounding rounding = b.take_float_rounding();
  if (rounding == Rounding::None) return false;
  m.rounding = rounding;
  switch (type) {
    case Type::F32:
      m.ftz = b.take("ftz");
      m.sat = b.take("sat");
      break;
    case Type::F64:
      break;
    case Type::F32x2:
      m.ftz = b.take("ftz");
      b.needs(100, 86);
      break;
    case Type::F16:
    case Type::F16x2:
      if (rounding != Rounding::Rn) return false;
      m.ftz = b.take("ftz");
      m.sat = b.take("sat");
      m.relu = b.take("relu");
      if (m.sat && m.relu) return false;
      b.needs(m.relu ? 80 : 53, m.relu ? 70 : 42);
      break;
    case Type::BF16:
    case Type::BF16x2:
      if (rounding != Rounding::Rn) return false;
      m.relu = b.take("relu");
      b.needs(80, 70);
      break;
    default:
      return false;
  }
  b.same_types(type, 3);
  return true;
}

bool div(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const Type type = b.take_type();
  if (kIntegers16to64.contains(type)) {
    b.same_types(type, 2);
    return true;
  }
  if (!kFloats32and64.contains(type)) return false;
  m.rounding = b.take_float_rounding();
  if (type == Type::F32) {
    m.approx = b.take("approx");
    m.full = b.take("full");
    m.ftz = b.take("ftz");
  }
  const int ways = (m.rounding != Rounding::None ? 1 : 0) + (m.approx ? 1 : 0) + (m.full ? 1 : 0);
  if (ways != 1) return false;
  b.same_types(type, 2);
  return true;
}

bool rem(FormBuilder& b) {
  const Type type = b.take_type();
  if (!kIntegers16to64.contains(type)) return false;
  b.same_types(type, 2);
  return true;
}

bool abs_or_neg(FormBuilder& b) {
  const Type type = b.take_type();
  if (type == Type::F32 || kHalves.contains(type)) {
    b.modifiers().ftz = b.take("ftz");
    if (type != Type::F32) b.needs(53, b.is(Opcode::Abs) ? 65 : 60);
  } else if (kBrainHalves.contains(type)) {
    b.needs(80, 70);
  } else if (type != Type::F64 && !kSigned16to64.contains(type)) {
    return false;
  }
  b.same_types(type, 1);
  return true;
}

bool min_or_max(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  const Type type = b.take_type();
  if (type == Type::F64 || kIntegers16to64.contains(type) || type == Type::U16x2 || type == Type::S16x2) {
    if (type == Type::S32 || type == Type::S16x2) m.relu = b.take("relu");
    if (m.relu || is_packed(type)) b.needs(90, 80);
    b.same_types(type, 2);
    return true;
  }
  m.nan = b.take("NaN");
  m.xorsign = b.take("xorsign");
  m.abs = b.take("abs");
  if (type == Type::F32) {
    m.ftz = b.take("ftz");
    if (m.xorsign && !m.abs) return false;
    if (m.nan) b.needs(80, 70);
    if (m.xorsign) b.needs(86, 72);
    b.same_types(type, 2);
    // 9.7.3.11: three inputs, and with them .abs alone.
    if (m.abs && !m.xorsign)
      b.read(type);
    else if (!m.xorsign)
      b.optional({OperandRule::Kind::Read, type});
    return true;
  }
  if (!kHalves.contains(type) && !kBrainHalves.contains(type)) return false;
  if (m.abs != m.xorsign) return false;
  if (kHalves.contains(type)) m.ftz = b.take("ftz");
  b.needs(m.xorsign ? 86 : 80, m.xorsign ? 72 : 70);
  b.same_types(type, 2);
  return true;
}

}  // namespace

std::span<const OpcodeForms> arithmetic_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"add", Opcode::Add, add_or_sub}, {"sub", Opcode::Sub, add_or_sub}, {"mul", Opcode::Mul, mul},
      {"mad", Opcode::Mad, mad},        {"fma", Opcode::Fma, fma},        {"div", Opcode::Div, div},
      {"rem", Opcode::Rem, rem},        {"abs", Opcode::Abs, abs_or_neg}, {"neg", Opcode::Neg, abs_or_neg},
      {"min", Opcode::Min, min_or_max}, {"max", Opcode::Max, min_or_max},
  };
  return kForms;
}

}  // namespace doppel::ptx
