// SPDX-License-Identifier: Apache-2.0
// call: direct, or through a register with a .callprototype or .calltargets list (PTX ISA 9.7.12.5).
#include "frontend/ptx/declarations.h"
#include "frontend/ptx/function_parser.h"
#include "frontend/ptx/type_rules.h"

namespace doppel::ptx {

// (a, b, ...): .param variables, registers, constants.
std::vector<FunctionParser::CallValue> FunctionParser::parse_call_list() {
  std::vector<CallValue> values;
  state_.expect('(');
  if (state_.accept(')')) return values;
  do {
    CallValue value;
    value.where = state_.here();
    if (begins_constant(state_.token())) {
      value.constant = parse_constant(state_.lexer);
      value.operand.kind = Operand::Kind::Immediate;
    } else {
      const std::string_view name = state_.expect_identifier("an argument");
      const auto binding = name == "_" ? std::nullopt : state_.names.find(name);
      if (name == "_") {
        value.operand.kind = Operand::Kind::Sink;
      } else if (!binding) {
        fail_malformed(value.where, fmt::format("'{}' is not declared", name));
      } else if (binding->kind == Binding::Kind::Register) {
        value.operand.kind = Operand::Kind::Register;
        value.operand.reg = binding->index;
      } else if (binding->kind == Binding::Kind::Variable && binding->scope != SymbolRef::Scope::Module) {
        value.operand.kind = Operand::Kind::Symbol;
        value.operand.symbol = {binding->scope, binding->index};
      } else {
        fail_malformed(value.where, fmt::format("'{}' cannot be passed to a function", name));
      }
    }
    values.push_back(std::move(value));
  } while (state_.accept(','));
  state_.expect(')');
  return values;
}

const Variable& FunctionParser::variable_of(SymbolRef symbol) const {
  switch (symbol.scope) {
    case SymbolRef::Scope::Module:
      return state_.module.variables[symbol.index];
    case SymbolRef::Scope::Function:
      return function_.variables[symbol.index];
    case SymbolRef::Scope::Parameter:
      return function_.parameters[symbol.index];
    case SymbolRef::Scope::ReturnParameter:
      break;
  }
  return function_.return_parameters[symbol.index];
}

// Each value must have its parameter's size and kind; constants take the parameter's type.
std::vector<Operand> FunctionParser::match_call_list(std::vector<CallValue> given,
                                                     const std::vector<Variable>& wanted,
                                                     std::string_view what, TextLocation where) const {
  if (given.size() != wanted.size()) {
    fail_malformed(where,
                   fmt::format("{} {} given where {} are declared", given.size(), what, wanted.size()));
  }
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < given.size(); ++i) {
    CallValue& value = given[i];
    const Variable& parameter = wanted[i];
    if (value.constant) {
      const auto bits = convert(*value.constant, parameter.type);
      if (!bits)
        fail_malformed(value.where, fmt::format("constant does not suit type .{}", name_of(parameter.type)));
      value.operand.immediate = *bits;
    } else if (value.operand.kind == Operand::Kind::Register) {
      const Type type = function_.registers[value.operand.reg].type;
      if (type == Type::B128) fail_unsupported(value.where, "a register of type .b128 passed to a function");
      if (parameter.size != static_cast<std::uint64_t>(byte_size(type)) ||
          !operand_suits(type, parameter.type, false)) {
        fail_malformed(value.where, fmt::format("register of type .{} for a parameter of type .{}",
                                                name_of(type), name_of(parameter.type)));
      }
    } else if (value.operand.kind == Operand::Kind::Symbol) {
      const Variable& variable = variable_of(value.operand.symbol);
      if (variable.space != Space::Param)
        fail_malformed(value.where, fmt::format("'{}' is not in .param", variable.name));
      if (parameter.size != 0 && variable.size != parameter.size) {
        fail_malformed(value.where, fmt::format("'{}' of {} bytes for a parameter of {} bytes", variable.name,
                                                variable.size, parameter.size));
      }
    }
    operands.push_back(std::move(value.operand));
  }
  return operands;
}

void FunctionParser::parse_call(Instruction& instruction) {
  auto call = std::make_shared<Call>();
  const TextLocation where = state_.here();
  std::vector<CallValue> returns, arguments;
  if (state_.token().is('(')) {
    returns = parse_call_list();
    state_.expect(',');
  }
  const TextLocation target_at = state_.here();
  const std::string_view name = state_.expect_identifier("a function");
  const auto target = state_.find(name, target_at);
  if (!target) fail_malformed(target_at, fmt::format("function '{}' is not declared", name));
  if (state_.accept(',')) {
    if (state_.token().is('(')) {
      arguments = parse_call_list();
    } else {
      // `call %r, list;` without arguments
      parse_call_suffix(*call);
    }
    if (state_.accept(',')) parse_call_suffix(*call);
  }
  const std::vector<Variable>* return_parameters = nullptr;
  const std::vector<Variable>* parameters = nullptr;
  const auto use_signature = [&](const auto& signature) {
    return_parameters = &signature.return_parameters;
    parameters = &signature.parameters;
  };
  if (target->kind == Binding::Kind::Function) {
    const Function& callee = state_.module.functions[target->index];
    if (callee.is_kernel)
      fail_malformed(target_at, fmt::format("'{}' is a kernel and cannot be called", name));
    call->callee = target->index;
    use_signature(callee);
  } else {
    call->target = register_operand(
        name, target_at, {OperandRule::Kind::Read, state_.module.address_size == 32 ? Type::B32 : Type::B64});
    if (call->prototype) {
      use_signature(function_.prototypes[*call->prototype]);
    } else if (!call->possible_targets.empty()) {
      use_signature(state_.module.functions[call->possible_targets.front()]);
    } else {
      fail_malformed(target_at, "an indirect call needs a .callprototype or .calltargets list");
    }
  }
  call->returns = match_call_list(std::move(returns), *return_parameters, "return values", where);
  call->arguments = match_call_list(std::move(arguments), *parameters, "arguments", where);
  instruction.call = std::move(call);
}

// The last part of an indirect call: the name of a prototype or of a list of targets.
void FunctionParser::parse_call_suffix(Call& call) {
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a prototype or a list of targets");
  const auto binding = state_.names.find(name);
  if (binding && binding->kind == Binding::Kind::Prototype) {
    call.prototype = binding->index;
  } else if (binding && binding->kind == Binding::Kind::CallTargets) {
    call.possible_targets = call_targets_[binding->index];
  } else {
    fail_malformed(where, fmt::format("'{}' is no .callprototype or .calltargets list", name));
  }
}

// After `.callprototype`: (returns) _ (parameters) [.noreturn]
Prototype FunctionParser::parse_prototype(std::string_view name) {
  Prototype prototype;
  prototype.name = name;
  const auto take = [this](std::vector<Variable>& into) {
    for (Declarator& declared : parse_parameters(state_)) into.push_back(std::move(declared.variable));
  };
  if (state_.token().is('(')) take(prototype.return_parameters);
  state_.expect_identifier("_");
  if (state_.token().is('(')) take(prototype.parameters);
  for (;;) {
    if (state_.accept_directive(".noreturn")) continue;
    const TextLocation where = state_.here();
    if (state_.accept_directive(".abi_preserve") || state_.accept_directive(".abi_preserve_control")) {
      fail_unsupported(where, ".abi_preserve is not supported");
    }
    return prototype;
  }
}

}  // namespace doppel::ptx
