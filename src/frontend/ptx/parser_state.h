// SPDX-License-Identifier: Apache-2.0
// What the parser's parts share while they read one module.
#pragma once

#include <fmt/format.h>

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "frontend/ptx/failure.h"
#include "frontend/ptx/form.h"
#include "frontend/ptx/lexer.h"
#include "frontend/ptx/module.h"
#include "frontend/ptx/name_scopes.h"
#include "frontend/ptx/target.h"

namespace doppel::ptx {

// A body that is to be read later.
struct PendingBody {
  Lexer lexer;                                        // at its '{'
  std::vector<std::string_view> names, return_names;  // of the parameters
  std::uint32_t module_names = 0;                     // that are declared before it
};

struct ParserState {
  explicit ParserState(std::string_view text) : lexer(text) {}

  Lexer lexer;
  Module module;
  Target target;
  NameScopes names;
  std::unordered_map<std::string_view, Form> forms;  // those met so far, by their text
  std::deque<std::vector<std::string>> made_names;  // texts that were made here, and are read as the module's
  bool independent_textures = false;                // .target texmode_independent: samplers of their own
  bool bodies_later = false;                        // they go to `pending` instead
  std::map<FunctionId, PendingBody> pending;
  std::vector<Diagnostic> diagnostics;  // of all that is refused, in the order of the text
  std::map<FunctionId, std::vector<Diagnostic>> refused_functions;
  std::set<FunctionId> functions_without_head;  // refused before their parameters were read
  std::map<std::uint32_t, std::string> refused_variables;

  // What a name that is used stands for. Of what is refused itself, only a function with a known head may be
  // used.
  std::optional<Binding> find(std::string_view name, TextLocation where) const {
    const auto binding = names.find(name);
    if (!binding) return binding;
    if (binding->kind == Binding::Kind::Variable && binding->scope == SymbolRef::Scope::Module) {
      const auto refused = refused_variables.find(binding->index);
      if (refused != refused_variables.end())
        fail_unsupported(where, fmt::format("'{}' cannot be used: {}", name, refused->second));
    } else if (binding->kind == Binding::Kind::Function && functions_without_head.contains(binding->index)) {
      fail_unsupported(where, fmt::format("'{}' cannot be used: {}", name,
                                          refused_functions.at(binding->index).front().message));
    }
    return binding;
  }

  const Token& token() const { return lexer.current(); }
  TextLocation here() const { return lexer.current().location; }

  bool accept(char c) {
    if (!token().is(c)) return false;
    lexer.advance();
    return true;
  }
  bool accept_directive(std::string_view name) {
    if (!token().is_directive(name)) return false;
    lexer.advance();
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail_malformed(here(), fmt::format("'{}' expected, found {}", c, found()));
  }
  std::string_view expect_identifier(std::string_view what) {
    if (token().kind != TokenKind::Identifier)
      fail_malformed(here(), fmt::format("{} expected, found {}", what, found()));
    const std::string_view text = token().text;
    lexer.advance();
    return text;
  }
  // The current token in words, for messages.
  std::string found() const {
    if (token().kind == TokenKind::End) return "the end of the text";
    return fmt::format("'{}'", token().text.substr(0, 60));
  }
};

}  // namespace doppel::ptx
