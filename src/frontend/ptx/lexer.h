// SPDX-License-Identifier: Apache-2.0
// PTX text to tokens (PTX ISA 4.1-4.5). The parser pulls one token at a time; nothing is copied but the
// views.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "frontend/ptx/instruction.h"

namespace doppel::ptx {

enum class TokenKind : std::uint8_t { End, Identifier, Directive, Integer, Float32, Float64, String, Symbol };

// The code of a one- or two-character symbol token: symbol_code(';'), symbol_code('<', '<').
constexpr std::uint16_t symbol_code(char first, char second = 0) {
  return static_cast<std::uint16_t>(static_cast<unsigned char>(first) |
                                    (static_cast<unsigned char>(second) << 8));
}

struct Token {
  TokenKind kind = TokenKind::End;
  bool is_unsigned = false;  // of an integer: suffix U, or too large for a signed 64-bit value
  std::uint16_t symbol = 0;
  std::string_view text;  // a directive's with its dot; a string's without its quotes
  TextLocation location;
  std::uint64_t bits = 0;  // of a number: its value, or its IEEE bits

  bool is(char c) const { return kind == TokenKind::Symbol && symbol == symbol_code(c); }
  bool is_directive(std::string_view name) const { return kind == TokenKind::Directive && text == name; }
};

// A word with its dotted suffixes, "shfl.sync.bfly.b32"; blanks before a dot are allowed and dropped.
struct FormText {
  std::string_view text;
  std::string joined;  // what text refers to where blanks had to be dropped
};

class Lexer {
 public:
  explicit Lexer(std::string_view text);

  const Token& current() const { return current_; }
  void advance();

  // The current token is an identifier that begins an instruction: reads its suffixes and goes past them.
  void read_form(FormText& form);
  // The current token is an identifier: whether a single ':' follows it, so that it is a label.
  bool label_follows();
  // The current token is '{': goes past the matching '}' without looking at what is between. The text of all
  // that.
  std::string_view skip_block();

 private:
  void skip_blanks();
  void lex_word();
  void lex_number();
  void lex_string();
  void lex_symbol();
  TextLocation here() const;

  const char* position_;
  const char* end_;
  const char* line_start_;
  std::uint32_t line_ = 1;
  Token current_;
};

}  // namespace doppel::ptx
