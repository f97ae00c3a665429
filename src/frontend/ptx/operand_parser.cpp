// SPDX-License-Identifier: Apache-2.0
// Operands of an instruction whose form is known (PTX ISA 6).
#include <array>

#include "frontend/ptx/constant.h"
#include "frontend/ptx/function_parser.h"
#include "frontend/ptx/special_registers.h"
#include "frontend/ptx/type_rules.h"
#include "ir/tensor_map.h"

namespace doppel::ptx {

using Kind = OperandRule::Kind;

RegisterId FunctionParser::fresh_register(Type type) {
  const auto id = static_cast<RegisterId>(function_.registers.size());
  function_.registers.push_back({"%_t", id, true, type});
  return id;
}

Operand FunctionParser::register_operand(std::string_view name, TextLocation where,
                                         const OperandRule& rule) const {
  const auto binding = state_.find(name, where);
  if (!binding) fail_malformed(where, fmt::format("'{}' is not declared", name));
  if (binding->kind != Binding::Kind::Register)
    fail_malformed(where, fmt::format("'{}' is no register", name));
  const Type type = function_.registers[binding->index].type;
  if (!operand_suits(type, rule.type, rule.relaxed)) {
    fail_malformed(where, fmt::format("register '{}' of type .{} where .{} is needed", name, name_of(type),
                                      name_of(rule.type)));
  }
  Operand operand;
  operand.kind = Operand::Kind::Register;
  operand.reg = binding->index;
  return operand;
}

Operand FunctionParser::parse_immediate(Type type) {
  const TextLocation where = state_.here();
  const Constant value = parse_constant(state_.lexer);
  const auto bits = convert(value, type);
  if (!bits) fail_malformed(where, fmt::format("constant does not suit type .{}", name_of(type)));
  Operand operand;
  operand.kind = Operand::Kind::Immediate;
  operand.immediate = *bits;
  return operand;
}

// One of those that the rule lists.
Operand FunctionParser::parse_constant_of(const OperandRule& rule) {
  const TextLocation where = state_.here();
  Operand operand = parse_immediate(rule.type);
  const std::uint8_t taken = rule.constants[0];
  if (rule.most != 0 && operand.immediate > rule.most)
    fail_malformed(where, fmt::format("constant {} is more than {}",
                                      static_cast<std::int64_t>(operand.immediate), rule.most));
  if (taken != 0 && (operand.immediate > 7 || (taken >> operand.immediate & 1) == 0))
    fail_malformed(where,
                   fmt::format("constant {} is not one of those that the form takes", operand.immediate));
  return operand;
}

// `_` becomes a register that nothing reads, so that an instruction always has its destination.
Operand FunctionParser::parse_write(const OperandRule& rule) {
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a register");
  if (name != "_") return register_operand(name, where, rule);
  Operand operand;
  operand.kind = Operand::Kind::Register;
  operand.reg = fresh_register(rule.type);
  return operand;
}

Operand FunctionParser::parse_read(const OperandRule& rule) {
  if (begins_constant(state_.token())) return parse_constant_of(rule);
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a register or a constant");
  return with_addend(register_operand(name, where, rule));
}

// A register, or `register + constant`, which the vendor's assembler takes wherever it takes an integer.
Operand FunctionParser::with_addend(Operand operand) {
  if (!state_.token().is('+')) return operand;
  const TextLocation where = state_.here();
  const Type type = register_type(operand);
  const int bits = bit_width(type);
  if (is_float(type) || bits < 16 || bits > 64)
    fail_malformed(where, fmt::format("a constant cannot be added to a register of type .{}", name_of(type)));
  const Type sum = bits == 64 ? Type::S64 : bits == 32 ? Type::S32 : Type::S16;
  state_.lexer.advance();
  const Operand addend = parse_immediate(sum);
  return compute_before(fmt::format("add.{}", name_of(sum)), {operand, addend});
}

Operand FunctionParser::parse_predicate() {
  const bool negated = state_.accept('!');
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a predicate");
  Operand operand = register_operand(name, where, {Kind::ReadPredicate, Type::Pred});
  operand.negated = negated;
  return operand;
}

Operand FunctionParser::symbol_operand(const Binding& binding, std::string_view name) {
  Operand operand;
  if (binding.kind == Binding::Kind::Function) {
    operand.kind = Operand::Kind::Function;
    operand.function = binding.index;
    return operand;
  }
  if (binding.kind != Binding::Kind::Variable)
    fail_malformed(state_.here(), fmt::format("'{}' has no address", name));
  operand.kind = Operand::Kind::Symbol;
  operand.symbol = {binding.scope, binding.index};
  return operand;
}

namespace {

// `+4`, `+-4`, `-4` after a name; 0 if there is none.
std::int64_t parse_offset(ParserState& state) {
  if (!state.token().is('+') && !state.token().is('-')) return 0;
  const TextLocation where = state.here();
  const Constant value = parse_constant(state.lexer);
  if (value.kind != Constant::Kind::Integer) fail_malformed(where, "an address offset is an integer");
  return static_cast<std::int64_t>(value.bits);
}

}  // namespace

Operand FunctionParser::parse_address(const Instruction& instruction) {
  Operand operand;
  operand.kind = Operand::Kind::Address;
  const bool writes = instruction.opcode == Opcode::St;
  const bool indexed = state_.token().kind == TokenKind::Identifier;  // name[index], PTX ISA 6.4.3
  std::string_view name;
  TextLocation where = state_.here();
  if (indexed) {
    name = state_.expect_identifier("an address");
    const auto binding = state_.find(name, where);
    if (!binding || binding->kind != Binding::Kind::Variable)
      fail_malformed(where, fmt::format("'{}' is no variable", name));
    const SymbolRef symbol{binding->scope, binding->index};
    return element_address(symbol, parse_element_offset(symbol), Type::None, instruction.modifiers.space);
  }
  state_.expect('[');
  if (begins_constant(state_.token())) {
    const Constant value = parse_constant(state_.lexer);
    if (value.kind != Constant::Kind::Integer) fail_malformed(where, "an address is an integer");
    operand.offset = static_cast<std::int64_t>(value.bits);
    state_.expect(']');
    return operand;
  }
  where = state_.here();
  name = state_.expect_identifier("an address");
  const auto binding = state_.find(name, where);
  if (!binding) fail_malformed(where, fmt::format("'{}' is not declared", name));
  if (writes && binding->kind == Binding::Kind::Variable && binding->scope == SymbolRef::Scope::Parameter) {
    fail_malformed(where, fmt::format("parameter '{}' cannot be written", name));
  }
  if (binding->kind == Binding::Kind::Register) {
    const Type type = function_.registers[binding->index].type;
    if (is_float(type) || (bit_width(type) != 32 && bit_width(type) != 64)) {
      fail_malformed(where,
                     fmt::format("register '{}' of type .{} cannot hold an address", name, name_of(type)));
    }
    operand.address_base = Operand::AddressBase::Register;
    operand.reg = binding->index;
  } else if (binding->kind == Binding::Kind::Variable) {
    operand.address_base = Operand::AddressBase::Symbol;
    operand.symbol = {binding->scope, binding->index};
  } else {
    fail_malformed(where, fmt::format("'{}' is no variable", name));
  }
  operand.offset = parse_offset(state_);
  state_.expect(']');
  return operand;
}

// [map, {a, b}]: the map by a register or a variable of global memory, and nothing added.
void FunctionParser::parse_tensor_address(const OperandRule& rule, Instruction& instruction) {
  Operand map;
  map.kind = Operand::Kind::Address;
  state_.expect('[');
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a tensor map");
  const auto binding = state_.find(name, where);
  if (!binding) fail_malformed(where, fmt::format("'{}' is not declared", name));
  if (binding->kind == Binding::Kind::Register) {
    const Type type = function_.registers[binding->index].type;
    if (is_float(type) || (bit_width(type) != 32 && bit_width(type) != 64))
      fail_malformed(where,
                     fmt::format("register '{}' of type .{} cannot hold an address", name, name_of(type)));
    map.address_base = Operand::AddressBase::Register;
    map.reg = binding->index;
  } else {
    const SymbolRef symbol{binding->scope, binding->index};
    if (binding->kind != Binding::Kind::Variable || variable_of(symbol).space != Space::Global)
      fail_malformed(where, fmt::format("'{}' is no variable of global memory", name));
    map.address_base = Operand::AddressBase::Symbol;
    map.symbol = symbol;
  }
  state_.expect(',');
  instruction.operands.push_back(map);
  instruction.operands.push_back(parse_vector(rule, false));
  state_.expect(']');
}

Operand FunctionParser::parse_vector(const OperandRule& rule, bool writes) {
  Operand vector;
  vector.kind = Operand::Kind::Vector;
  const TextLocation where = state_.here();
  state_.expect('{');
  OperandRule element = rule;
  element.vector = 1;
  do {
    if (writes && state_.token().kind == TokenKind::Identifier && state_.token().text == "_") {
      state_.lexer.advance();
      vector.elements.emplace_back();
    } else {
      vector.elements.push_back(writes ? parse_write(element) : parse_read(element));
    }
    element.constants[0] = rule.constants[1];
  } while (state_.accept(','));
  state_.expect('}');
  if (vector.elements.size() != rule.vector) {
    fail_malformed(where,
                   fmt::format("{} elements where {} are needed", vector.elements.size(), rule.vector));
  }
  return vector;
}

// {a, b} of mov: the register's bits in equal parts (PTX ISA 9.7.9.4).
Operand FunctionParser::parse_pack(const OperandRule& rule, bool writes) {
  const TextLocation where = state_.here();
  Operand vector;
  vector.kind = Operand::Kind::Vector;
  std::vector<Token> parts;
  std::vector<std::optional<Constant>> constants;
  state_.expect('{');
  do {
    parts.push_back(state_.token());
    constants.emplace_back();
    if (begins_constant(state_.token())) {
      constants.back() = parse_constant(state_.lexer);
    } else {
      state_.expect_identifier("a register");
    }
  } while (state_.accept(','));
  state_.expect('}');
  const int width = bit_width(rule.type);
  const std::size_t count = parts.size();
  if (count == 1 && width < 128 && !constants[0] && parts[0].text != "_" && !is_float(rule.type) &&
      !is_integer(rule.type))
    return register_operand(parts[0].text, parts[0].location, rule);  // mov.b32 d, {a}
  const bool divides = count == 2 || (count == 4 && width > 16);
  if (is_float(rule.type) || is_integer(rule.type) || !divides || width / static_cast<int>(count) < 8) {
    fail_malformed(where, fmt::format("{} parts do not make a .{}", count, name_of(rule.type)));
  }
  const int part_bits = width / static_cast<int>(count);
  const Type part = part_bits == 8    ? Type::B8
                    : part_bits == 16 ? Type::B16
                    : part_bits == 32 ? Type::B32
                                      : Type::B64;
  for (std::size_t i = 0; i < count; ++i) {
    const Token& token = parts[i];
    if (constants[i]) {
      if (writes) fail_malformed(token.location, fmt::format("register expected, found '{}'", token.text));
      // The vendor's assembler takes the low bits of whatever a literal is, a double's too.
      Operand& constant = vector.elements.emplace_back();
      constant.kind = Operand::Kind::Immediate;
      constant.immediate = *convert({Constant::Kind::Integer, false, constants[i]->bits}, part);
    } else if (token.text == "_" && writes) {
      vector.elements.emplace_back();
    } else {
      vector.elements.push_back(register_operand(token.text, token.location, {Kind::Read, part}));
    }
  }
  return vector;
}

Operand FunctionParser::parse_special(const OperandRule& rule) {
  const Token token = state_.token();
  state_.lexer.advance();
  const auto special = find_special_register(token.text);
  Operand operand;
  operand.kind = Operand::Kind::Special;
  operand.special = special->id;
  operand.component = special->component;
  Type type = special->type;
  if (special->has_components) {
    static constexpr std::array<std::string_view, 4> kComponents = {".x", ".y", ".z", ".w"};
    const std::string_view component = state_.token().text;
    for (std::size_t i = 0; i < kComponents.size(); ++i) {
      if (component == kComponents[i]) operand.component = static_cast<std::uint8_t>(i);
    }
    if (state_.token().kind != TokenKind::Directive || component != kComponents[operand.component]) {
      fail_malformed(state_.here(), fmt::format("'{}' needs a component .x, .y or .z", token.text));
    }
    state_.lexer.advance();
  }
  const std::string missing = unmet(special->requirement, state_.target);
  if (!missing.empty()) fail_unsupported(token.location, fmt::format("'{}' {}", token.text, missing));
  // Legacy code reads those that once had 16 bits into 16, and %gridid into 16 or 32 (PTX ISA 10).
  const bool had_16_bits = special->id == SpecialRegister::Tid || special->id == SpecialRegister::Ntid ||
                           special->id == SpecialRegister::Ctaid || special->id == SpecialRegister::Nctaid ||
                           special->id == SpecialRegister::Gridid;
  const int wanted = rule.type == Type::None || is_float(rule.type) ? 0 : bit_width(rule.type);
  const bool narrower =
      (had_16_bits && wanted == 16) || (special->id == SpecialRegister::Gridid && wanted == 32);
  if (!narrower && !operand_suits(type, rule.type, rule.relaxed)) {
    fail_malformed(token.location, fmt::format("'{}' of type .{} where .{} is needed", token.text,
                                               name_of(type), name_of(rule.type)));
  }
  return operand;
}

// mov d, %special; or {a, b} packed; or a name's address.
Operand FunctionParser::parse_move_source(const OperandRule& rule) {
  const Token token = state_.token();
  if (begins_constant(token)) return parse_immediate(rule.type);
  if (token.kind != TokenKind::Identifier)
    fail_malformed(token.location, fmt::format("operand expected, found {}", state_.found()));
  if (find_special_register(token.text)) return parse_special(rule);
  const auto binding = state_.find(token.text, token.location);
  state_.lexer.advance();
  if (!binding) fail_malformed(token.location, fmt::format("'{}' is not declared", token.text));
  if (binding->kind == Binding::Kind::Register)
    return with_addend(register_operand(token.text, token.location, rule));
  if (is_float(rule.type) || bit_width(rule.type) < 32) {
    fail_malformed(token.location,
                   fmt::format("the address of '{}' does not fit type .{}", token.text, name_of(rule.type)));
  }
  Operand operand = symbol_operand(*binding, token.text);
  if (operand.kind == Operand::Kind::Symbol && variable_of(operand.symbol).opaque != ir::OpaqueType::None)
    return handle_of(operand.symbol);
  if (operand.kind == Operand::Kind::Symbol && state_.token().is('[')) {
    return element_address(operand.symbol, parse_element_offset(operand.symbol), rule.type,
                           variable_of(operand.symbol).space);
  }
  operand.offset = parse_offset(state_);
  return operand;
}

Operand FunctionParser::parse_cvta_source(const OperandRule& rule) {
  const Token token = state_.token();
  if (token.kind == TokenKind::Identifier) {
    const auto binding = state_.find(token.text, token.location);
    if (binding && binding->kind == Binding::Kind::Variable) {
      state_.lexer.advance();
      Operand operand = symbol_operand(*binding, token.text);
      if (state_.token().is('[')) {
        return element_address(operand.symbol, parse_element_offset(operand.symbol), rule.type,
                               variable_of(operand.symbol).space);
      }
      operand.offset = parse_offset(state_);
      return operand;
    }
  }
  return parse_read(rule);
}

// A special register outside mov is read by a mov of its own just before.
RegisterId FunctionParser::special_to_register(const Operand& special, const OperandRule& rule) {
  const SpecialRegisterFacts& facts = facts_of(special.special);
  const Type type = bit_width(facts.type) == 64 && bit_width(rule.type) >= 64 ? Type::U64 : facts.type;
  Instruction move;
  move.opcode = Opcode::Mov;
  move.type = type;
  move.form = fmt::format("mov.{}", name_of(type));
  move.text = state_.here();
  move.source = source_;
  Operand target;
  target.kind = Operand::Kind::Register;
  target.reg = fresh_register(type);
  move.operands = {target, special};
  before_.push_back(std::move(move));
  return target.reg;
}

void FunctionParser::parse_branch_list() {
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a .branchtargets list");
  const auto binding = state_.find(name, where);
  if (!binding || binding->kind != Binding::Kind::BranchTargets) {
    fail_malformed(where, fmt::format("'{}' is no .branchtargets list", name));
  }
  const BranchList& list = branch_lists_[binding->index];
  for (std::size_t i = 0; i < list.names.size(); ++i) {
    const auto index = static_cast<std::uint32_t>(function_.instructions.size() + before_.size());
    label_uses_.push_back({list.names[i], list.scope, list.where[i], index, true, 0});
  }
}

bool FunctionParser::optional_operand_follows(const OperandRule& rule) const {
  if (rule.kind == Kind::Unified) return state_.token().is_directive(".unified");
  return state_.token().is(',');
}

void FunctionParser::parse_operand(const OperandRule& rule, Instruction& instruction) {
  std::vector<Operand>& operands = instruction.operands;
  if (rule.type == Type::B128) {
    const bool writes =
        rule.kind == Kind::Write || rule.kind == Kind::WriteOne || rule.kind == Kind::MoveTarget;
    const bool moves = rule.kind == Kind::MoveTarget || rule.kind == Kind::MoveSource;
    operands.push_back(moves && state_.token().is('{') ? parse_pack(rule, writes) : parse_wide(rule, writes));
    return;
  }
  switch (rule.kind) {
    case Kind::Write:
      operands.push_back(parse_write(rule));
      return;
    case Kind::WriteOne:
    case Kind::ReadOne: {
      const bool listed = state_.accept('{');
      operands.push_back(rule.kind == Kind::WriteOne ? parse_write(rule) : parse_read(rule));
      if (listed) state_.expect('}');
      return;
    }
    case Kind::Read:
      operands.push_back(parse_read(rule));
      return;
    case Kind::ReadPredicate:
      operands.push_back(parse_predicate());
      return;
    case Kind::Immediate:
      if (!begins_constant(state_.token()))
        fail_malformed(state_.here(), fmt::format("constant expected, found {}", state_.found()));
      operands.push_back(parse_constant_of(rule));
      if (instruction.opcode == Opcode::Lop3) {
        if (operands.back().immediate > 255)
          fail_malformed(state_.here(), "lop3's table is a number from 0 to 255");
        instruction.modifiers.lut = static_cast<std::uint8_t>(operands.back().immediate);
      }
      return;
    case Kind::Address:
      operands.push_back(parse_address(instruction));
      return;
    case Kind::Label: {
      const TextLocation where = state_.here();
      const std::string_view name = state_.expect_identifier("a label");
      const auto index = static_cast<std::uint32_t>(function_.instructions.size() + before_.size());
      label_uses_.push_back(
          {name, label_scope_, where, index, false, static_cast<std::uint32_t>(operands.size())});
      operands.emplace_back().kind = Operand::Kind::Label;
      return;
    }
    case Kind::BranchList:
      parse_branch_list();
      return;
    case Kind::WriteVector:
      // atom may discard all of them at once.
      if (instruction.opcode == Opcode::Atom && state_.token().kind == TokenKind::Identifier &&
          state_.token().text == "_") {
        state_.lexer.advance();
        operands.emplace_back().kind = Operand::Kind::Vector;
        operands.back().elements.resize(rule.vector);
      } else {
        operands.push_back(parse_vector(rule, true));
      }
      return;
    case Kind::ReadVector:
      operands.push_back(parse_vector(rule, false));
      return;
    case Kind::MoveTarget:
      operands.push_back(state_.token().is('{') ? parse_pack(rule, true) : parse_write(rule));
      return;
    case Kind::MoveSource:
      operands.push_back(state_.token().is('{') ? parse_pack(rule, false) : parse_move_source(rule));
      return;
    case Kind::SpecialRead:
      if (state_.token().kind == TokenKind::Identifier && find_special_register(state_.token().text)) {
        const Operand special = parse_special(rule);
        Operand operand;
        operand.kind = Operand::Kind::Register;
        operand.reg = special_to_register(special, rule);
        operands.push_back(operand);
      } else {
        operands.push_back(parse_read(rule));
      }
      return;
    case Kind::AddressOrSymbol:
      operands.push_back(parse_cvta_source(rule));
      return;
    case Kind::CopyBytes:
      parse_copy_bytes(rule, instruction);
      return;
    case Kind::SourceBytes:
      operands.push_back(parse_source_bytes(rule, instruction));
      return;
    case Kind::NoResult:
      if (state_.token().kind != TokenKind::Identifier || state_.token().text != "_")
        fail_malformed(state_.here(), fmt::format("'_' expected, found {}", state_.found()));
      state_.lexer.advance();
      operands.emplace_back();
      return;
    case Kind::RegisterCount: {
      const TextLocation where = state_.here();
      if (!begins_constant(state_.token()))
        fail_malformed(where, fmt::format("constant expected, found {}", state_.found()));
      operands.push_back(parse_constant_of(rule));
      const std::uint64_t count = operands.back().immediate;
      if (count < 24 || count > 256 || count % 8 != 0)
        fail_malformed(where, fmt::format("{} registers: a multiple of 8 from 24 to 256 is possible", count));
      return;
    }
    case Kind::Zero: {
      const TextLocation where = state_.here();
      if (!begins_constant(state_.token())) fail_malformed(where, "the constant 0 expected");
      operands.push_back(parse_constant_of(rule));
      if (operands.back().immediate != 0) fail_malformed(where, "the constant 0 expected");
      return;
    }
    case Kind::ArrivalCount: {
      const std::string missing = unmet({80, 90}, state_.target);
      if (!missing.empty()) fail_unsupported(instruction.text, missing + " for a count");
      operands.push_back(parse_read(rule));
      return;
    }
    case Kind::CachePolicy:
      parse_read(rule);
      return;
    case Kind::Unified:
      state_.accept_directive(".unified");
      return;
    case Kind::TextureObject:
      operands.push_back(parse_bracketed_handle(ir::OpaqueType::Texture, "a texture"));
      return;
    case Kind::SamplerObject:
      // Of a texture in unified mode, whose sampler is its own.
      operands.push_back(parse_bracketed_handle(
          state_.independent_textures ? ir::OpaqueType::Sampler : ir::OpaqueType::Texture,
          state_.independent_textures ? "a sampler" : "a texture"));
      return;
    case Kind::SurfaceObject:
      operands.push_back(parse_bracketed_handle(ir::OpaqueType::Surface, "a surface"));
      return;
    case Kind::TextureCoordinates:
      parse_texture_coordinates(rule, instruction);
      return;
    case Kind::TensorAddress:
      parse_tensor_address(rule, instruction);
      return;
    case Kind::TensorMapSize: {
      const TextLocation where = state_.here();
      if (parse_immediate(rule.type).immediate != sizeof(ir::TensorMap))
        fail_malformed(where, "a tensor map has 128 bytes");
      return;
    }
    case Kind::TextureOptions:
      parse_texture_options(instruction);
      return;
  }
}

// The second destination of `d|p`.
void FunctionParser::parse_pipe(const Form& form, Instruction& instruction) {
  const TextLocation where = state_.here();
  if (!state_.accept('|')) {
    if (form.pipe_required) fail_malformed(where, "a second destination after '|' is needed");
    return;
  }
  if (form.pipe_type == Type::None) fail_malformed(where, "this form has one destination");
  if (state_.token().kind == TokenKind::Identifier && state_.token().text == "_") {
    state_.lexer.advance();
    return;
  }
  instruction.second_destination = parse_write({Kind::Write, form.pipe_type});
  if (instruction.modifiers.texture != ir::TextureForm{}) instruction.modifiers.texture.resident = true;
}

// `-` before a register; of a constant it is part.
bool FunctionParser::accept_negation() {
  if (!state_.token().is('-')) return false;
  const Lexer before = state_.lexer;
  state_.lexer.advance();
  if (state_.token().kind == TokenKind::Identifier && state_.token().text != "WARP_SZ") return true;
  state_.lexer = before;
  return false;
}

// `.b2` after a register; empty if there is none.
std::string_view FunctionParser::accept_selector() {
  if (state_.token().kind != TokenKind::Directive) return {};
  const std::string_view selector = state_.token().text;
  state_.lexer.advance();
  return selector;
}

// Whether the next token is a register that holds values of a type of so many bits; 1: a predicate.
bool FunctionParser::register_follows(int bits) {
  if (state_.token().kind != TokenKind::Identifier) return false;
  const auto binding = state_.find(state_.token().text, state_.here());
  return binding && binding->kind == Binding::Kind::Register &&
         bit_width(function_.registers[binding->index].type) == bits;
}

void FunctionParser::parse_copy_bytes(const OperandRule& rule, Instruction& instruction) {
  const TextLocation where = state_.here();
  const Operand constant = parse_constant_of(rule);
  const std::uint64_t bytes = constant.immediate;
  const bool past_l1 = instruction.modifiers.cache_op == CacheOp::Cg;
  if (bytes != 16 && (past_l1 || (bytes != 4 && bytes != 8)))
    fail_malformed(where, past_l1 ? "it copies 16 bytes" : "it copies 4, 8 or 16 bytes");
  instruction.type = Type::B32;
  instruction.modifiers.vector = static_cast<std::uint8_t>(bytes / 4);
  instruction.operands.push_back(constant);
}

// A predicate becomes a number: none where it holds.
Operand FunctionParser::parse_source_bytes(const OperandRule& rule, const Instruction& instruction) {
  if (!state_.token().is('!') && !register_follows(1)) return parse_read(rule);
  Operand none, all;
  none.kind = all.kind = Operand::Kind::Immediate;
  all.immediate = std::uint64_t{4} * instruction.modifiers.vector;
  return compute_before("selp.b32", {none, all, parse_predicate()});
}

void FunctionParser::parse_operands(const Form& form, Instruction& instruction) {
  instruction.operands.reserve(form.operand_count);
  if (form.video.result != Type::None) {
    selectors_ = {};
    negations_ = {};
  }
  for (std::size_t i = 0; i < form.operand_count; ++i) {
    const OperandRule& rule = form.operands[i];
    const bool is_last = i + 1 == form.operand_count;
    if (rule.optional && !is_last && form.operands[i + 1].kind == Kind::ReadPredicate) {
      // bar.red: the number of threads may be left out before the predicate.
      state_.expect(',');
      const auto binding = state_.token().kind == TokenKind::Identifier
                               ? state_.find(state_.token().text, state_.here())
                               : std::nullopt;
      const bool predicate =
          state_.token().is('!') || (binding && binding->kind == Binding::Kind::Register &&
                                     function_.registers[binding->index].type == Type::Pred);
      if (predicate) {
        parse_operand(form.operands[++i], instruction);
      } else {
        parse_operand(rule, instruction);
      }
      continue;
    }
    if (rule.optional && !optional_operand_follows(rule)) continue;
    if (rule.kind == Kind::SourceBytes && !is_last) {
      // It may be left out before the cache policy, which has 64 bits.
      const Lexer before = state_.lexer;
      state_.expect(',');
      const bool policy = register_follows(64);
      state_.lexer = before;
      if (policy) continue;
    }
    if (i > 0 && rule.kind != Kind::Unified) state_.expect(',');
    if (rule.negatable) negations_[i] = accept_negation();
    parse_operand(rule, instruction);
    if (rule.part) selectors_[i] = accept_selector();
    if (i == 0) parse_pipe(form, instruction);
  }
  rewrite(form, instruction);
}

}  // namespace doppel::ptx
