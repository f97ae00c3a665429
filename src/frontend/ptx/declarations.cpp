// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/declarations.h"

#include <bit>

#include "frontend/ptx/constant.h"
#include "frontend/ptx/form_builder.h"
#include "frontend/ptx/opaque_initializer.h"

namespace doppel::ptx {
namespace {

constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 40;  // of one variable: far over any card's memory
constexpr std::uint64_t kMostInitialised = std::uint64_t{1} << 28;  // bytes kept as an initialiser image
constexpr std::uint32_t kMostRegisters = 1U << 20;                  // of one function

struct ElementType {
  Type type = Type::None;
  std::uint32_t vector = 1;
};

// [.align N] [.attribute(...)] [.v2|.v4] .type [.ptr [.space] [.align N]], in the orders that compilers
// write.
struct Specifiers {
  ElementType element;
  std::uint32_t alignment = 0;
  bool managed = false;
  ir::OpaqueType opaque = ir::OpaqueType::None;
};

std::uint32_t parse_alignment(ParserState& state) {
  const TextLocation where = state.here();
  const std::uint64_t alignment = parse_unsigned(state.lexer, 1U << 16, ".align");
  if (!std::has_single_bit(alignment)) fail_malformed(where, ".align needs a power of two");
  return static_cast<std::uint32_t>(alignment);
}

void parse_attributes(ParserState& state, Specifiers& specifiers) {
  state.expect('(');
  do {
    const TextLocation where = state.here();
    if (state.accept_directive(".managed")) {
      specifiers.managed = true;
    } else if (state.accept_directive(".unified")) {
      // .unified(uuid1, uuid2) names the variable across devices; a single address space needs no more.
      state.expect('(');
      parse_constant(state.lexer);
      state.expect(',');
      parse_constant(state.lexer);
      state.expect(')');
    } else {
      fail_unsupported(where, fmt::format("variable attribute {} is not supported", state.found()));
    }
  } while (state.accept(','));
  state.expect(')');
}

ir::OpaqueType opaque_type_named(std::string_view directive) {
  if (directive == ".texref") return ir::OpaqueType::Texture;
  if (directive == ".samplerref") return ir::OpaqueType::Sampler;
  return directive == ".surfref" ? ir::OpaqueType::Surface : ir::OpaqueType::None;
}

Specifiers parse_specifiers(ParserState& state) {
  Specifiers specifiers;
  for (;;) {
    const Token token = state.token();
    if (token.kind != TokenKind::Directive) break;
    state.lexer.advance();
    if (token.text == ".align") {
      specifiers.alignment = parse_alignment(state);
    } else if (token.text == ".attribute") {
      parse_attributes(state, specifiers);
    } else if (token.text == ".v2" || token.text == ".v4" || token.text == ".v8") {
      specifiers.element.vector = static_cast<std::uint32_t>(token.text[2] - '0');
    } else if (token.text == ".ptr") {
      // What a pointer parameter points to: a hint.
      for (const std::string_view space : {".global", ".shared", ".const", ".local"})
        state.accept_directive(space);
      if (state.accept_directive(".align")) parse_alignment(state);
    } else {
      Type type = type_named(token.text.substr(1));
      specifiers.opaque = opaque_type_named(token.text);
      if (specifiers.opaque != ir::OpaqueType::None) type = Type::B64;
      const bool has_bytes = type == Type::Pred || bit_width(type) >= 8;
      if (type == Type::None || !has_bytes) {
        fail_malformed(token.location, fmt::format("type expected, found '{}'", token.text));
      }
      if (specifiers.element.type != Type::None) fail_malformed(token.location, "a second type");
      specifiers.element.type = type;
    }
  }
  if (specifiers.element.type == Type::None)
    fail_malformed(state.here(), fmt::format("type expected, found {}", state.found()));
  return specifiers;
}

// name [dimension]... with the variable's size worked out, but for an outermost `[]`.
Declarator parse_declarator(ParserState& state, Space space, const Specifiers& specifiers,
                            std::vector<std::uint64_t>& dimensions) {
  Declarator declarator;
  Variable& variable = declarator.variable;
  variable.text = state.here();
  declarator.name = state.expect_identifier("a variable's name");
  variable.name = declarator.name;
  variable.space = space;
  variable.type = specifiers.element.type;
  variable.managed = specifiers.managed;
  variable.opaque = specifiers.opaque;
  if (variable.opaque != ir::OpaqueType::None && space != Space::Global && space != Space::Param)
    fail_malformed(variable.text, "textures, samplers and surfaces are .global or parameters");
  const std::uint64_t element_bytes =
      static_cast<std::uint64_t>(byte_size(variable.type)) * specifiers.element.vector;
  variable.alignment =
      specifiers.alignment != 0 ? specifiers.alignment : static_cast<std::uint32_t>(element_bytes);
  if (variable.type == Type::Pred && space != Space::Reg)
    fail_malformed(variable.text, "predicates live in registers only");
  dimensions.clear();
  variable.size = element_bytes;
  while (state.accept('[')) {
    if (dimensions.size() == 16) fail_malformed(state.here(), "array of more than 16 dimensions");
    std::uint64_t count = 0;
    if (!state.token().is(']')) count = parse_unsigned(state.lexer, kMostBytes, "array dimension");
    if (count == 0 && !dimensions.empty())
      fail_malformed(state.here(), "only the first dimension may be left out");
    state.expect(']');
    dimensions.push_back(count);
    if (count != 0 && variable.size > kMostBytes / count)
      fail_malformed(variable.text, "variable over 2^40 bytes");
    variable.size *= count;
  }
  if (specifiers.element.vector > 1) dimensions.push_back(specifiers.element.vector);
  return declarator;
}

}  // namespace

void parse_variables(ParserState& state, Space space, Linkage linkage,
                     const std::function<Variable&(Declarator)>& declare) {
  const Specifiers specifiers = parse_specifiers(state);
  std::vector<std::uint64_t> dimensions;
  do {
    Declarator declarator = parse_declarator(state, space, specifiers, dimensions);
    declarator.variable.linkage = linkage;
    const TextLocation where = declarator.variable.text;
    const bool counted_later = declarator.variable.size == 0;
    Variable& variable = declare(std::move(declarator));
    if (state.accept('=')) {
      if (space != Space::Global && space != Space::Const) {
        fail_malformed(where, fmt::format("a .{} variable takes no initialiser", name_of(space)));
      }
      if (variable.size > kMostInitialised)
        fail_unsupported(where, "initialiser of a variable over 2^28 bytes");
      if (variable.opaque != ir::OpaqueType::None) {
        parse_opaque_initializer(state, variable);
      } else {
        parse_initializer(state, variable, dimensions);
      }
    } else if (variable.opaque == ir::OpaqueType::Sampler && space == Space::Global && variable.size == 8) {
      keep_default_sampler(variable);
    } else if (counted_later && linkage != Linkage::Extern) {
      fail_malformed(where, fmt::format("array '{}' needs a size", variable.name));
    }
  } while (state.accept(','));
  state.expect(';');
}

void parse_registers(ParserState& state, Function& function) {
  const TextLocation start = state.here();
  const Specifiers specifiers = parse_specifiers(state);
  if (specifiers.element.vector > 1) fail_unsupported(start, "vector registers are not supported");
  const Type type = specifiers.element.type;
  do {
    const TextLocation where = state.here();
    const std::string_view name = state.expect_identifier("a register's name");
    const auto first = static_cast<RegisterId>(function.registers.size());
    bool is_new = false;
    if (state.accept('<')) {
      // One number, not an expression: '>' would be read as its operator.
      if (state.token().kind != TokenKind::Integer)
        fail_malformed(state.here(), "number of registers expected");
      const std::uint64_t wanted = state.token().bits;
      state.lexer.advance();
      state.expect('>');
      if (wanted > kMostRegisters) fail_malformed(where, "more than 2^20 registers");
      const auto count = static_cast<std::uint32_t>(wanted);
      if (first + count > kMostRegisters) fail_malformed(where, "more than 2^20 registers");
      function.registers.reserve(first + count);
      for (std::uint32_t i = 0; i < count; ++i)
        function.registers.push_back({std::string(name), i, true, type});
      is_new = state.names.declare_range(name, first, count);
    } else {
      if (first == kMostRegisters) fail_malformed(where, "more than 2^20 registers");
      function.registers.push_back({std::string(name), 0, false, type});
      is_new = state.names.declare(name, {Binding::Kind::Register, {}, first});
    }
    if (!is_new) fail_malformed(where, fmt::format("'{}' is declared twice", name));
  } while (state.accept(','));
  state.expect(';');
}

std::vector<Declarator> parse_parameters(ParserState& state) {
  std::vector<Declarator> parameters;
  std::vector<std::uint64_t> dimensions;
  state.expect('(');
  if (state.accept(')')) return parameters;
  do {
    const TextLocation where = state.here();
    const bool in_register = state.accept_directive(".reg");
    if (!in_register && !state.accept_directive(".param")) {
      fail_malformed(where, fmt::format(".param or .reg expected, found {}", state.found()));
    }
    const Specifiers specifiers = parse_specifiers(state);
    parameters.push_back(
        parse_declarator(state, in_register ? Space::Reg : Space::Param, specifiers, dimensions));
    if (in_register && specifiers.element.type == Type::B128)
      fail_unsupported(where, "a register of type .b128 as a parameter");
    if (!dimensions.empty() && in_register) fail_malformed(where, "a register parameter is one value");
  } while (state.accept(','));
  state.expect(')');
  return parameters;
}

}  // namespace doppel::ptx
