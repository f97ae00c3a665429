// SPDX-License-Identifier: Apache-2.0
// Registers of 128 bits (.b128, PTX ISA 9.7.9.4, 9.7.9.9, 9.7.13.5): each is two of 64, the lower first, and
// what reads or writes one has a vector of both, as if it were a .v2.b64. Later parts know no others.
#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {

Operand FunctionParser::halves_of(RegisterId wide) {
  auto found = wide_registers_.find(wide);
  if (found == wide_registers_.end()) {
    const RegisterId low = fresh_register(Type::B64);
    found = wide_registers_.emplace(wide, std::pair{low, fresh_register(Type::B64)}).first;
  }
  Operand both;
  both.kind = Operand::Kind::Vector;
  for (const RegisterId half : {found->second.first, found->second.second}) {
    Operand& element = both.elements.emplace_back();
    element.kind = Operand::Kind::Register;
    element.reg = half;
  }
  return both;
}

// A register, a constant, or both halves in braces, as such an operand is printed.
Operand FunctionParser::parse_wide(const OperandRule& rule, bool writes) {
  if (state_.token().is('{')) {
    const Lexer before = state_.lexer;
    state_.lexer.advance();
    const auto binding = state_.token().kind == TokenKind::Identifier
                             ? state_.find(state_.token().text, state_.here())
                             : std::nullopt;
    const bool one = binding && binding->kind == Binding::Kind::Register &&
                     function_.registers[binding->index].type == Type::B128;
    if (one) {  // {%q}: a list of one
      const Operand operand = parse_wide(rule, writes);
      state_.expect('}');
      return operand;
    }
    state_.lexer = before;
    return parse_vector({OperandRule::Kind::ReadVector, Type::B64, false, false, 2}, writes);
  }
  if (!writes && begins_constant(state_.token())) {
    // Above the 64 bits that a constant has there are zeros, as the vendor's assembler has it.
    Operand both;
    both.kind = Operand::Kind::Vector;
    both.elements = {parse_immediate(Type::B64), {}};
    both.elements[1].kind = Operand::Kind::Immediate;
    return both;
  }
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier("a register");
  if (name == "_" && writes) return halves_of(fresh_register(Type::B128));
  return halves_of(register_operand(name, where, rule).reg);
}

void FunctionParser::rewrite_wide(Instruction& instruction) {
  instruction.type = Type::B64;
  instruction.modifiers.vector = 2;
  if (instruction.opcode != Opcode::Mov) return;
  Operand& to = instruction.operands[0];
  Operand& from = instruction.operands[1];
  // Of four parts two make a half.
  if (from.elements.size() == 4) {
    for (std::size_t i = 0; i < 2; ++i) {
      Operand pack;
      pack.kind = Operand::Kind::Vector;
      pack.elements.assign(from.elements.begin() + static_cast<std::ptrdiff_t>(2 * i),
                           from.elements.begin() + static_cast<std::ptrdiff_t>(2 * i + 2));
      from.elements[i] = compute_before("mov.b64", {pack});
    }
    from.elements.resize(2);
  }
  if (to.elements.size() != 4) {
    rewrite_vector_move(instruction);
    return;
  }
  instruction.modifiers.vector = 1;
  instruction.form = "mov.b64";
  const std::vector<Operand> parts = std::move(to.elements), halves = std::move(from.elements);
  Instruction last = instruction;
  for (std::size_t i = 0; i < 2; ++i) {
    Operand unpack;
    unpack.kind = Operand::Kind::Vector;
    unpack.elements.assign(parts.begin() + static_cast<std::ptrdiff_t>(2 * i),
                           parts.begin() + static_cast<std::ptrdiff_t>(2 * i + 2));
    last.operands = {unpack, halves[i]};
    if (i == 0) before_.push_back(last);
  }
  instruction = std::move(last);
}

// Nothing names them any more; they stand as what later parts know.
void FunctionParser::settle_wide_registers() {
  for (Register& each : function_.registers) {
    if (each.type == Type::B128) each.type = Type::B64;
  }
}

}  // namespace doppel::ptx
