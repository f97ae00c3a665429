// SPDX-License-Identifier: Apache-2.0
// Logic and shift (PTX ISA 9.7.8).
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

constexpr TypeSet kLogical = kBits16to64 | TypeSet{Type::Pred};

bool bitwise(FormBuilder& b) {
  Type type;
  if (!b.take_type(kLogical, type)) return false;
  b.same_types(type, b.is(Opcode::Not) ? 1 : 2);
  return true;
}

bool cnot(FormBuilder& b) {
  Type type;
  if (!b.take_type(kBits16to64, type)) return false;
  b.same_types(type, 1);
  return true;
}

bool lop3(FormBuilder& b) {
  static constexpr std::pair<std::string_view, BoolOp> kOps[] = {{"and", BoolOp::And}, {"or", BoolOp::Or}};
  b.modifiers().bool_op = b.take_one_of(kOps);
  Type type;
  if (!b.take_type({Type::B32}, type)) return false;
  b.same_types(type, 3);
  b.operand({OperandRule::Kind::Immediate, Type::U32});
  b.needs(50, 43);
  if (b.modifiers().bool_op != BoolOp::None) {
    b.form.pipe_type = Type::Pred;
    b.form.pipe_required = true;
    b.operand({OperandRule::Kind::ReadPredicate, Type::Pred});
    b.needs(70, 82);
  }
  return true;
}

bool shf(FormBuilder& b) {
  static constexpr std::pair<std::string_view, ShiftDirection> kDirections[] = {{"l", ShiftDirection::Left},
                                                                                {"r", ShiftDirection::Right}};
  static constexpr std::pair<std::string_view, ShiftMode> kModes[] = {{"clamp", ShiftMode::Clamp},
                                                                      {"wrap", ShiftMode::Wrap}};
  Modifiers& m = b.modifiers();
  m.direction = b.take_one_of(kDirections);
  m.shift = b.take_one_of(kModes);
  Type type;
  if (m.direction == ShiftDirection::None || m.shift == ShiftMode::None || !b.take_type({Type::B32}, type))
    return false;
  b.same_types(type, 2);
  b.read(Type::U32);
  b.needs(32, 31);
  return true;
}

bool shift(FormBuilder& b) {
  Type type;
  if (!b.take_type(b.is(Opcode::Shl) ? kBits16to64 : kBits16to64 | kIntegers16to64, type)) return false;
  b.same_types(type, 1);
  b.read(Type::U32);  // 9.7.8.9: the amount is 32 bits wide whatever the type
  return true;
}

}  // namespace

std::span<const OpcodeForms> logic_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"and", Opcode::And, bitwise}, {"or", Opcode::Or, bitwise},  {"xor", Opcode::Xor, bitwise},
      {"not", Opcode::Not, bitwise}, {"cnot", Opcode::Cnot, cnot}, {"lop3", Opcode::Lop3, lop3},
      {"shf", Opcode::Shf, shf},     {"shl", Opcode::Shl, shift},  {"shr", Opcode::Shr, shift},
  };
  return kForms;
}

}  // namespace doppel::ptx
