#include "kernel/register_roles.h"

#include <algorithm>

#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;
using ptx::RegisterId;
using ptx::Space;
using ptx::SpecialRegister;
using ptx::Type;

// Special registers that the constant bank holds.
bool is_launch_constant(SpecialRegister special) {
  switch (special) {
    case SpecialRegister::Ntid:
    case SpecialRegister::Nctaid:
    case SpecialRegister::WarpSize:
    case SpecialRegister::DynamicSmemSize:
    case SpecialRegister::TotalSmemSize:
    case SpecialRegister::Envreg:
      return true;
    default:
      return false;
  }
}

bool is_uniform_special(SpecialRegister special) {
  switch (special) {
    case SpecialRegister::Tid:
    case SpecialRegister::Laneid:
    case SpecialRegister::LanemaskEq:
    case SpecialRegister::LanemaskLe:
    case SpecialRegister::LanemaskLt:
    case SpecialRegister::LanemaskGe:
    case SpecialRegister::LanemaskGt:
    case SpecialRegister::Clock:
    case SpecialRegister::ClockHi:
    case SpecialRegister::Clock64:
      return false;
    default:
      return true;
  }
}

}  // namespace

bool is_copy(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Mov:
      return instruction.type != Type::Pred;
    case Opcode::Cvta:
      return true;
    case Opcode::Cvt: {
      if (ptx::is_float(instruction.type) || ptx::is_float(instruction.source_type)) return false;
      if (instruction.modifiers.sat) return false;
      const int to = ptx::bit_width(instruction.type), from = ptx::bit_width(instruction.source_type);
      if (to <= from) return to >= 16;  // the low part; bytes are cut out with an operation
      // 64 bits from 32 unsigned: the upper register is the zero register.
      return to == 64 && from == 32 && !ptx::is_signed(instruction.source_type);
    }
    default:
      return false;
  }
}

RegisterRoles RegisterRoles::build(const ptx::Function& function, const ControlFlowGraph& graph) {
  RegisterRoles result;
  result.function_ = &function;
  result.graph_ = &graph;
  result.roles_.resize(function.registers.size());
  result.users_.resize(function.registers.size());
  result.parents_.resize(function.registers.size());
  for (RegisterId i = 0; i < result.parents_.size(); ++i) {
    const ptx::Type type = function.registers[i].type;
    result.parents_[i] = i;
    result.widths_.push_back(type == Type::Pred ? 0 : std::max(1, ptx::bit_width(type) / 32));
  }
  result.count();
  result.find_constants();
  result.find_narrow();
  result.join_copies();
  result.find_varying();
  return result;
}

void RegisterRoles::count() {
  const auto& instructions = function_->instructions;
  for (std::uint32_t i = 0; i < instructions.size(); ++i) {
    if (graph_->block_of(i) == kNoBlock) continue;
    for_each_use(instructions[i], [&](RegisterId reg) {
      ++roles_[reg].uses;
      users_[reg].push_back(i);
    });
    for_each_definition(instructions[i], [&](RegisterId reg) {
      Role& role = roles_[reg];
      ++role.definitions;
      role.definition = role.definitions == 1 ? i : UINT32_MAX;
    });
  }
  for (RegisterId reg : function_->parameter_registers) {
    if (reg < roles_.size()) roles_[reg].definitions += 2;  // given by the caller
  }
}

const Instruction* RegisterRoles::definition(RegisterId reg) const {
  const Role& role = roles_[reg];
  return role.definitions == 1 && role.definition != UINT32_MAX ? &function_->instructions[role.definition]
                                                                : nullptr;
}

