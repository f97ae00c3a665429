// SPDX-License-Identifier: Apache-2.0
#include "case_file.h"

#include <algorithm>
#include <cctype>
#include <string_view>
#include <utility>

namespace timeline {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

// The first word of a line, which is taken off.
std::string_view take_word(std::string_view& rest) {
  const std::size_t end = std::min(rest.find_first_of(" \t"), rest.size());
  const std::string_view word = rest.substr(0, end);
  rest = trimmed(rest.substr(end));
  return word;
}

// Arguments stand between spaces; brackets hold together what has spaces inside.
std::vector<Expression> arguments(std::string_view rest) {
  std::vector<Expression> out;
  while (!rest.empty()) {
    int depth = 0;
    std::size_t end = 0;
    for (; end < rest.size(); ++end) {
      const char c = rest[end];
      if (c == '(' || c == '[') ++depth;
      if (c == ')' || c == ']') --depth;
      if (depth == 0 && (c == ' ' || c == '\t')) break;
    }
    out.push_back(parse_expression(rest.substr(0, end)));
    rest = trimmed(rest.substr(end));
  }
  return out;
}

class CaseReader {
 public:
  explicit CaseReader(std::istream& in) : in_(in) {}

  std::vector<Case> all() {
    std::vector<Case> out;
    try {
      while (next()) {
        std::string_view rest = line_;
        if (take_word(rest) != "case" || rest.empty()) throw CaseError("expected 'case NAME'");
        out.push_back(one(rest));
      }
    } catch (const CaseError& error) {
      throw CaseError(std::to_string(number_) + ": " + error.what());
    }
    return out;
  }

 private:
  // The next line that says something.
  bool next() {
    while (std::getline(in_, text_)) {
      ++number_;
      line_ = trimmed(text_);
      if (!line_.empty() && line_.front() != '#') return true;
    }
    return false;
  }

  // Several lines with the same word are one text.
  static void append(std::string& text, std::string_view more) {
    if (!text.empty()) text += ' ';
    text += more;
  }

  Case one(std::string_view name) {
    Case out{.name = std::string(name)};
    while (true) {
      if (!next()) throw CaseError("case '" + out.name + "' has no 'end'");
      std::string_view rest = line_;
      const std::string_view word = take_word(rest);
      if (word == "end") break;
      if (word == "rule")
        append(out.rule, rest);
      else if (word == "source")
        append(out.source, rest);
      else if (word == "fails")
        append(out.fails, rest);
      else if (word == "varies")
        append(out.varies, rest);
      else if (word == "expect")
        out.expectations.push_back(parse_expectation(rest));
      else if (word == "refuse")
        out.refusals.emplace_back(rest);
      else
        out.statements.push_back(statement());
    }
    if (out.rule.empty() || out.source.empty() || (out.expectations.empty() && out.refusals.empty()))
      throw CaseError("case '" + out.name + "' needs 'rule', 'source' and 'expect' or 'refuse'");
    return out;
  }

  // Of the current line, with the lines of its body.
  Statement statement() {
    std::string_view rest = line_;
    Statement out{.line = number_, .verb = std::string(take_word(rest))};
    const bool has_body = rest.ends_with('{');
    if (has_body) rest = trimmed(rest.substr(0, rest.size() - 1));
    if (out.verb == "let") {
      const std::size_t equals = rest.find('=');
      if (equals == std::string_view::npos) throw CaseError("expected 'let NAME = EXPRESSION'");
      out.arguments = {parse_expression(trimmed(rest.substr(0, equals))),
                       parse_expression(trimmed(rest.substr(equals + 1)))};
      return out;
    }
    out.arguments = arguments(rest);
    if (!has_body) return out;
    while (next()) {
      if (line_ == "}") return out;
      out.body.push_back(statement());
    }
    throw CaseError("a '{' without its '}'");
  }

  std::istream& in_;
  std::string text_;
  std::string_view line_;
  int number_ = 0;
};

}  // namespace

std::vector<Case> read_cases(std::istream& in) { return CaseReader(in).all(); }

}  // namespace timeline
