// SPDX-License-Identifier: Apache-2.0
#include "expression.h"

#include <gtest/gtest.h>

#include <map>

namespace timeline {
namespace {

class Numbers : public Scope {
 public:
  double value(const std::string& name) const override {
    const auto found = values.find(name);
    if (found == values.end()) throw CaseError("nothing is named '" + name + "'");
    return found->second;
  }
  double call(const Expression& call) const override {
    if (call.name != "host") throw CaseError("unknown function");
    return value(object_name(call.operands.at(0), *this));
  }
  std::map<std::string, double> values{{"A", 3}, {"s[2]", 7}, {"i", 1}, {"calls.launch_us", 2}};
};

double value_of(std::string_view text) { return evaluate(parse_expression(text), Numbers()); }

bool is_met(std::string_view text) {
  const Expectation expectation = parse_expectation(text);
  const Numbers scope;
  return holds(expectation, evaluate(expectation.seen, scope), evaluate(expectation.expected, scope));
}

TEST(TimelineExpression, FollowsPrecedence) {
  EXPECT_EQ(value_of("1 + 2 * A - 4 / 2"), 5);
  EXPECT_EQ(value_of("(1 + 2) * -A"), -9);
  EXPECT_EQ(value_of("10 - 3 - 2"), 5);
  EXPECT_EQ(value_of("8 / 4 / 2"), 1);
}

TEST(TimelineExpression, TakesUnits) {
  EXPECT_EQ(value_of("5us"), 5);
  EXPECT_EQ(value_of("1.5ms"), 1500);
  EXPECT_EQ(value_of("2s"), 2e6);
  EXPECT_EQ(value_of("250ns"), 0.25);
  EXPECT_EQ(value_of("4KiB"), 4096);
  EXPECT_EQ(value_of("1MiB / 1KiB"), 1024);
  EXPECT_THROW(value_of("5parsecs"), CaseError);
}

TEST(TimelineExpression, CallsFunctionsAndItsScope) {
  EXPECT_EQ(value_of("max(A, 4)"), 4);
  EXPECT_EQ(value_of("min(A, 4)"), 3);
  EXPECT_EQ(value_of("floor(7 / 2)"), 3);
  EXPECT_EQ(value_of("ceil(7 / 2)"), 4);
  EXPECT_EQ(value_of("host(calls.launch_us) * 10"), 20);
  EXPECT_THROW(value_of("sin(1)"), CaseError);
}

TEST(TimelineExpression, NamesOneOfSeveral) {
  EXPECT_EQ(value_of("s[i + 1]"), 7);
  EXPECT_THROW(value_of("s[i]"), CaseError);
  EXPECT_EQ(object_name(parse_expression("s[i * 2]"), Numbers()), "s[2]");
  EXPECT_THROW(object_name(parse_expression("1"), Numbers()), CaseError);
}

TEST(TimelineExpression, RefusesWhatItCannotRead) {
  for (const char* text : {"", "1 +", "(1", "max(1", "1 2", "s[1", "%"})
    EXPECT_THROW(parse_expression(text), CaseError) << text;
}

TEST(TimelineExpectation, IsNearByAShareOrANumber) {
  EXPECT_TRUE(is_met("A ~ 3.1 within 5%"));
  EXPECT_FALSE(is_met("A ~ 3.5 within 5%"));
  EXPECT_TRUE(is_met("A ~ 3.5 within 5% or 1us"));
  EXPECT_FALSE(is_met("A ~ 5 within 5% or 1us"));
  EXPECT_FALSE(is_met("A ~ 2.5 within 10%"));
}

TEST(TimelineExpectation, Compares) {
  EXPECT_TRUE(is_met("A < 4"));
  EXPECT_FALSE(is_met("A < 3"));
  EXPECT_TRUE(is_met("A <= 3"));
  EXPECT_FALSE(is_met("A <= 2"));
  EXPECT_TRUE(is_met("A > 2"));
  EXPECT_FALSE(is_met("A > 3"));
  EXPECT_TRUE(is_met("A >= 3"));
  EXPECT_FALSE(is_met("A >= 3.1"));
}

TEST(TimelineExpectation, RefusesWhatItCannotRead) {
  for (const char* text : {"A", "A ~ 3", "A ~ 3 within", "A ~ 3 within 5% or", "A = 3", "A < 3 within 5%"})
    EXPECT_THROW(parse_expectation(text), CaseError) << text;
}

}  // namespace
}  // namespace timeline
