// SPDX-License-Identifier: Apache-2.0
#include "frontend/ptx/lexer.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

#include "frontend/ptx/failure.h"

namespace doppel::ptx {
namespace {

// kBlockMark: what matters where blocks are skipped.
constexpr std::uint8_t kWordStart = 1, kWordPart = 2, kDigit = 4, kBlank = 8, kHex = 16, kBlockMark = 32;

constexpr std::array<std::uint8_t, 256> make_classes() {
  std::array<std::uint8_t, 256> classes{};
  for (int c = 'a'; c <= 'z'; ++c) classes[c] = kWordStart | kWordPart;
  for (int c = 'A'; c <= 'Z'; ++c) classes[c] = kWordStart | kWordPart;
  for (int c = '0'; c <= '9'; ++c) classes[c] = kWordPart | kDigit | kHex;
  for (int c = 'a'; c <= 'f'; ++c) classes[c] |= kHex;
  for (int c = 'A'; c <= 'F'; ++c) classes[c] |= kHex;
  classes['_'] = classes['$'] = kWordStart | kWordPart;
  classes['%'] = kWordStart;
  classes[' '] = classes['\t'] = classes['\r'] = classes['\n'] = classes['\f'] = classes['\v'] = kBlank;
  for (const char c : {'{', '}', '"', '/', '\n'}) classes[static_cast<unsigned char>(c)] |= kBlockMark;
  return classes;
}
constexpr auto kClasses = make_classes();

bool has_class(char c, std::uint8_t mask) { return (kClasses[static_cast<unsigned char>(c)] & mask) != 0; }

}  // namespace

Lexer::Lexer(std::string_view text) {
  // Images end in one or more NULs: the text ends at the first.
  const void* nul = text.empty() ? nullptr : std::memchr(text.data(), 0, text.size());
  position_ = line_start_ = text.data();
  end_ = nul != nullptr ? static_cast<const char*>(nul) : text.data() + text.size();
  if (end_ - position_ >= 3 && std::memcmp(position_, "\xEF\xBB\xBF", 3) == 0) position_ += 3;
  advance();
}

TextLocation Lexer::here() const { return {line_, static_cast<std::uint32_t>(position_ - line_start_) + 1}; }

void Lexer::skip_blanks() {
  while (position_ < end_) {
    const char c = *position_;
    if (c == '\n') {
      ++position_;
      ++line_;
      line_start_ = position_;
    } else if (has_class(c, kBlank)) {
      ++position_;
    } else if (c == '/' && position_ + 1 < end_ && position_[1] == '/') {
      const void* newline = std::memchr(position_, '\n', static_cast<std::size_t>(end_ - position_));
      position_ = newline != nullptr ? static_cast<const char*>(newline) : end_;
    } else if (c == '/' && position_ + 1 < end_ && position_[1] == '*') {
      const TextLocation start = here();
      position_ += 2;
      while (position_ + 1 < end_ && !(position_[0] == '*' && position_[1] == '/')) {
        if (*position_ == '\n') {
          ++line_;
          line_start_ = position_ + 1;
        }
        ++position_;
      }
      if (position_ + 1 >= end_) {
        position_ = end_;
        fail_lexical(start, "comment without an end");
      }
      position_ += 2;
    } else {
      return;
    }
  }
}

void Lexer::advance() {
  skip_blanks();
  current_ = Token{};
  current_.location = here();
  if (position_ >= end_) return;
  const char c = *position_;
  if (has_class(c, kWordStart)) {
    lex_word();
  } else if (has_class(c, kDigit)) {
    lex_number();
  } else if (c == '.' && position_ + 1 < end_ && has_class(position_[1], kWordPart)) {
    const char* start = position_++;
    while (position_ < end_ && has_class(*position_, kWordPart)) ++position_;
    // .param::entry and its like
    while (position_ + 2 < end_ && position_[0] == ':' && position_[1] == ':' &&
           has_class(position_[2], kWordPart)) {
      position_ += 2;
      while (position_ < end_ && has_class(*position_, kWordPart)) ++position_;
    }
    current_.kind = TokenKind::Directive;
    current_.text = {start, static_cast<std::size_t>(position_ - start)};
  } else if (c == '"') {
    lex_string();
  } else {
    lex_symbol();
  }
}

void Lexer::lex_word() {
  const char* start = position_++;
  while (position_ < end_ && has_class(*position_, kWordPart)) ++position_;
  current_.text = {start, static_cast<std::size_t>(position_ - start)};
  if (current_.text == "%") {  // the remainder operator of constant expressions
    current_.kind = TokenKind::Symbol;
    current_.symbol = symbol_code('%');
  } else {
    current_.kind = TokenKind::Identifier;
  }
}

void Lexer::lex_number() {
  const char* start = position_;
  const auto rest = static_cast<std::size_t>(end_ - start);
  const auto take_digits = [&](int base, const char* first, const char* last) {
    const auto [stop, error] = std::from_chars(first, last, current_.bits, base);
    if (error == std::errc::result_out_of_range)
      fail_lexical(current_.location, "integer constant over 64 bits");
    if (error != std::errc()) fail_lexical(current_.location, "number without digits");
    return stop;
  };
  current_.kind = TokenKind::Integer;
  const char second = rest > 1 ? static_cast<char>(start[1] | 0x20) : '\0';
  if (start[0] == '0' && (second == 'f' || second == 'd')) {
    const std::size_t digits = second == 'f' ? 8 : 16;
    std::size_t have = 0;
    while (2 + have < rest && has_class(start[2 + have], kHex)) ++have;
    if (have != digits)
      fail_lexical(current_.location, fmt::format("0{} constant needs {} hex digits", start[1], digits));
    take_digits(16, start + 2, start + 2 + digits);
    current_.kind = second == 'f' ? TokenKind::Float32 : TokenKind::Float64;
    position_ = start + 2 + digits;
  } else if (start[0] == '0' && second == 'x') {
    position_ = take_digits(16, start + 2, end_);
  } else if (start[0] == '0' && second == 'b') {
    position_ = take_digits(2, start + 2, end_);
  } else {
    const char* stop = start;
    while (stop < end_ && has_class(*stop, kDigit)) ++stop;
    const bool is_decimal_float =
        stop < end_ && (*stop == '.' || ((*stop | 0x20) == 'e' && stop + 1 < end_ &&
                                         (has_class(stop[1], kDigit) || stop[1] == '+' || stop[1] == '-')));
    if (is_decimal_float) {
      double value = 0;
      const auto [after, error] = std::from_chars(start, end_, value, std::chars_format::general);
      if (error != std::errc()) fail_lexical(current_.location, "floating-point constant out of range");
      std::memcpy(&current_.bits, &value, sizeof value);
      current_.kind = TokenKind::Float64;
      position_ = after;
    } else {
      const bool octal = start[0] == '0' && stop - start > 1;
      position_ = take_digits(octal ? 8 : 10, start, stop);
      if (position_ != stop) fail_lexical(current_.location, "digit outside the number's base");
    }
  }
  if (current_.kind == TokenKind::Integer) {
    current_.is_unsigned = (current_.bits >> 63) != 0;
    if (position_ < end_ && *position_ == 'U') {
      current_.is_unsigned = true;
      ++position_;
    }
  }
  if (position_ < end_ && has_class(*position_, kWordPart)) {
    fail_lexical(current_.location, "letters directly after a number");
  }
  current_.text = {start, static_cast<std::size_t>(position_ - start)};
}

void Lexer::lex_string() {
  const char* start = ++position_;
  while (position_ < end_ && *position_ != '"' && *position_ != '\n') {
    if (*position_ == '\\' && position_ + 1 < end_ && position_[1] != '\n') ++position_;
    ++position_;
  }
  if (position_ >= end_ || *position_ != '"') fail_lexical(current_.location, "string without an end");
  current_.kind = TokenKind::String;
  current_.text = {start, static_cast<std::size_t>(position_ - start)};
  ++position_;
}

void Lexer::lex_symbol() {
  static constexpr std::string_view kPairs[] = {"<<", ">>", "<=", ">=", "==", "!=", "&&", "||"};
  current_.kind = TokenKind::Symbol;
  std::size_t length = 1;
  if (position_ + 1 < end_) {
    const std::string_view pair(position_, 2);
    for (const std::string_view known : kPairs) {
      if (pair == known) length = 2;
    }
  }
  const char c = *position_;
  if (static_cast<unsigned char>(c) < 0x20 || static_cast<unsigned char>(c) >= 0x7f) {
    const TextLocation where = here();
    ++position_;
    fail_lexical(where,
                 fmt::format("byte 0x{:02x} outside a string or comment", static_cast<unsigned char>(c)));
  }
  current_.text = {position_, length};
  current_.symbol = length == 2 ? symbol_code(position_[0], position_[1]) : symbol_code(c);
  position_ += length;
}

void Lexer::read_form(FormText& form) {
  const char* start = current_.text.data();
  bool contiguous = true;
  form.text = current_.text;
  form.joined.clear();
  for (;;) {
    const char* before = form.text.data() + form.text.size();
    skip_blanks();
    if (position_ + 1 >= end_ || *position_ != '.' || !has_class(position_[1], kWordPart)) break;
    if (before != position_ && contiguous) {
      contiguous = false;
      form.joined.assign(start, before);
    }
    const char* suffix = position_++;
    while (position_ < end_ &&
           (has_class(*position_, kWordPart) ||
            (*position_ == ':' && position_ + 1 < end_ && (position_[1] == ':' || position_[-1] == ':')))) {
      ++position_;
    }
    if (!contiguous) form.joined.append(suffix, position_);
    form.text = {start, static_cast<std::size_t>(position_ - start)};
  }
  if (!contiguous) form.text = form.joined;
  advance();
}

bool Lexer::label_follows() {
  skip_blanks();
  return position_ < end_ && *position_ == ':' && !(position_ + 1 < end_ && position_[1] == ':');
}

std::string_view Lexer::skip_block() {
  const TextLocation start = current_.location;
  const char* const begin = current_.text.data();
  std::size_t depth = 1;
  while (depth > 0) {
    while (position_ < end_ && !has_class(*position_, kBlockMark)) ++position_;
    if (position_ >= end_) fail_lexical(start, "'{' without its '}'");
    const char c = *position_;
    if (c == '"') {
      current_.location = here();
      lex_string();
      continue;
    }
    const char* const mark = position_;
    skip_blanks();                       // a line's end, a comment
    if (position_ == mark) ++position_;  // a brace, or a '/' alone
    if (c == '{') ++depth;
    if (c == '}') --depth;
  }
  const std::string_view block(begin, static_cast<std::size_t>(position_ - begin));
  advance();
  return block;
}

}  // namespace doppel::ptx
