// SPDX-License-Identifier: Apache-2.0
#include "expression.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <utility>

namespace timeline {
namespace {

using Kind = Expression::Kind;

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array kUnits{Unit{"ns", 1e-3},
                            Unit{"us", 1},
                            Unit{"ms", 1e3},
                            Unit{"s", 1e6},
                            Unit{"KiB", 1024},
                            Unit{"MiB", 1024.0 * 1024},
                            Unit{"GiB", 1024.0 * 1024 * 1024}};

bool is_name_start(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
// A dot joins the keys of a table: `calls.launch_us`.
bool is_name_part(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.'; }

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  bool take(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  // A whole word.
  bool take_word(std::string_view word) {
    skip_space();
    const std::size_t end = at_ + word.size();
    if (!text_.substr(at_).starts_with(word) || (end < text_.size() && is_name_part(text_[end])))
      return false;
    at_ = end;
    return true;
  }

  [[noreturn]] void fail(const std::string& what) const {
    throw CaseError(what + " at '" + std::string(text_.substr(at_)) + "' in '" + std::string(text_) + "'");
  }

  void expect(std::string_view word) {
    if (!take(word)) fail("expected '" + std::string(word) + "'");
  }

  Expression sum() {
    Expression left = product();
    while (true) {
      if (take("+"))
        left = binary(Kind::Add, std::move(left), product());
      else if (take("-"))
        left = binary(Kind::Subtract, std::move(left), product());
      else
        return left;
    }
  }

  double number() {
    skip_space();
    double value = 0;
    const auto [end, error] = std::from_chars(text_.data() + at_, text_.data() + text_.size(), value);
    if (error != std::errc{}) fail("expected a number");
    at_ = static_cast<std::size_t>(end - text_.data());
    return value * unit();
  }

 private:
  static Expression binary(Kind kind, Expression left, Expression right) {
    Expression out{.kind = kind};
    out.operands.push_back(std::move(left));
    out.operands.push_back(std::move(right));
    return out;
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  std::string_view name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && is_name_part(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  // Right behind a number.
  double unit() {
    if (at_ == text_.size() || !is_name_start(text_[at_])) return 1;
    const std::string_view word = name();
    const auto* const found = std::ranges::find(kUnits, word, &Unit::name);
    if (found == kUnits.end()) fail("unknown unit '" + std::string(word) + "'");
    return found->factor;
  }

  Expression product() {
    Expression left = primary();
    while (true) {
      if (take("*"))
        left = binary(Kind::Multiply, std::move(left), primary());
      else if (take("/"))
        left = binary(Kind::Divide, std::move(left), primary());
      else
        return left;
    }
  }

  Expression primary() {
    if (take("(")) {
      Expression inner = sum();
      expect(")");
      return inner;
    }
    if (take("-")) {
      Expression out{.kind = Kind::Negate};
      out.operands.push_back(primary());
      return out;
    }
    skip_space();
    if (at_ == text_.size()) fail("expected an expression");
    if (!is_name_start(text_[at_])) return {.kind = Kind::Number, .number = number()};
    Expression out{.kind = Kind::Name, .name = std::string(name())};
    if (at_ < text_.size() && text_[at_] == '[') {
      ++at_;
      out.kind = Kind::Index;
      out.operands.push_back(sum());
      expect("]");
    } else if (at_ < text_.size() && text_[at_] == '(') {
      ++at_;
      out.kind = Kind::Call;
      do out.operands.push_back(sum());
      while (take(","));
      expect(")");
    }
    return out;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

double call(const Expression& expression, const Scope& scope) {
  const auto operand = [&](std::size_t i) { return evaluate(expression.operands.at(i), scope); };
  const std::size_t count = expression.operands.size();
  if (expression.name == "max" && count == 2) return std::max(operand(0), operand(1));
  if (expression.name == "min" && count == 2) return std::min(operand(0), operand(1));
  if (expression.name == "ceil" && count == 1) return std::ceil(operand(0));
  if (expression.name == "floor" && count == 1) return std::floor(operand(0));
  return scope.call(expression);
}

Expectation::Relation relation(Reader& reader) {
  using enum Expectation::Relation;
  if (reader.take("~")) return Near;
  if (reader.take("<=")) return LessOrEqual;
  if (reader.take(">=")) return GreaterOrEqual;
  if (reader.take("<")) return Less;
  if (reader.take(">")) return Greater;
  reader.fail("expected one of ~ < <= > >=");
}

}  // namespace

Expression parse_expression(std::string_view text) {
  Reader reader(text);
  Expression out = reader.sum();
  if (!reader.at_end()) reader.fail("more than an expression");
  return out;
}

double evaluate(const Expression& expression, const Scope& scope) {
  const auto operand = [&](std::size_t i) { return evaluate(expression.operands[i], scope); };
  switch (expression.kind) {
    case Kind::Number:
      return expression.number;
    case Kind::Name:
      return scope.value(expression.name);
    case Kind::Index:
      return scope.value(object_name(expression, scope));
    case Kind::Call:
      return call(expression, scope);
    case Kind::Negate:
      return -operand(0);
    case Kind::Add:
      return operand(0) + operand(1);
    case Kind::Subtract:
      return operand(0) - operand(1);
    case Kind::Multiply:
      return operand(0) * operand(1);
    case Kind::Divide:
      return operand(0) / operand(1);
  }
  throw CaseError("an expression of no kind");
}

std::string object_name(const Expression& expression, const Scope& scope) {
  if (expression.kind == Kind::Name) return expression.name;
  if (expression.kind != Kind::Index) throw CaseError("expected a name");
  const auto index = static_cast<long>(std::lround(evaluate(expression.operands[0], scope)));
  return expression.name + "[" + std::to_string(index) + "]";
}

Expectation parse_expectation(std::string_view text) {
  Reader reader(text);
  Expectation out{.text = std::string(text)};
  out.seen = reader.sum();
  out.relation = relation(reader);
  out.expected = reader.sum();
  if (out.relation == Expectation::Relation::Near) {
    if (!reader.take_word("within")) reader.fail("expected 'within'");
    do {
      const double number = reader.number();
      if (reader.take("%"))
        out.share = number / 100;
      else
        out.difference = number;
    } while (reader.take_word("or"));
  }
  if (!reader.at_end()) reader.fail("more than an expectation");
  return out;
}

bool holds(const Expectation& expectation, double seen, double expected) {
  switch (expectation.relation) {
    case Expectation::Relation::Near:
      return std::abs(seen - expected) <=
             std::max(expectation.share * std::abs(expected), expectation.difference);
    case Expectation::Relation::Less:
      return seen < expected;
    case Expectation::Relation::LessOrEqual:
      return seen <= expected;
    case Expectation::Relation::Greater:
      return seen > expected;
    case Expectation::Relation::GreaterOrEqual:
      return seen >= expected;
  }
  return false;
}

}  // namespace timeline
