#include "kernel/operation_selection.h"

#include <algorithm>
#include <bit>

#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::MulPart;
using ptx::Opcode;
using ptx::Operand;
using ptx::RegisterId;
using ptx::Type;

bool is_integer_form(const Instruction& instruction) { return !ptx::is_float(instruction.type); }

bool is_add(const Instruction& instruction, int bits) {
  return instruction.opcode == Opcode::Add && is_integer_form(instruction) &&
         ptx::bit_width(instruction.type) == bits && !instruction.modifiers.carry_out &&
         !instruction.modifiers.sat && !instruction.guard;
}

bool is_access(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu:
    case Opcode::St:
    case Opcode::Atom:
    case Opcode::Red:
      return true;
    default:
      return false;
  }
}

// `reg` is the base of the address and no data.
bool used_as_base_only(const Instruction& user, RegisterId reg) {
  if (!is_access(user)) return false;
  bool base = false;
  bool other = false;
  for (const Operand& operand : user.operands) {
    if (operand.kind == Operand::Kind::Address && operand.address_base == Operand::AddressBase::Register &&
        operand.reg == reg) {
      base = true;
    } else if (operand.kind == Operand::Kind::Register && operand.reg == reg) {
      other = true;
    }
    for (const Operand& element : operand.elements)
      other = other || (element.kind == Operand::Kind::Register && element.reg == reg);
  }
  return base && !other;
}

// 64-bit index times size: mul.wide, or a shift of a sign- or zero-extended 32-bit value.
bool is_wide_product(const Instruction& instruction, const RegisterRoles& roles) {
  if (instruction.guard) return false;
  if (instruction.opcode == Opcode::Mul && instruction.modifiers.mul_part == MulPart::Wide &&
      ptx::bit_width(instruction.type) == 32) {
    return true;
  }
  if (instruction.opcode != Opcode::Shl || ptx::bit_width(instruction.type) != 64) return false;
  if (instruction.operands[1].kind != Operand::Kind::Register ||
      instruction.operands[2].kind != Operand::Kind::Immediate)
    return false;
  const Instruction* const extension = roles.definition(instruction.operands[1].reg);
  return extension != nullptr && extension->opcode == Opcode::Cvt && ptx::bit_width(extension->type) == 64 &&
         !ptx::is_float(extension->source_type) && ptx::bit_width(extension->source_type) == 32;
}

bool is_logic(const Instruction& instruction) {
  if (instruction.guard || ptx::bit_width(instruction.type) > 32 || instruction.type == Type::Pred)
    return false;
  switch (instruction.opcode) {
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::Not:
      return true;
    default:
      return false;
  }
}

int register_sources(const Instruction& instruction, const RegisterRoles& roles) {
  int count = 0;
  for (std::size_t i = 1; i < instruction.operands.size(); ++i) {
    const Operand& operand = instruction.operands[i];
    if (operand.kind == Operand::Kind::Register && !roles[operand.reg].constant) ++count;
  }
  return count;
}

}  // namespace

