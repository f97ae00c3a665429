// SPDX-License-Identifier: Apache-2.0
// The words and marks of one line of the IR's text.
#pragma once

#include <fmt/format.h>

#include <cctype>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>

namespace doppel::ir {

// What is wrong with the line that is being read.
struct Failure {
  std::string message;
};

// The words and marks of one line.
class Line {
 public:
  explicit Line(std::string_view text) : text_(text) { skip(); }

  bool at_end() const { return text_.empty(); }
  bool is(char mark) const { return !text_.empty() && text_[0] == mark; }
  bool accept(char mark) {
    if (!is(mark)) return false;
    drop(1);
    return true;
  }
  bool accept(std::string_view word) {
    if (peek() != word) return false;
    drop(word.size());
    return true;
  }
  void expect(char mark) {
    if (!accept(mark)) throw Failure{fmt::format("'{}' expected, found '{}'", mark, rest())};
  }
  // Letters, digits and what names and numbers have; empty at a mark.
  std::string_view peek() const {
    std::size_t length = 0;
    while (length < text_.size() && is_word(text_[length])) ++length;
    return text_.substr(0, length);
  }
  std::string_view word(std::string_view what) {
    const std::string_view found = peek();
    if (found.empty()) throw Failure{fmt::format("{} expected, found '{}'", what, rest())};
    drop(found.size());
    return found;
  }
  std::int64_t integer() {
    const bool negative = accept('-');
    const std::string_view digits = word("a number");
    const bool hex = digits.starts_with("0x");
    std::uint64_t value = 0;
    const char* const first = digits.data() + (hex ? 2 : 0);
    const char* const last = digits.data() + digits.size();
    const auto [end, error] = std::from_chars(first, last, value, hex ? 16 : 10);
    if (error != std::errc() || end != last) throw Failure{fmt::format("'{}' is no number", digits)};
    return static_cast<std::int64_t>(negative ? 0 - value : value);
  }
  std::uint32_t count() {
    const std::int64_t value = integer();
    if (value < 0 || value > UINT32_MAX) throw Failure{fmt::format("{} is out of range", value)};
    return static_cast<std::uint32_t>(value);
  }
  std::string quoted() {
    if (!is('"')) throw Failure{fmt::format("a quoted name expected, found '{}'", rest())};
    std::string result;
    std::size_t at = 1;
    while (at < text_.size() && text_[at] != '"') {
      if (text_[at] == '\\' && at + 1 < text_.size()) ++at;
      result += text_[at++];
    }
    if (at == text_.size()) throw Failure{"a quoted name does not end"};
    drop(at + 1);
    return result;
  }
  std::string_view rest() const { return text_; }

 private:
  static bool is_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '$' || c == '.';
  }
  void skip() {
    while (!text_.empty() && std::isspace(static_cast<unsigned char>(text_[0])) != 0) text_.remove_prefix(1);
    if (!text_.empty() && text_[0] == ';') text_ = {};
  }
  void drop(std::size_t length) {
    text_.remove_prefix(length);
    skip();
  }

  std::string_view text_;
};

}  // namespace doppel::ir
