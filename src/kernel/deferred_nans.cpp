#include "kernel/deferred_nans.h"

#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Type;

bool gives_canonical_nan(const Instruction& instruction) {
  if (instruction.type != Type::F32 || instruction.modifiers.sat) return false;
  switch (instruction.opcode) {
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Mul:
    case Opcode::Fma:
    case Opcode::Div:
    case Opcode::Rcp:
    case Opcode::Sqrt:
      return !instruction.modifiers.approx && !instruction.modifiers.full;
    default:
      return false;
  }
}

bool is_plain_move(const Instruction& instruction) {
  return instruction.opcode == Opcode::Mov && instruction.operands[0].kind == ptx::Operand::Kind::Register &&
         instruction.operands[1].kind == ptx::Operand::Kind::Register;
}

}  // namespace

bool ignores_nan_payload(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Add:
    case Opcode::Sub:
    case Opcode::Mul:
    case Opcode::Fma:
    case Opcode::Div:
    case Opcode::Rcp:
    case Opcode::Sqrt:
    case Opcode::Rsqrt:
    case Opcode::Sin:
    case Opcode::Cos:
    case Opcode::Lg2:
    case Opcode::Ex2:
    case Opcode::Tanh:
    case Opcode::Setp:
    case Opcode::Testp:
      return instruction.type == Type::F32;
    case Opcode::Cvt:
    case Opcode::Set:
      return instruction.source_type == Type::F32;
    default:
      return false;
  }
}

std::vector<bool> deferred_nans(const ptx::Function& function) {
  std::vector<bool> defined(function.registers.size(), false), deferred(function.registers.size(), true);
  // Only parameters in register space have a register.
  for (std::size_t i = 0; i < function.parameter_registers.size(); ++i) {
    if (function.parameters[i].space == ptx::Space::Reg) deferred[function.parameter_registers[i]] = false;
  }
  for (std::size_t i = 0; i < function.return_registers.size(); ++i) {
    if (function.return_parameters[i].space == ptx::Space::Reg)
      deferred[function.return_registers[i]] = false;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (const Instruction& instruction : function.instructions) {
      const bool fine = gives_canonical_nan(instruction) ||
                        (is_plain_move(instruction) && deferred[instruction.operands[1].reg]);
      for_each_definition(instruction, [&](ptx::RegisterId reg) {
        defined[reg] = true;
        if (!fine && deferred[reg]) {
          deferred[reg] = false;
          changed = true;
        }
      });
    }
  }
  for (std::size_t reg = 0; reg < deferred.size(); ++reg) {
    deferred[reg] = deferred[reg] && defined[reg] && ptx::bit_width(function.registers[reg].type) == 32;
  }
  return deferred;
}

}  // namespace doppel::kernel