void absorb_definitions(const ptx::Function& function, const ControlFlowGraph& graph, RegisterRoles& roles) {
  for (RegisterId reg = 0; reg < function.registers.size(); ++reg) {
    const Instruction* const definition = roles.definition(reg);
    if (definition == nullptr || definition->guard || roles[reg].constant || roles[reg].uses == 0) continue;
    const std::uint32_t at = roles[reg].definition;
    const auto& users = roles.users(reg);
    const auto all_users = [&](auto&& predicate) {
      return std::ranges::all_of(users,
                                 [&](std::uint32_t user) { return predicate(function.instructions[user]); });
    };
    const bool single = users.size() == 1 && graph.block_of(users[0]) == graph.block_of(at);
    bool absorb = false;
    if (is_wide_product(*definition, roles)) {
      // IMAD.WIDE takes the add with it.
      absorb = all_users([&](const Instruction& user) { return is_add(user, 64); });
    } else if (is_add(*definition, 64) && definition->operands[2].kind == Operand::Kind::Immediate) {
      // The access's own offset holds 24 bits with sign.
      const auto offset = static_cast<std::int64_t>(definition->operands[2].immediate);
      absorb = offset > -(1 << 23) && offset < (1 << 23) &&
               all_users([&](const Instruction& user) { return used_as_base_only(user, reg); });
    } else if (is_add(*definition, 32) && definition->operands[2].kind == Operand::Kind::Immediate &&
               all_users([&](const Instruction& user) { return used_as_base_only(user, reg); })) {
      absorb = true;  // of a shared-memory address
    } else if (definition->opcode == Opcode::Mul && definition->modifiers.mul_part == MulPart::Lo &&
               ptx::bit_width(definition->type) == 32 && is_integer_form(*definition)) {
      absorb = single && all_users([&](const Instruction& user) { return is_add(user, 32); });
    } else if (definition->opcode == Opcode::Shl && ptx::bit_width(definition->type) == 32 &&
               definition->operands[2].kind == Operand::Kind::Immediate) {
      absorb = all_users([&](const Instruction& user) { return is_add(user, 32); });  // LEA
    } else if (is_add(*definition, 32)) {
      // IADD3: three registers at most, and never a whole tree in one.
      absorb = single && all_users([&](const Instruction& user) {
                 if (!is_add(user, 32)) return false;
                 int inner = 0;
                 for (std::size_t i = 1; i < user.operands.size(); ++i) {
                   const Operand& operand = user.operands[i];
                   if (operand.kind == Operand::Kind::Register && operand.reg != reg &&
                       roles[operand.reg].absorbed)
                     ++inner;
                 }
                 for (std::size_t i = 1; i < definition->operands.size(); ++i) {
                   const Operand& operand = definition->operands[i];
                   if (operand.kind == Operand::Kind::Register && roles[operand.reg].absorbed) ++inner;
                 }
                 return inner == 0;
               });
    } else if (is_logic(*definition)) {
      // LOP3: any function of three inputs.
      absorb = single && all_users([&](const Instruction& user) {
                 if (!is_logic(user)) return false;
                 int inputs = register_sources(user, roles) - 1 + register_sources(*definition, roles);
                 for (std::size_t i = 1; i < definition->operands.size(); ++i) {
                   const Operand& operand = definition->operands[i];
                   if (operand.kind == Operand::Kind::Register && roles[operand.reg].absorbed) inputs += 2;
                   if (operand.kind == Operand::Kind::Immediate) ++inputs;
                 }
                 for (std::size_t i = 1; i < user.operands.size(); ++i) {
                   if (user.operands[i].kind == Operand::Kind::Immediate) ++inputs;
                   const Operand& operand = user.operands[i];
                   if (operand.kind == Operand::Kind::Register && operand.reg != reg &&
                       roles[operand.reg].absorbed)
                     inputs += 2;
                 }
                 return inputs <= 3;
               });
    } else if ((definition->opcode == Opcode::Neg || definition->opcode == Opcode::Abs) &&
               ptx::is_float(definition->type) && !ptx::is_packed(definition->type)) {
      // Signs are modifiers of operands.
      absorb = all_users([](const Instruction& user) {
        switch (user.opcode) {
          case Opcode::Add:
          case Opcode::Sub:
          case Opcode::Mul:
          case Opcode::Fma:
          case Opcode::Setp:
          case Opcode::Min:
          case Opcode::Max:
            return ptx::is_float(user.type);
          default:
            return false;
        }
      });
    } else if (definition->opcode == Opcode::Setp && !definition->second_destination &&
               ptx::bit_width(definition->type) <= 32) {
      // A comparison takes another predicate into its result.
      absorb = single && all_users([&](const Instruction& user) {
                 if (user.type != Type::Pred || user.guard) return false;
                 if (user.opcode != Opcode::And && user.opcode != Opcode::Or && user.opcode != Opcode::Xor)
                   return false;
                 for (std::size_t i = 1; i < user.operands.size(); ++i) {
                   const Operand& operand = user.operands[i];
                   if (operand.kind == Operand::Kind::Register && operand.reg != reg &&
                       roles[operand.reg].absorbed)
                     return false;
                 }
                 return true;
               });
    }
    roles[reg].absorbed = absorb;
  }
}

void add_operand_values(OperationBuilder& builder, const Operand& operand, std::vector<ValueId>& values) {
  const auto follow = [&](RegisterId reg) {
    if (builder.roles()[reg].absorbed) {
      const Instruction* const definition = builder.roles().definition(reg);
      for (std::size_t i = destination_count(*definition); i < definition->operands.size(); ++i) {
        add_operand_values(builder, definition->operands[i], values);
      }
      return;
    }
    const ValueId id = builder.value(reg);
    if (id != kNoValue && std::ranges::find(values, id) == values.end()) values.push_back(id);
  };
  if (operand.kind == Operand::Kind::Register) follow(operand.reg);
  if (operand.kind == Operand::Kind::Address && operand.address_base == Operand::AddressBase::Register)
    follow(operand.reg);
  for (const Operand& element : operand.elements) add_operand_values(builder, element, values);
}

std::vector<ValueId> source_values(OperationBuilder& builder, const Instruction& instruction) {
  std::vector<ValueId> values;
  for (std::size_t i = destination_count(instruction); i < instruction.operands.size(); ++i) {
    add_operand_values(builder, instruction.operands[i], values);
  }
  return values;
}

void select_operations(OperationBuilder& builder, std::uint32_t index) {
  const Instruction& instruction = builder.function().instructions[index];
  builder.current = index;
  if (destination_count(instruction) > 0 && instruction.operands[0].kind == Operand::Kind::Register) {
    const RegisterId reg = instruction.operands[0].reg;
    if (builder.roles()[reg].absorbed || builder.roles()[reg].constant) return;
  }
  if (select_control(builder, instruction) || select_memory(builder, instruction) ||
      select_move(builder, instruction) || select_float(builder, instruction) ||
      select_integer(builder, instruction)) {
    return;
  }
  // Anything rarer: one operation of the integer pipe.
  const ValueId result = instruction.operands.empty() || destination_count(instruction) == 0
                             ? kNoValue
                             : builder.writes(instruction.operands[0]);
  builder.emit(instruction, "OTHER", Pipe::Alu, result, source_values(builder, instruction));
}

}  // namespace doppel::kernel