void RegisterRoles::find_constants() {
  const auto constant_operand = [&](const Operand& operand) {
    switch (operand.kind) {
      case Operand::Kind::Immediate:
      case Operand::Kind::Symbol:
      case Operand::Kind::Function:
        return true;
      case Operand::Kind::Special:
        return is_launch_constant(operand.special);
      case Operand::Kind::Register:
        return roles_[operand.reg].constant;
      default:
        return false;
    }
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (RegisterId reg = 0; reg < roles_.size(); ++reg) {
      const Instruction* const definition = this->definition(reg);
      if (definition == nullptr || roles_[reg].constant || definition->guard) continue;
      bool constant = false;
      if (definition->opcode == Opcode::Ld) {
        // Parameters and constants at a fixed place are operands from the constant bank (c[0x0][...]).
        const bool bank = (definition->modifiers.space == Space::Param && function_->is_kernel) ||
                          definition->modifiers.space == Space::Const;
        const Operand& address = definition->operands[1];
        constant =
            bank && (address.address_base != Operand::AddressBase::Register || roles_[address.reg].constant);
      } else if (is_copy(*definition)) {
        constant =
            std::all_of(definition->operands.begin() + 1, definition->operands.end(), constant_operand);
      } else if ((definition->opcode == Opcode::Add || definition->opcode == Opcode::Sub) &&
                 ptx::bit_width(definition->type) == 64 && !ptx::is_float(definition->type)) {
        // The address of a variable and an offset; a parameter and an offset ends in the address of the
        // access.
        constant = constant_operand(definition->operands[1]) &&
                   definition->operands[2].kind == Operand::Kind::Immediate;
      }
      if (constant) {
        roles_[reg].constant = true;
        changed = true;
      }
    }
  }
}

void RegisterRoles::find_narrow() {
  for (RegisterId reg = 0; reg < roles_.size(); ++reg) {
    roles_[reg].narrow = ptx::bit_width(function_->registers[reg].type) == 64 && roles_[reg].uses > 0 &&
                         function_->registers[reg].type != Type::F64;
  }
  // From the most optimistic down: narrow is what only narrow results and shared addresses use.
  const auto keeps_low_bits = [&](const Instruction& in) {
    switch (in.opcode) {
      case Opcode::Add:
      case Opcode::Sub:
      case Opcode::Mul:
      case Opcode::Mad:
      case Opcode::Shl:
      case Opcode::And:
      case Opcode::Or:
      case Opcode::Xor:
      case Opcode::Mov:
      case Opcode::Cvta:
      case Opcode::Cvt:
        break;
      default:
        return false;
    }
    const Operand& to = in.operands[0];
    if (ptx::is_float(in.type) || to.kind != Operand::Kind::Register ||
        in.modifiers.mul_part == ptx::MulPart::Hi)
      return false;
    if (in.modifiers.carry_out) return false;
    return ptx::bit_width(in.type) <= 32 || roles_[to.reg].narrow;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = 0; i < function_->instructions.size(); ++i) {
      if (graph_->block_of(i) == kNoBlock) continue;
      const Instruction& in = function_->instructions[i];
      const bool low = keeps_low_bits(in);
      const std::size_t first = destination_count(in);
      const auto deny = [&](RegisterId reg) {
        changed = changed || roles_[reg].narrow;
        roles_[reg].narrow = false;
      };
      const bool shared = in.modifiers.space == Space::Shared;
      for (std::size_t k = 0; k < in.operands.size(); ++k) {
        const Operand& operand = in.operands[k];
        if (operand.kind == Operand::Kind::Address &&
            operand.address_base == Operand::AddressBase::Register && !shared)
          deny(operand.reg);
        if (operand.kind == Operand::Kind::Register && k >= first && !low) deny(operand.reg);
        for (const Operand& element : operand.elements) {
          if (element.kind == Operand::Kind::Register) deny(element.reg);
        }
      }
      if (in.call) {
        for_each_use(in, deny);
        for_each_definition(in, deny);
      }
      // What is not computed here has its full width.
      if (in.opcode == Opcode::Ld || in.opcode == Opcode::Atom || in.opcode == Opcode::Selp)
        for_each_definition(in, deny);
    }
  }
  for (RegisterId reg = 0; reg < roles_.size(); ++reg) {
    if (roles_[reg].narrow) widths_[reg] = 1;
  }
}

