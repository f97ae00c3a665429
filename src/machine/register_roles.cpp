// SPDX-License-Identifier: Apache-2.0
#include "machine/register_roles.h"

#include <algorithm>

#include "ir/operation.h"

namespace doppel::machine {
namespace {

using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::RegisterId;
using ir::Space;
using ir::SpecialRegister;
using ir::Type;

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
    case SpecialRegister::Globaltimer:
    case SpecialRegister::GlobaltimerLo:
    case SpecialRegister::GlobaltimerHi:
      return false;
    default:
      return true;
  }
}

}  // namespace

bool is_copy(const Operation& operation) {
  switch (operation.op) {
    case Op::Mov:
    case Op::Pack:
    case Op::Unpack:
      return operation.type != Type::Pred;
    case Op::ToGeneric:
    case Op::FromGeneric:
      return true;
    case Op::IConvert: {
      if (operation.attributes.sat) return false;
      const int to = ir::bit_width(operation.type), from = ir::bit_width(operation.source_type);
      if (to <= from) return to >= 16;  // the low part; bytes are cut out with an operation
      // 64 bits from 32 unsigned: the upper register is the zero register.
      return to == 64 && from == 32 && !ir::is_signed(operation.source_type);
    }
    default:
      return false;
  }
}

RegisterRoles RegisterRoles::build(const ir::Function& function, const ControlFlowGraph& graph) {
  RegisterRoles result;
  result.function_ = &function;
  result.graph_ = &graph;
  result.roles_.resize(function.registers.size());
  result.users_.resize(function.registers.size());
  result.parents_.resize(function.registers.size());
  for (RegisterId i = 0; i < result.parents_.size(); ++i) {
    result.parents_[i] = i;
    result.widths_.push_back(function.width(i) == 1 ? 0 : std::max(1, function.width(i) / 32));
  }
  result.count();
  result.find_constants();
  result.find_narrow();
  result.join_copies();
  result.find_varying();
  return result;
}

void RegisterRoles::count() {
  const auto& operations = function_->operations;
  for (std::uint32_t i = 0; i < operations.size(); ++i) {
    if (graph_->block_of(i) == kNoBlock) continue;
    for_each_use(operations[i], [&](RegisterId reg) {
      ++roles_[reg].uses;
      users_[reg].push_back(i);
    });
    for_each_definition(operations[i], [&](RegisterId reg) {
      Role& role = roles_[reg];
      ++role.definitions;
      role.definition = role.definitions == 1 ? i : UINT32_MAX;
    });
  }
  for (RegisterId reg : function_->parameter_registers) {
    if (reg < roles_.size()) roles_[reg].definitions += 2;  // given by the caller
  }
}

const Operation* RegisterRoles::definition(RegisterId reg) const {
  const Role& role = roles_[reg];
  return role.definitions == 1 && role.definition != UINT32_MAX ? &function_->operations[role.definition]
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
      const Operation* const definition = this->definition(reg);
      if (definition == nullptr || roles_[reg].constant || definition->guard) continue;
      bool constant = false;
      if (definition->op == Op::Load) {
        // Parameters and constants at a fixed place are operands from the constant bank (c[0x0][...]).
        const ir::Access& access = definition->accesses[0];
        const bool bank =
            (access.space == Space::Param && function_->is_kernel) || access.space == Space::Const;
        constant = bank && (access.address.base != ir::Address::Base::Register ||
                            roles_[access.address.reg].constant);
      } else if (is_copy(*definition) && definition->op != Op::Pack) {
        constant = std::ranges::all_of(definition->sources, constant_operand);
      } else if ((definition->op == Op::IAdd || definition->op == Op::ISub) &&
                 ir::bit_width(definition->type) == 64) {
        // The address of a variable and an offset; a parameter and an offset ends in the address of the
        // access.
        constant = constant_operand(definition->sources[0]) && definition->sources[1].is_immediate();
      }
      if (constant) {
        roles_[reg].constant = true;
        changed = true;
      }
    }
  }
}

