// SPDX-License-Identifier: Apache-2.0
// Control flow and the rest without data (PTX ISA 9.7.12, 9.7.19). call is parsed by call_parser.cpp.
#include "frontend/ptx/form_builder.h"

namespace doppel::ptx {
namespace {

using Kind = OperandRule::Kind;

bool bra(FormBuilder& b) {
  b.modifiers().uniform = b.take("uni");
  b.operand({Kind::Label});
  return true;
}

bool brx(FormBuilder& b) {
  if (!b.take("idx")) return false;
  b.modifiers().uniform = b.take("uni");
  b.read(Type::U32);
  b.operand({Kind::BranchList});
  b.needs(30, 60);
  return true;
}

bool uniform_only(FormBuilder& b) {
  b.modifiers().uniform = b.take("uni");
  return true;
}

bool no_operands(FormBuilder&) { return true; }

bool pmevent(FormBuilder& b) {
  b.take("mask");
  b.operand({Kind::Immediate, Type::U32});
  return true;
}

bool nanosleep(FormBuilder& b) {
  Type type;
  if (!b.take_type({Type::U32}, type)) return false;
  b.form.type = type;
  b.read(type);
  b.needs(70, 63);
  return true;
}

bool griddepcontrol(FormBuilder& b) {
  b.modifiers().wait = b.take("wait");
  if (!b.modifiers().wait && !b.take("launch_dependents")) return false;
  b.needs(90, 78);
  return true;
}

}  // namespace

std::span<const OpcodeForms> control_forms() {
  static constexpr OpcodeForms kForms[] = {
      {"bra", Opcode::Bra, bra},
      {"brx", Opcode::BrxIdx, brx},
      {"call", Opcode::Call, uniform_only},
      {"ret", Opcode::Ret, uniform_only},
      {"exit", Opcode::Exit, no_operands},
      {"trap", Opcode::Trap, no_operands},
      {"brkpt", Opcode::Brkpt, no_operands},
      {"pmevent", Opcode::Pmevent, pmevent},
      {"nanosleep", Opcode::Nanosleep, nanosleep},
      {"griddepcontrol", Opcode::Griddepcontrol, griddepcontrol},
  };
  return kForms;
}

}  // namespace doppel::ptx
