// SPDX-License-Identifier: Apache-2.0
#include "case_file.h"

#include <gtest/gtest.h>

#include <sstream>

#include "number_table.h"

namespace timeline {
namespace {

std::vector<Case> read(const std::string& text) {
  std::istringstream in(text);
  return read_cases(in);
}

std::string error_of(const std::string& text) {
  try {
    read(text);
  } catch (const CaseError& error) {
    return error.what();
  }
  return "none";
}

constexpr const char* kTwo = R"(# Two cases.
case first
  rule One line
  rule and another.
  source a manual

  stream s count 2
  time T {
    repeat 3 as i {
      fma s[i] (2 * sms) 1000
    }
    sync
  }
  expect T > 0
end
case second
  rule r
  source s
  fails for a reason
  varies for another
  let x = 1 + 2
  expect x < 4
  expect x ~ 3 within 5%
  refuse energy_j < 1
end
)";

TEST(TimelineCaseFile, ReadsCases) {
  const std::vector<Case> cases = read(kTwo);
  ASSERT_EQ(cases.size(), 2U);
  EXPECT_EQ(cases[0].name, "first");
  EXPECT_EQ(cases[0].rule, "One line and another.");
  EXPECT_EQ(cases[0].source, "a manual");
  EXPECT_EQ(cases[0].fails, "");
  EXPECT_EQ(cases[0].expectations.size(), 1U);
  EXPECT_EQ(cases[1].fails, "for a reason");
  EXPECT_EQ(cases[1].varies, "for another");
  EXPECT_EQ(cases[1].expectations.size(), 2U);
  EXPECT_EQ(cases[1].refusals, std::vector<std::string>{"energy_j < 1"});
}

TEST(TimelineCaseFile, NestsStatementsAndKeepsTheirLines) {
  const Case first = read(kTwo).front();
  ASSERT_EQ(first.statements.size(), 2U);
  EXPECT_EQ(first.statements[0].verb, "stream");
  EXPECT_EQ(first.statements[0].arguments.size(), 3U);
  const Statement& time = first.statements[1];
  EXPECT_EQ(time.line, 8);
  ASSERT_EQ(time.body.size(), 2U);
  EXPECT_EQ(time.body[1].verb, "sync");
  EXPECT_TRUE(time.body[1].arguments.empty());
  ASSERT_EQ(time.body[0].body.size(), 1U);
  const Statement& fma = time.body[0].body[0];
  EXPECT_EQ(fma.line, 10);
  ASSERT_EQ(fma.arguments.size(), 3U);  // what is in brackets is one
  EXPECT_EQ(fma.arguments[1].kind, Expression::Kind::Multiply);
}

TEST(TimelineCaseFile, SaysWhereItIsWrong) {
  EXPECT_EQ(error_of("time T {\n"), "1: expected 'case NAME'");
  EXPECT_EQ(error_of("case a\n  rule r\n"), "2: case 'a' has no 'end'");
  EXPECT_EQ(error_of("case a\n  rule r\n  source s\nend\n"),
            "4: case 'a' needs 'rule', 'source' and 'expect' or 'refuse'");
  EXPECT_EQ(error_of("case a\n  time T {\n"), "2: a '{' without its '}'");
  EXPECT_EQ(error_of("case a\n  let x 3\n"), "2: expected 'let NAME = EXPRESSION'");
  EXPECT_TRUE(error_of("case a\n  expect 1 ~ 2\n").starts_with("2: expected 'within'"));
}

TEST(TimelineNumberTable, TakesNumbersOfTheirSections) {
  std::istringstream in(R"(id = "x"
factor = 1.5
# comment = 3
[calls]
launch_us = { value = 2.0, mark = "M-n", source = "s" }
name = { value = "text", mark = "K" }
[memory.more]
bytes = { value = 11e9, mark = "K" }
)");
  const NumberTable expected{{"factor", 1.5}, {"calls.launch_us", 2.0}, {"memory.more.bytes", 11e9}};
  EXPECT_EQ(read_numbers(in), expected);
}

}  // namespace
}  // namespace timeline
