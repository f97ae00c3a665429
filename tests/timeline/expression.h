// SPDX-License-Identifier: Apache-2.0
// Expressions of case files: numbers with units, names, calls, the four operations. Times are microseconds,
// sizes are bytes.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace timeline {

// What is wrong in a case file, or cannot be done.
class CaseError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Expression {
  enum class Kind { Number, Name, Index, Call, Negate, Add, Subtract, Multiply, Divide };
  Kind kind = Kind::Number;
  double number = 0;
  std::string name;                  // of a Name, Index or Call
  std::vector<Expression> operands;  // of an Index or Call: what stands in the brackets
};

// What the names of an expression stand for.
class Scope {
 public:
  virtual ~Scope() = default;
  virtual double value(const std::string& name) const = 0;
  // A function of the scope's own: all but max, min, ceil and floor.
  virtual double call(const Expression& call) const = 0;
};

// `5us`, `64MiB`, `sms * 2`, `max(A, B)`, `host(calls.launch_us)`, `s[i]`. Throws CaseError.
Expression parse_expression(std::string_view text);
double evaluate(const Expression& expression, const Scope& scope);
// What a Name or an Index refers to: `s`, or `s[3]`.
std::string object_name(const Expression& expression, const Scope& scope);

// `T ~ A + B within 5% or 3us`, `T >= A`: the relation of two expressions. Of `~` the allowed difference is
// the larger of a share of the right side and a number.
struct Expectation {
  enum class Relation { Near, Less, LessOrEqual, Greater, GreaterOrEqual };
  std::string text;
  Expression seen;
  Relation relation = Relation::Near;
  Expression expected;
  double share = 0;
  double difference = 0;
};

Expectation parse_expectation(std::string_view text);
bool holds(const Expectation& expectation, double seen, double expected);

}  // namespace timeline