void RegisterRoles::find_narrow() {
  for (RegisterId reg = 0; reg < roles_.size(); ++reg)
    roles_[reg].narrow = function_->width(reg) == 64 && roles_[reg].uses > 0;
  // From the most optimistic down: narrow is what only narrow results and shared addresses use.
  const auto keeps_low_bits = [&](const Operation& in) {
    switch (in.op) {
      case Op::IAdd:
      case Op::ISub:
      case Op::IMul:
      case Op::IMad:
      case Op::Shl:
      case Op::And:
      case Op::Or:
      case Op::Xor:
      case Op::Mov:
      case Op::ToGeneric:
      case Op::FromGeneric:
      case Op::IConvert:
        break;
      default:
        return false;
    }
    const Operand& to = in.results[0];
    if (ir::is_float(in.type) || !to.is_register() || in.attributes.mul_part == ir::MulPart::Hi) return false;
    return ir::bit_width(in.type) <= 32 || roles_[to.reg].narrow;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = 0; i < function_->operations.size(); ++i) {
      if (graph_->block_of(i) == kNoBlock) continue;
      const Operation& in = function_->operations[i];
      const auto deny = [&](RegisterId reg) {
        changed = changed || roles_[reg].narrow;
        roles_[reg].narrow = false;
      };
      for (const ir::Access& access : in.accesses) {
        if (access.address.base == ir::Address::Base::Register && access.space != Space::Shared)
          deny(access.address.reg);
      }
      if (!keeps_low_bits(in)) {
        for (const Operand& source : in.sources) {
          if (source.is_register()) deny(source.reg);
        }
      }
      // What is not computed here has its full width.
      const bool computes = in.op != Op::Call && in.op != Op::Load && in.op != Op::Unpack &&
                            in.op != Op::Atomic && in.op != Op::Select;
      if (!computes) ir::for_each_definition(in, deny);
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
  const bool halves = function_->width(a) < 32;
  a = representative(a);
  b = representative(b);
  if (a == b || roles_[a].constant || roles_[b].constant) return;
  parents_[std::max(a, b)] = std::min(a, b);
  widths_[std::min(a, b)] =
      neighbours && !halves ? std::min(4, widths_[a] + widths_[b]) : std::max(widths_[a], widths_[b]);
}

void RegisterRoles::join_copies() {
  for (std::uint32_t i = 0; i < function_->operations.size(); ++i) {
    const Operation& operation = function_->operations[i];
    if (graph_->block_of(i) == kNoBlock) continue;
    const auto join_all = [&](const std::vector<Operand>& elements) {
      RegisterId first = UINT32_MAX;
      for (const Operand& element : elements) {
        if (!element.is_register()) continue;
        if (first == UINT32_MAX) first = element.reg;
        join(first, element.reg, true);
      }
      return first;
    };
    // A vector load fills neighbouring registers that become valid together.
    const bool loads = operation.op == Op::Load || operation.op == Op::MatrixLoad;
    if (loads && operation.results.size() > 1 && !operation.guard) {
      const bool once = std::ranges::all_of(operation.results, [&](const Operand& element) {
        return !element.is_register() || roles_[element.reg].definitions == 1;
      });
      if (once) join_all(operation.results);
      continue;
    }
    if (!is_copy(operation) || operation.guard) continue;
    const RegisterId a = join_all(operation.results), b = join_all(operation.sources);
    if (a == UINT32_MAX || b == UINT32_MAX) continue;
    // Two variables that both change keep their own registers: the copy is a move.
    if (roles_[a].definitions > 1 && roles_[b].definitions > 1) continue;
    join(a, b);
  }
}

void RegisterRoles::find_varying() {
  const auto varies = [&](const Operation& operation) {
    switch (ir::row(operation).lanes) {
      case ir::LaneEffect::Varying:
        return true;
      case ir::LaneEffect::Memory: {
        const Space space = operation.accesses[0].space;
        if (space != Space::Param && space != Space::Const) return true;
        break;
      }
      case ir::LaneEffect::Nothing:
      case ir::LaneEffect::Uniform:
      case ir::LaneEffect::Pattern:
      case ir::LaneEffect::Members:
      case ir::LaneEffect::Shared:
        break;
    }
    bool varying = std::ranges::any_of(operation.sources, [](const Operand& source) {
      return source.kind == Operand::Kind::Special && !is_uniform_special(source.special);
    });
    ir::for_each_use(operation, [&](RegisterId reg) { varying = varying || roles_[reg].varying; });
    return varying;
  };
  if (!function_->is_kernel) {
    for (Role& role : roles_) role.varying = true;
    return;
  }
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = 0; i < function_->operations.size(); ++i) {
      const Operation& operation = function_->operations[i];
      if (graph_->block_of(i) == kNoBlock || !varies(operation)) continue;
      for_each_definition(operation, [&](RegisterId reg) {
        changed = changed || !roles_[reg].varying;
        roles_[reg].varying = true;
      });
    }
  }
}

}  // namespace doppel::machine