RegisterId RegisterRoles::representative(RegisterId reg) const {
  while (parents_[reg] != reg) reg = parents_[reg];
  return reg;
}

void RegisterRoles::join(RegisterId a, RegisterId b, bool neighbours) {
  const bool halves = ptx::bit_width(function_->registers[a].type) < 32;
  a = representative(a);
  b = representative(b);
  if (a == b || roles_[a].constant || roles_[b].constant) return;
  parents_[std::max(a, b)] = std::min(a, b);
  widths_[std::min(a, b)] =
      neighbours && !halves ? std::min(4, widths_[a] + widths_[b]) : std::max(widths_[a], widths_[b]);
}

void RegisterRoles::join_copies() {
  for (std::uint32_t i = 0; i < function_->instructions.size(); ++i) {
    const Instruction& instruction = function_->instructions[i];
    if (graph_->block_of(i) == kNoBlock) continue;
    const auto join_elements = [&](const Operand& vector) {
      RegisterId first = UINT32_MAX;
      for (const Operand& element : vector.elements) {
        if (element.kind != Operand::Kind::Register) continue;
        if (first == UINT32_MAX) first = element.reg;
        join(first, element.reg, true);
      }
      return first;
    };
    // A vector load fills neighbouring registers that become valid together.
    if ((instruction.opcode == Opcode::Ld || instruction.opcode == Opcode::Ldu) &&
        instruction.operands[0].kind == Operand::Kind::Vector && !instruction.guard) {
      bool once = true;
      for (const Operand& element : instruction.operands[0].elements) {
        once = once && (element.kind != Operand::Kind::Register || roles_[element.reg].definitions == 1);
      }
      if (once) join_elements(instruction.operands[0]);
      continue;
    }
    if (!is_copy(instruction) || instruction.guard) continue;
    const Operand& to = instruction.operands[0];
    const Operand& from = instruction.operands[1];
    const auto leader = [&](const Operand& operand) {
      if (operand.kind == Operand::Kind::Register) return operand.reg;
      return operand.kind == Operand::Kind::Vector ? join_elements(operand) : UINT32_MAX;
    };
    const RegisterId a = leader(to), b = leader(from);
    if (a == UINT32_MAX || b == UINT32_MAX) continue;
    // Two variables that both change keep their own registers: the copy is a move.
    if (roles_[a].definitions > 1 && roles_[b].definitions > 1) continue;
    join(a, b);
  }
}

void RegisterRoles::find_varying() {
  const auto varies = [&](const Instruction& instruction) {
    switch (instruction.opcode) {
      case Opcode::Ld:
      case Opcode::Ldu:
        if (instruction.modifiers.space != Space::Param && instruction.modifiers.space != Space::Const)
          return true;
        break;
      case Opcode::Atom:
      case Opcode::Shfl:
      case Opcode::Match:
      case Opcode::Call:
      case Opcode::Elect:
        return true;
      default:
        break;
    }
    bool varying = false;
    for (std::size_t i = destination_count(instruction); i < instruction.operands.size(); ++i) {
      const Operand& operand = instruction.operands[i];
      if (operand.kind == Operand::Kind::Special) varying = varying || !is_uniform_special(operand.special);
    }
    for_each_use(instruction, [&](RegisterId reg) { varying = varying || roles_[reg].varying; });
    return varying;
  };
  if (!function_->is_kernel) {
    for (Role& role : roles_) role.varying = true;
    return;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = 0; i < function_->instructions.size(); ++i) {
      const Instruction& instruction = function_->instructions[i];
      if (graph_->block_of(i) == kNoBlock || !varies(instruction)) continue;
      for_each_definition(instruction, [&](RegisterId reg) {
        changed = changed || !roles_[reg].varying;
        roles_[reg].varying = true;
      });
    }
  }
}

}  // namespace doppel::kernel
