// SPDX-License-Identifier: Apache-2.0
// Integer-only arithmetic (PTX ISA 9.7.1, and the carry chains of 9.7.2).
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

constexpr std::pair<std::string_view, MulPart> kLoHi[] = {{"lo", MulPart::Lo}, {"hi", MulPart::Hi}};
constexpr std::pair<std::string_view, ShiftMode> kClampWrap[] = {{"clamp", ShiftMode::Clamp},
                                                                 {"wrap", ShiftMode::Wrap}};

bool mul24(FormBuilder& b) {
  b.modifiers().mul_part = b.take_one_of(kLoHi);
  Type type;
  if (b.modifiers().mul_part == MulPart::None || !b.take_type(kIntegers32, type)) return false;
  b.same_types(type, 2);
  return true;
}

bool mad24(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.mul_part = b.take_one_of(kLoHi);
  m.sat = b.take("sat");
  Type type;
  if (m.mul_part == MulPart::None || !b.take_type(kIntegers32, type)) return false;
  if (m.sat && !(m.mul_part == MulPart::Hi && type == Type::S32)) return false;
  b.same_types(type, 3);
  return true;
}

bool sad(FormBuilder& b) {
  Type type;
  if (!b.take_type(kIntegers16to64, type)) return false;
  b.same_types(type, 3);
  return true;
}

bool count_bits(FormBuilder& b) {
  Type type;
  if (!b.take_type({Type::B32, Type::B64}, type)) return false;
  b.form.type = type;
  b.write(Type::U32);
  b.read(type);
  return true;
}

bool bfind(FormBuilder& b) {
  b.modifiers().shiftamt = b.take("shiftamt");
  Type type;
  if (!b.take_type(kIntegers32and64, type)) return false;
  b.form.type = type;
  b.write(Type::U32);
  b.read(type);
  return true;
}

bool fns(FormBuilder& b) {
  Type type;
  if (!b.take_type({Type::B32}, type)) return false;
  b.form.type = type;
  b.write(Type::B32);
  b.read({Type::B32, Type::B32, Type::S32});
  return true;
}

bool brev(FormBuilder& b) {
  Type type;
  if (!b.take_type({Type::B32, Type::B64}, type)) return false;
  b.same_types(type, 1);
  return true;
}

bool bfe(FormBuilder& b) {
  Type type;
  if (!b.take_type(kIntegers32and64, type)) return false;
  b.form.type = type;
  b.write(type);
  b.read({type, Type::U32, Type::U32});
  return true;
}

bool bfi(FormBuilder& b) {
  Type type;
  if (!b.take_type({Type::B32, Type::B64}, type)) return false;
  b.form.type = type;
  b.write(type);
  b.read({type, type, Type::U32, Type::U32});
  return true;
}

bool szext(FormBuilder& b) {
  b.modifiers().shift = b.take_one_of(kClampWrap);
  Type type;
  if (b.modifiers().shift == ShiftMode::None || !b.take_type(kIntegers32, type)) return false;
  b.form.type = type;
  b.write(type);
  b.read({type, Type::U32});
  b.needs(70, 76);
  return true;
}

bool bmsk(FormBuilder& b) {
  b.modifiers().shift = b.take_one_of(kClampWrap);
  Type type;
  if (b.modifiers().shift == ShiftMode::None || !b.take_type({Type::B32}, type)) return false;
  b.form.type = type;
  b.write(type);
  b.read({Type::U32, Type::U32});
  b.needs(70, 76);
  return true;
}

bool dot_product(FormBuilder& b) {
  if (b.is(Opcode::Dp2a)) {
    b.modifiers().mul_part = b.take_one_of(kLoHi);
    if (b.modifiers().mul_part == MulPart::None) return false;
  }
  Type a_type, b_type;
  if (!b.take_type(kIntegers32, a_type) || !b.take_type(kIntegers32, b_type)) return false;
  b.form.type = a_type;
  b.form.source_type = b_type;
  // 9.7.1.23: d and c are .u32 if both sources are unsigned, else .s32.
  const Type sum = a_type == Type::U32 && b_type == Type::U32 ? Type::U32 : Type::S32;
  b.write(sum);
  b.read({Type::B32, Type::B32, sum});
  b.needs(61, 50);
  return true;
}

bool carry_chain(FormBuilder& b) {
  Modifiers& m = b.modifiers();
  m.carry_in = true;
  m.carry_out = b.take("cc");
  if (b.is(Opcode::MadC)) {
    m.mul_part = b.take_one_of(kLoHi);
    if (m.mul_part == MulPart::None) return false;
  }
  Type type;
  if (!b.take_type(kIntegers32and64, type)) return false;
  b.same_types(type, b.is(Opcode::MadC) ? 3 : 2);
  return true;
}

}  // namespace

std::span<const OpcodeForms> integer_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"mul24", Opcode::Mul24, mul24},     {"mad24", Opcode::Mad24, mad24},
      {"sad", Opcode::Sad, sad},           {"popc", Opcode::Popc, count_bits},
      {"clz", Opcode::Clz, count_bits},    {"bfind", Opcode::Bfind, bfind},
      {"fns", Opcode::Fns, fns},           {"brev", Opcode::Brev, brev},
      {"bfe", Opcode::Bfe, bfe},           {"bfi", Opcode::Bfi, bfi},
      {"szext", Opcode::Szext, szext},     {"bmsk", Opcode::Bmsk, bmsk},
      {"dp4a", Opcode::Dp4a, dot_product}, {"dp2a", Opcode::Dp2a, dot_product},
      {"addc", Opcode::AddC, carry_chain}, {"subc", Opcode::SubC, carry_chain},
      {"madc", Opcode::MadC, carry_chain},
  };
  return kForms;
}

}  // namespace doppel::ptx
