// SPDX-License-Identifier: Apache-2.0
// Which products of matrices are made by one call (src/jit/matrix_runs.h).
#include <gtest/gtest.h>

#include <cstdint>
#include <regex>
#include <string>
#include <vector>

#include "analysis/analysed_module.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "jit/module_compiler.h"

namespace doppel::jit::matrix_runs {
namespace {

constexpr const char* kHead = R"(
.version 7.8
.target sm_86
.address_size 64
.visible .entry k(.param .u64 in, .param .u64 out, .param .u32 count)
{
  .reg .pred %p;
  .reg .u32 %t, %n;
  .reg .u64 %at, %to, %time;
  .reg .f64 %a<4>, %b<4>, %c<8>, %x;
  .shared .u32 word;
  mov.u32 %t, %tid.x;
  ld.param.u32 %n, [count];
  setp.lt.u32 %p, %t, %n;
  ld.param.u64 %at, [in];
  ld.param.u64 %to, [out];
  mad.wide.u32 %at, %t, 128, %at;
  mad.wide.u32 %to, %t, 64, %to;
)";

std::string of_registers(const char* first, int count, const char* text) {
  std::string all;
  for (int i = 0; i < count; ++i)
    all += std::string(text) + first + std::to_string(i) + ", [%at+" + std::to_string(8 * i) + "];\n";
  return all;
}

std::string kernel(const std::string& body) {
  std::string text = kHead;
  text += of_registers("%a", 4, "ld.global.f64 ") + of_registers("%b", 4, "ld.global.f64 ") +
          of_registers("%c", 8, "ld.global.f64 ") + body;
  for (int i = 0; i < 8; ++i)
    text += "st.global.f64 [%to+" + std::to_string(8 * i) + "], %c" + std::to_string(i) + ";\n";
  return text + "ret; }\n";
}

// Two registers of C and D each.
std::string product(int d, int a, int b, int c) {
  const auto pair = [](int first) {
    return "{%c" + std::to_string(first) + ", %c" + std::to_string(first + 1) + "}";
  };
  return "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 " + pair(d) + ", {%a" + std::to_string(a) +
         "}, {%b" + std::to_string(b) + "}, " + pair(c) + ";\n";
}

// How many products each call makes that makes more than one, in the order of the calls.
std::vector<int> runs(const std::string& body, Build build = Build::Plain) {
  auto parsed = ptx::parse(kernel(body));
  if (!parsed) {
    ADD_FAILURE() << "not PTX";
    return {};
  }
  const analysis::AnalysedModule module(ptx::to_ir(std::move(*parsed)));
  const auto stages =
      stages_of({module, 0, {.shape = LaneShape::Linear, .full_warps = true, .build = build}});
  if (!stages) {
    ADD_FAILURE() << stages.error().message;
    return {};
  }
  // The words that describe a run: how many A, B and products, and these.
  static const std::regex table(R"(@products[.0-9]* = [^\n]*\[i32 (\d+), i32 (\d+), i32 (\d+),)");
  std::vector<int> found;
  for (auto it = std::sregex_iterator(stages->emitted.begin(), stages->emitted.end(), table);
       it != std::sregex_iterator(); ++it)
    found.push_back(std::stoi((*it)[3]));
  return found;
}

using Runs = std::vector<int>;
const std::string kFirst = product(0, 0, 0, 0);
const std::string kSecond = product(2, 1, 0, 2);

TEST(MatrixRuns, ProductsThatFollowEachOtherAreOne) {
  EXPECT_EQ(runs(kFirst + kSecond), Runs{2});
  EXPECT_EQ(runs(kFirst), Runs{});
  // One adds to what the other made.
  EXPECT_EQ(runs(kFirst + product(0, 1, 1, 0) + kSecond), Runs{3});
}

TEST(MatrixRuns, WhatNeitherNeedsThemNorChangesWhatTheyReadStandsBetween) {
  EXPECT_EQ(runs(kFirst + "ld.global.f64 %a1, [%at+8];\n" + kSecond), Runs{2});
  EXPECT_EQ(runs(kFirst + "mov.f64 %a1, %x; add.f64 %a1, %a0, %b0;\n" + kSecond), Runs{2});
  EXPECT_EQ(runs(kFirst + "@%p ld.global.f64 %a1, [%at+8];\n" + kSecond), Runs{2});
  EXPECT_EQ(runs(kFirst + "prefetch.global.L2 [%at];\n" + kSecond), Runs{2});
}

TEST(MatrixRuns, WhatReadsAResultEndsARun) {
  EXPECT_EQ(runs(kFirst + "add.f64 %x, %c0, %c0;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "add.f64 %c1, %c1, %x;\n" + kSecond), Runs{});
  // As a factor.
  EXPECT_EQ(runs(kFirst + "mov.f64 %a1, %c1;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + kSecond + "add.f64 %x, %c0, %c0;\n" + kFirst + kSecond), (Runs{2, 2}));
}

TEST(MatrixRuns, WhatOverwritesAFactorOrAResultEndsARun) {
  EXPECT_EQ(runs(kFirst + "ld.global.f64 %a0, [%at+8];\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "mov.f64 %b0, %x;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "mov.f64 %c1, %x;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "@%p mov.f64 %a0, %x;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(product(4, 0, 0, 0) + "mov.f64 %c0, %x;\n" + kSecond), Runs{});
}

TEST(MatrixRuns, AResultOverPartOfWhatItIsAddedToIsMadeAlone) {
  const std::string placed = kFirst + kSecond + "add.f64 %x, %c0, %c2;\n";
  EXPECT_EQ(runs(placed + product(0, 0, 0, 1) + product(4, 1, 0, 4)), Runs{2});
  EXPECT_EQ(runs(placed + product(4, 0, 0, 0) + product(6, 1, 0, 2)), (Runs{2, 2}));
}

TEST(MatrixRuns, MemoryThatChangesEndsARun) {
  EXPECT_EQ(runs(kFirst + "st.global.f64 [%to], %x;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "atom.global.add.u32 %n, [%to], 1;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "membar.gl;\n" + kSecond), Runs{});
}

TEST(MatrixRuns, ABarrierABranchOrALabelEndsARun) {
  EXPECT_EQ(runs(kFirst + "bar.sync 0;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "setp.eq.u32 %p, %n, 7;\n@%p bra NEXT;\nmov.f64 %x, %a0;\nNEXT:\n" + kSecond),
            Runs{});
}

TEST(MatrixRuns, WhatTellsTheTimeEndsARun) {
  EXPECT_EQ(runs(kFirst + "mov.u64 %time, %clock64;\n" + kSecond), Runs{});
  EXPECT_EQ(runs(kFirst + "nanosleep.u32 10;\n" + kSecond), Runs{});
}

TEST(MatrixRuns, OfAnotherKindOrRoundingIsAnotherRun) {
  const std::string down = std::regex_replace(kSecond, std::regex("row.col"), "row.col.rm");
  EXPECT_EQ(runs(kFirst + down), Runs{});
  EXPECT_EQ(runs(kFirst + kSecond + down + down), (Runs{2, 2}));
}

// Only some of its lanes are written.
TEST(MatrixRuns, AProductOfSomeLanesIsMadeAlone) {
  EXPECT_EQ(runs(kFirst + "setp.eq.u32 %p, %n, 7;\n@%p " + kSecond + product(4, 0, 0, 4)), Runs{});
}

TEST(MatrixRuns, TheCheckedBuildMakesEachAlone) {
  EXPECT_EQ(runs(kFirst + kSecond, Build::Checked), Runs{});
  EXPECT_EQ(runs(kFirst + kSecond, Build::Traced), Runs{2});
}

}  // namespace
}  // namespace doppel::jit::matrix_runs
