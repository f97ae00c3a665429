// SPDX-License-Identifier: Apache-2.0
#include "cli/compile_watch.h"

#include <gtest/gtest.h>

namespace doppel::cli {
namespace {

TEST(CompileClock, CountsWhileAnythingIsCompiled) {
  CompileClock clock;
  EXPECT_FALSE(clock.current());
  EXPECT_EQ(clock.compiled_s(5), 0);
  clock.take("7 1 1 3", 10);
  EXPECT_EQ(clock.current(), (Compiling{1, 3}));
  EXPECT_EQ(clock.compiled_s(12), 2);
  clock.take("7 2 2 3", 13);
  EXPECT_EQ(clock.current(), (Compiling{2, 3}));
  clock.take("7 1 2 4", 14);
  EXPECT_EQ(clock.current(), (Compiling{2, 4}));
  clock.take("7 0 2 4", 15);
  EXPECT_FALSE(clock.current());
  EXPECT_EQ(clock.compiled_s(100), 5);
  clock.take("7 1 3 4", 100);
  EXPECT_EQ(clock.compiled_s(101), 6);
}

TEST(CompileClock, TimeOfSeveralProcessesAtOnceCountsOnce) {
  CompileClock clock;
  clock.take("7 1 1 1", 10);
  clock.take("8 1 2 9", 11);
  EXPECT_EQ(clock.current(), (Compiling{2, 9}));
  clock.take("8 0 2 9", 14);
  EXPECT_EQ(clock.current(), (Compiling{1, 1}));
  clock.take("7 0 1 1", 16);
  EXPECT_EQ(clock.compiled_s(20), 6);
}

TEST(CompileClock, AProcessThatEndedCompilesNoMore) {
  CompileClock clock;
  clock.take("7 1 1 1", 10);
  clock.forget([](pid_t process) { return process == 8; }, 11);
  EXPECT_TRUE(clock.current());
  clock.forget([](pid_t process) { return process == 7; }, 12);
  EXPECT_FALSE(clock.current());
  EXPECT_EQ(clock.compiled_s(20), 2);
}

TEST(CompileClock, PassesOverWhatIsNoLine) {
  CompileClock clock;
  for (const char* line : {"", "7", "seven 1 1 1", "7 1 1"}) clock.take(line, 1);
  EXPECT_FALSE(clock.current());
}

}  // namespace
}  // namespace doppel::cli
