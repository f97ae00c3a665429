// SPDX-License-Identifier: Apache-2.0
#include "report/condition.h"

#include <gtest/gtest.h>

#include "report/figures.h"
#include "sample_report.h"

namespace doppel::report {
namespace {

bool holds(const std::string& text, const Report& report = sample_comparison()) {
  const Result<Condition> condition = Condition::parse(text);
  EXPECT_TRUE(condition) << text << ": " << (condition ? "" : condition.error().message);
  const Result<bool> answer = condition->holds(report);
  EXPECT_TRUE(answer) << text << ": " << (answer ? "" : answer.error().message);
  return answer.value_or(false);
}

// The sample: at work for 700 us on the A6000 and 350 us on the PRO 5000.
TEST(Condition, ComparesFigures) {
  EXPECT_TRUE(holds("ratio > 1.9"));
  EXPECT_FALSE(holds("ratio >= 2.1x"));
  EXPECT_TRUE(holds("time > 0.5 ms"));
  EXPECT_FALSE(holds("time > 1ms"));
  EXPECT_TRUE(holds("faults == 0 and refusals == 0 and exit == 0"));
  EXPECT_TRUE(holds("peak_memory_bytes == 4 KiB"));
  EXPECT_TRUE(holds("launches"));
}

TEST(Condition, OfARunHoldsWhereItHoldsOnOneCard) {
  EXPECT_TRUE(holds("busy_us < 400"));
  EXPECT_TRUE(holds("busy_us > 600"));
  EXPECT_FALSE(holds("busy_us < 400 and busy_us > 600"));
  EXPECT_FALSE(holds("busy_us@rtx-a6000 < 400"));
  EXPECT_TRUE(holds("busy_us@rtx-a6000 / busy_us@rtx-pro-5000-blackwell == 2"));
}

TEST(Condition, NamesKernels) {
  EXPECT_TRUE(holds("time(\"axpy\")@rtx-pro-5000-blackwell == 200"));
  EXPECT_TRUE(holds("launches('fill') == 2"));
}

TEST(Condition, BindsAsInArithmetic) {
  EXPECT_TRUE(holds("1 + 2 * 3 == 7"));
  EXPECT_TRUE(holds("(1 + 2) * 3 == 9"));
  EXPECT_TRUE(holds("2 - 1 - 1 == 0"));
  EXPECT_TRUE(holds("1 == 1 or 1 == 2 and 1 == 3"));
  EXPECT_TRUE(holds("not 1 == 2 && !(1 > 2) || -1 > 0"));
}

TEST(Condition, SaysWhereItIsWrong) {
  const auto error = [](const std::string& text) {
    const Result<Condition> condition = Condition::parse(text);
    return condition ? "no error" : condition.error().message;
  };
  EXPECT_EQ(error("time > "), "--fail-if: expected a figure or a number\n  time > \n         ^");
  EXPECT_EQ(error("tim > 1"), "--fail-if: expected a figure; did you mean 'time'?\n  tim > 1\n  ^");
  EXPECT_EQ(error("(time > 1"), "--fail-if: expected ')'\n  (time > 1\n           ^");
  EXPECT_EQ(
      error("time > 1 apple"),
      "--fail-if: expected a unit (ns us ms s, uJ mJ J, B KiB MiB GiB, x)\n  time > 1 apple\n           ^");
  EXPECT_EQ(error("time 3"), "--fail-if: expected an operator, or the end\n  time 3\n       ^");
  EXPECT_EQ(error("ratio@a40 > 1").substr(0, 41), "--fail-if: expected 'ratio' without a car");
  EXPECT_NE(error(std::string(100000, '(')), "no error");
  EXPECT_NE(error(std::string(100000, '!')), "no error");
  EXPECT_NE(error(std::string(100000, '-')), "no error");
}

TEST(Condition, WhatIsNotKnownIsNotZero) {
  Report report = sample_comparison();
  report.runs[1].timing_depth = "off";
  judge(report);
  for (const char* text :
       {"ratio < 1", "time < 0", "time(\"axpy\") > 1e9", "time@h100 > 0", "launches(\"none\") > 0"}) {
    EXPECT_FALSE(Condition::parse(text)->holds(report)) << text;
  }
  EXPECT_FALSE(holds("launches('fill') != 2 and faults > 0", report));
}

TEST(Figures, EachHasAMeaning) {
  for (const Figure& figure : figures()) {
    EXPECT_FALSE(figure.meaning.empty()) << figure.name;
    EXPECT_EQ(find_figure(figure.name), &figure);
    EXPECT_TRUE((figure.of_report != nullptr) != (figure.of_run != nullptr)) << figure.name;
  }
}

}  // namespace
}  // namespace doppel::report
