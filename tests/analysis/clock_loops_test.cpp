// SPDX-License-Identifier: Apache-2.0
#include "analysis/clock_loops.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "analysis/analysed_module.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::analysis {
namespace {

std::vector<SpinLoop> loops_of(const std::string& body) {
  const std::string text =
      ".version 8.0\n.target sm_86\n.address_size 64\n"
      ".visible .entry k(.param .u64 p, .param .u64 cycles, .param .u32 n)\n{\n"
      ".reg .pred %p<9>; .reg .b32 %r<40>; .reg .f32 %f<40>; .reg .b64 %rd<20>;\n"
      "ld.param.u64 %rd1, [p]; ld.param.u64 %rd2, [cycles]; ld.param.u32 %r1, [n]; mov.u32 %r2, %tid.x;\n" +
      body + "\nst.global.u64 [%rd1], %rd9;\nret;\n}\n";
  const auto module = ptx::parse(text);
  EXPECT_TRUE(module.has_value()) << (module ? "" : ptx::to_string(module.error().diagnostics.front()));
  if (!module) return {};
  return AnalysedModule(ptx::to_ir(*module)).kernel(0).spin_loops;
}

constexpr const char* kStart = "mov.u64 %rd3, %clock64;\n";

std::string until(const std::string& what) {
  return std::string(kStart) + "again: mov.u64 %rd4, %clock64; sub.s64 %rd9, %rd4, %rd3; " + what +
         " setp.lt.s64 %p1, %rd9, %rd2; @%p1 bra again;";
}

TEST(ClockLoops, OneThatTestsTheClockIsOne) {
  const std::vector<SpinLoop> found = loops_of(until(""));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].by_clock);
  EXPECT_TRUE(found[0].only_waits);
  // The fifth operation reads the start, the one behind it the time in the loop.
  EXPECT_EQ(found[0].counts_from, std::vector<std::uint32_t>{4});
  EXPECT_EQ(found[0].clock_reads, std::vector<std::uint32_t>{5});
}

TEST(ClockLoops, SoIsOneThatTestsWhatTheRoundBeforeHasRead) {
  const std::vector<SpinLoop> found =
      loops_of(std::string(kStart) +
               "mov.u64 %rd9, 0;\nagain: setp.ge.s64 %p1, %rd9, %rd2; @%p1 bra done;\n"
               "mov.u64 %rd4, %clock64; sub.s64 %rd9, %rd4, %rd3; bra again;\ndone:");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].by_clock && found[0].only_waits);
}

TEST(ClockLoops, SoIsOneThatAddsUpWhatHasPassed) {
  const std::vector<SpinLoop> found = loops_of(
      "mov.u64 %rd9, 0; mov.u64 %rd3, %globaltimer;\n"
      "again: mov.u64 %rd4, %globaltimer; sub.s64 %rd5, %rd4, %rd3; add.s64 %rd9, %rd9, %rd5;\n"
      "mov.u64 %rd3, %rd4; setp.lt.s64 %p1, %rd9, %rd2; @%p1 bra again;");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].by_clock && found[0].only_waits);
  EXPECT_EQ(found[0].counts_from.size(), 1u);
}

// The start stands in memory, as where one thread of a block reads it for all.
TEST(ClockLoops, SoIsOneThatReadsItsStartFromMemory) {
  const std::vector<SpinLoop> found = loops_of(
      "again: mov.u64 %rd4, %clock64; ld.shared.u64 %rd3, [%rd1]; sub.s64 %rd9, %rd4, %rd3;\n"
      "setp.lt.s64 %p1, %rd9, %rd2; @%p1 bra again;");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].by_clock && found[0].only_waits);
  EXPECT_TRUE(found[0].counts_from.empty());
  EXPECT_TRUE(
      loops_of("again: mov.u64 %rd4, %clock64; ld.shared.u64 %rd3, [%rd1]; sub.s64 %rd9, %rd4, %rd3;\n"
               "bar.sync 0; setp.lt.s64 %p1, %rd9, %rd2; @%p1 bra again;")
          .empty());
}

TEST(ClockLoops, SleepsChangeNothing) {
  const std::vector<SpinLoop> found = loops_of(until("nanosleep.u32 100;"));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].only_waits);
}

TEST(ClockLoops, WhatARoundDoesBesideShowsHowManyThereWere) {
  for (const char* work :
       {"add.u32 %r3, %r3, 1; st.global.u32 [%rd1], %r3;", "red.global.add.u32 [%rd1], 1;", "bar.sync 0;"}) {
    const std::vector<SpinLoop> found = loops_of(until(work));
    ASSERT_EQ(found.size(), 1u) << work;
    EXPECT_TRUE(found[0].by_clock) << work;
    EXPECT_FALSE(found[0].only_waits) << work;
  }
}

TEST(ClockLoops, AWaitForAWriteMayHaveATimeOut) {
  const std::vector<SpinLoop> found =
      loops_of(std::string(kStart) +
               "again: ld.volatile.global.u32 %r3, [%rd1]; setp.ne.u32 %p2, %r3, 0; @%p2 bra done;\n"
               "mov.u64 %rd4, %clock64; sub.s64 %rd9, %rd4, %rd3; setp.lt.s64 %p1, %rd9, %rd2;\n"
               "@%p1 bra again;\ndone:");
  ASSERT_EQ(found.size(), 1u);
  EXPECT_TRUE(found[0].by_clock && found[0].or_by_memory && found[0].on_memory());
  EXPECT_EQ(found[0].clock_exits, std::vector<BlockId>{found[0].last});
}

TEST(ClockLoops, OneThatMayEndOtherwiseIsNone) {
  // A count of rounds, in the same predicate or in another; memory.
  EXPECT_TRUE(loops_of(std::string(kStart) +
                       "again: mov.u64 %rd4, %clock64; sub.s64 %rd9, %rd4, %rd3; add.u32 %r3, %r3, 1;\n"
                       "setp.lt.s64 %p1, %rd9, %rd2; setp.lt.and.u32 %p2, %r3, %r1, %p1; @%p2 bra again;")
                  .empty());
  EXPECT_TRUE(
      loops_of(until("add.u32 %r3, %r3, 1; setp.gt.u32 %p3, %r3, %r1; @%p3 bra done;") + "\ndone:").empty());
  EXPECT_TRUE(loops_of(until("ld.volatile.global.u64 %rd2, [%rd1];")).empty());
}

TEST(ClockLoops, OneThatOnlyMeasuresIsNone) {
  EXPECT_TRUE(loops_of("again: mov.u64 %rd9, %clock64; add.u32 %r3, %r3, 1;\n"
                       "setp.lt.u32 %p1, %r3, %r1; @%p1 bra again;")
                  .empty());
}

}  // namespace
}  // namespace doppel::analysis
