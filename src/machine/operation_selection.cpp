// SPDX-License-Identifier: Apache-2.0
#include "machine/operation_selection.h"

#include <algorithm>
#include <bit>

#include "ir/operation.h"

namespace doppel::machine {
namespace {

using ir::MemoryEffect;
using ir::MulPart;
using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::RegisterId;
using ir::Type;

bool is_add(const Operation& operation, int bits) {
  return operation.op == Op::IAdd && ir::bit_width(operation.type) == bits && !operation.attributes.sat &&
         !operation.guard;
}

// `reg` is the base of the address and no data.
bool used_as_base_only(const Operation& user, RegisterId reg) {
  switch (ir::row(user).memory) {
    case MemoryEffect::Load:
    case MemoryEffect::Store:
    case MemoryEffect::Atomic:
    case MemoryEffect::Reduce:
      break;
    case MemoryEffect::None:
    case MemoryEffect::Hint:
    case MemoryEffect::Fence:
    case MemoryEffect::Call:
    case MemoryEffect::TextureLoad:
    case MemoryEffect::SurfaceWrite:
      return false;
  }
  const auto is_base = [&](const ir::Access& access) {
    return access.address.base == ir::Address::Base::Register && access.address.reg == reg;
  };
  const auto is_it = [&](const Operand& operand) { return operand.is_register() && operand.reg == reg; };
  return std::ranges::any_of(user.accesses, is_base) && std::ranges::none_of(user.sources, is_it) &&
         std::ranges::none_of(user.results, is_it);
}

// 64-bit index times size: mul.wide, or a shift of a sign- or zero-extended 32-bit value.
bool is_wide_product(const Operation& operation, const RegisterRoles& roles) {
  if (operation.guard) return false;
  if (operation.op == Op::IMul && operation.attributes.mul_part == MulPart::Wide &&
      ir::bit_width(operation.type) == 32) {
    return true;
  }
  if (operation.op != Op::Shl || ir::bit_width(operation.type) != 64) return false;
  if (!operation.sources[0].is_register() || !operation.sources[1].is_immediate()) return false;
  const Operation* const extension = roles.definition(operation.sources[0].reg);
  return extension != nullptr && extension->op == Op::IConvert && ir::bit_width(extension->type) == 64 &&
         ir::bit_width(extension->source_type) == 32;
}

bool is_logic(const Operation& operation) {
  if (operation.guard || ir::bit_width(operation.type) > 32 || operation.type == Type::Pred) return false;
  switch (operation.op) {
    case Op::And:
    case Op::Or:
    case Op::Xor:
    case Op::Not:
      return true;
    default:
      return false;
  }
}

int register_sources(const Operation& operation, const RegisterRoles& roles) {
  return static_cast<int>(std::ranges::count_if(operation.sources, [&](const Operand& source) {
    return source.is_register() && !roles[source.reg].constant;
  }));
}

// Sources other than `reg` whose definitions the operation does as well.
int absorbed_sources(const Operation& operation, RegisterId reg, const RegisterRoles& roles) {
  return static_cast<int>(std::ranges::count_if(operation.sources, [&](const Operand& source) {
    return source.is_register() && source.reg != reg && roles[source.reg].absorbed;
  }));
}

}  // namespace

void absorb_definitions(const ir::Function& function, const ControlFlowGraph& graph, RegisterRoles& roles) {
  for (RegisterId reg = 0; reg < function.registers.size(); ++reg) {
    const Operation* const definition = roles.definition(reg);
    if (definition == nullptr || definition->guard || roles[reg].constant || roles[reg].uses == 0) continue;
    const std::uint32_t at = roles[reg].definition;
    const auto& users = roles.users(reg);
    const auto all_users = [&](auto&& predicate) {
      return std::ranges::all_of(users,
                                 [&](std::uint32_t user) { return predicate(function.operations[user]); });
    };
    const bool single = users.size() == 1 && graph.block_of(users[0]) == graph.block_of(at);
    bool absorb = false;
    if (is_wide_product(*definition, roles)) {
      // IMAD.WIDE takes the add with it.
      absorb = all_users([&](const Operation& user) { return is_add(user, 64); });
    } else if (is_add(*definition, 64) && definition->sources[1].is_immediate()) {
      // The access's own offset holds 24 bits with sign.
      const auto offset = static_cast<std::int64_t>(definition->sources[1].immediate);
      absorb = offset > -(1 << 23) && offset < (1 << 23) &&
               all_users([&](const Operation& user) { return used_as_base_only(user, reg); });
    } else if (is_add(*definition, 32) && definition->sources[1].is_immediate() &&
               all_users([&](const Operation& user) { return used_as_base_only(user, reg); })) {
      absorb = true;  // of a shared-memory address
    } else if (definition->op == Op::IMul && definition->attributes.mul_part == MulPart::Lo &&
               ir::bit_width(definition->type) == 32) {
      absorb = single && all_users([&](const Operation& user) { return is_add(user, 32); });
    } else if (definition->op == Op::Shl && ir::bit_width(definition->type) == 32 &&
               definition->sources[1].is_immediate()) {
      absorb = all_users([&](const Operation& user) { return is_add(user, 32); });  // LEA
    } else if (is_add(*definition, 32)) {
      // IADD3: three registers at most, and never a whole tree in one.
      absorb = single && all_users([&](const Operation& user) {
                 if (!is_add(user, 32)) return false;
                 return absorbed_sources(user, reg, roles) == 0 &&
                        absorbed_sources(*definition, ir::kNoRegister, roles) == 0;
               });
    } else if (is_logic(*definition)) {
      // LOP3: any function of three inputs.
      absorb = single && all_users([&](const Operation& user) {
                 if (!is_logic(user)) return false;
                 const auto constants = [](const Operation& each) {
                   return static_cast<int>(std::ranges::count_if(each.sources, &Operand::is_immediate));
                 };
                 const int inputs = register_sources(user, roles) - 1 + register_sources(*definition, roles) +
                                    constants(user) + constants(*definition) +
                                    2 * absorbed_sources(user, reg, roles) +
                                    2 * absorbed_sources(*definition, ir::kNoRegister, roles);
                 return inputs <= 3;
               });
    } else if ((definition->op == Op::FNeg || definition->op == Op::FAbs) &&
               !ir::is_packed(definition->type)) {
      // Signs are modifiers of operands.
      absorb = all_users([](const Operation& user) {
        switch (user.op) {
          case Op::FAdd:
          case Op::FSub:
          case Op::FMul:
          case Op::FFma:
          case Op::FCompare:
          case Op::FMin:
          case Op::FMax:
            return true;
          default:
            return false;
        }
      });
    } else if ((definition->op == Op::ICompare || definition->op == Op::FCompare) &&
               definition->results.size() == 1 && ir::bit_width(definition->type) <= 32) {
      // A comparison takes another predicate into its result.
      absorb = single && all_users([&](const Operation& user) {
                 if (user.type != Type::Pred || user.guard) return false;
                 if (user.op != Op::And && user.op != Op::Or && user.op != Op::Xor) return false;
                 return absorbed_sources(user, reg, roles) == 0;
               });
    }
    roles[reg].absorbed = absorb;
  }
}

namespace {

// Definitions that their users do are followed to what they read.
void add_register_value(OperationBuilder& builder, RegisterId reg, std::vector<ValueId>& values) {
  if (builder.roles()[reg].absorbed) {
    const Operation* const definition = builder.roles().definition(reg);
    for (const Operand& source : definition->sources) add_operand_value(builder, source, values);
    return;
  }
  const ValueId id = builder.value(reg);
  if (id != kNoValue && std::ranges::find(values, id) == values.end()) values.push_back(id);
}

// The carry is no operand of the machine's that anyone waits for.
std::size_t data_sources(const Operation& operation) {
  switch (operation.op) {
    case Op::IAddCarry:
    case Op::ISubCarry:
    case Op::IMadCarry:
      return operation.sources.size() - 1;
    default:
      return operation.sources.size();
  }
}

}  // namespace

void add_operand_value(OperationBuilder& builder, const Operand& operand, std::vector<ValueId>& values) {
  if (operand.is_register()) add_register_value(builder, operand.reg, values);
}

std::vector<ValueId> source_values(OperationBuilder& builder, const Operation& operation) {
  std::vector<ValueId> values;
  for (const ir::Access& access : operation.accesses) {
    if (access.address.base == ir::Address::Base::Register)
      add_register_value(builder, access.address.reg, values);
  }
  const std::size_t count = data_sources(operation);
  for (std::size_t i = 0; i < count; ++i) add_operand_value(builder, operation.sources[i], values);
  return values;
}

void select_operations(OperationBuilder& builder, std::uint32_t index) {
  const Operation& operation = builder.function().operations[index];
  builder.current = index;
  for (const ir::Access& access : operation.accesses) {
    if (access.completion != ir::Completion::None && operation.op != Op::AsyncCopy &&
        operation.op != Op::BulkCopy && operation.op != Op::TensorCopy && operation.op != Op::AsyncStore &&
        operation.op != Op::LaunchCancel)
      builder.refuse(operation, "an asynchronous access");
  }
  // Of several results none is a constant, nor done by its user.
  if (operation.results.size() == 1 && operation.results[0].is_register()) {
    const RegisterId reg = operation.results[0].reg;
    if (builder.roles()[reg].absorbed || builder.roles()[reg].constant) return;
  }
  switch (ir::row(operation).issue) {
    case ir::IssueRules::Move:
      select_move(builder, operation);
      break;
    case ir::IssueRules::Integer:
      select_integer(builder, operation);
      break;
    case ir::IssueRules::Float:
      select_float(builder, operation);
      break;
    case ir::IssueRules::Memory:
      select_memory(builder, operation);
      break;
    case ir::IssueRules::Texture:
      select_texture(builder, operation);
      break;
    case ir::IssueRules::Warp:
      select_warp(builder, operation);
      break;
    case ir::IssueRules::Matrix:
      select_matrix(builder, operation);
      break;
    case ir::IssueRules::Control:
      select_control(builder, operation);
      break;
  }
}

}  // namespace doppel::machine
