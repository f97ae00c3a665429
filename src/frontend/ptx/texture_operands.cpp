// SPDX-License-Identifier: Apache-2.0
// Operands of textures and surfaces (PTX ISA 5.3, 9.7.10). A variable of an opaque type holds a 64-bit
// handle, which is read wherever the variable is named: from there on all textures are bindless.
#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {

using Kind = OperandRule::Kind;
using ir::OpaqueType;

// The handle that such a variable holds.
Operand FunctionParser::handle_of(SymbolRef symbol) {
  Operand address;
  address.kind = Operand::Kind::Address;
  address.address_base = Operand::AddressBase::Symbol;
  address.symbol = symbol;
  return compute_before(variable_of(symbol).space == Space::Param ? "ld.param.b64" : "ld.global.b64",
                        {address});
}

// A 64-bit register, or a variable of the type.
Operand FunctionParser::parse_handle(OpaqueType wanted, std::string_view what) {
  const TextLocation where = state_.here();
  const std::string_view name = state_.expect_identifier(what);
  const auto binding = state_.find(name, where);
  if (!binding) fail_malformed(where, fmt::format("'{}' is not declared", name));
  if (binding->kind != Binding::Kind::Variable) return register_operand(name, where, {Kind::Read, Type::B64});
  const SymbolRef symbol{binding->scope, binding->index};
  if (variable_of(symbol).opaque != wanted) fail_malformed(where, fmt::format("'{}' is not {}", name, what));
  return handle_of(symbol);
}

Operand FunctionParser::parse_bracketed_handle(OpaqueType wanted, std::string_view what) {
  state_.expect('[');
  Operand handle = parse_handle(wanted, what);
  state_.expect(']');
  return handle;
}

// Whether a sampler stands where the coordinates may begin, too: they are no 64-bit registers.
bool FunctionParser::sampler_follows() const {
  if (state_.token().kind != TokenKind::Identifier) return false;
  const auto binding = state_.names.find(state_.token().text);
  if (!binding) return false;
  if (binding->kind == Binding::Kind::Variable) return true;
  return binding->kind == Binding::Kind::Register &&
         bit_width(function_.registers[binding->index].type) == 64;
}

// A vector, or its one element alone. Of a layered texture the first is the layer, a whole number.
Operand FunctionParser::parse_words(const OperandRule& rule, bool layered) {
  Operand vector;
  vector.kind = Operand::Kind::Vector;
  const TextLocation where = state_.here();
  const bool listed = state_.accept('{');
  do {
    const bool layer = layered && vector.elements.empty();
    vector.elements.push_back(parse_read({Kind::Read, layer ? Type::U32 : rule.type}));
  } while (listed && state_.accept(','));
  if (listed) state_.expect('}');
  if (vector.elements.size() != rule.vector)
    fail_malformed(where,
                   fmt::format("{} elements where {} are needed", vector.elements.size(), rule.vector));
  return vector;
}

void FunctionParser::parse_texture_coordinates(const OperandRule& rule, Instruction& instruction) {
  const bool surface = instruction.opcode == Opcode::Suld || instruction.opcode == Opcode::Sust ||
                       instruction.opcode == Opcode::Sured;
  ir::TextureForm& form = instruction.modifiers.texture;
  const TextLocation where = state_.here();
  state_.expect('[');
  instruction.operands.push_back(surface ? parse_handle(OpaqueType::Surface, "a surface")
                                         : parse_handle(OpaqueType::Texture, "a texture"));
  state_.expect(',');
  if (!surface && sampler_follows()) {
    form.sampler = true;
    instruction.operands.push_back(parse_handle(OpaqueType::Sampler, "a sampler"));
    state_.expect(',');
  } else if (!surface && state_.independent_textures) {
    fail_malformed(where, "a sampler is needed: the module is in texmode_independent");
  }
  instruction.operands.push_back(parse_words(rule, form.is_layered()));
  state_.expect(']');
}

// {, e} {, f}
void FunctionParser::parse_texture_options(Instruction& instruction) {
  ir::TextureForm& form = instruction.modifiers.texture;
  const TextLocation where = state_.here();
  const auto is_float_register = [&] {
    if (state_.token().kind != TokenKind::Identifier) return false;
    const auto binding = state_.names.find(state_.token().text);
    return binding && binding->kind == Binding::Kind::Register &&
           function_.registers[binding->index].type == Type::F32;
  };
  const bool cube = form.geometry == ir::TextureGeometry::Cube || form.geometry == ir::TextureGeometry::ACube;
  const bool alone = form.offset_coordinates() == 1 && state_.token().kind == TokenKind::Identifier;
  if (state_.token().is('{') || (alone && !is_float_register())) {
    if (cube) fail_malformed(where, "cubes take no offsets");
    form.offsets = true;
    OperandRule rule{Kind::ReadVector, Type::S32};
    rule.vector = static_cast<std::uint8_t>(form.offset_coordinates());
    instruction.operands.push_back(parse_words(rule, false));
    if (!state_.accept(',')) return;
  }
  // Nothing in the interface says how a texture compares, and the ISA does not either.
  fail_unsupported(where, "a depth comparison by a texture is not supported");
}

}  // namespace doppel::ptx
