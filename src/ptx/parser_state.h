// What the parser's parts share while they read one module.
#pragma once

#include <fmt/format.h>

#include <string_view>
#include <vector>

#include "ptx/failure.h"
#include "ptx/lexer.h"
#include "ptx/module.h"
#include "ptx/name_scopes.h"
#include "ptx/target.h"

namespace doppel::ptx {

struct ParserState {
  explicit ParserState(std::string_view text) : lexer(text) {}

  Lexer lexer;
  Module module;
  Target target;
  NameScopes names;
  std::vector<Diagnostic> diagnostics;

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
