// SPDX-License-Identifier: Apache-2.0
#include "support/log.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <string>

namespace doppel {
namespace {

class LogTest : public testing::Test {
 protected:
  void TearDown() override { unsetenv("DOPPEL_LOG"); }

  // What a logger says that was made with this DOPPEL_LOG.
  static std::string said(const char* level) {
    setenv("DOPPEL_LOG", level, 1);
    testing::internal::CaptureStderr();
    const Log log;
    log.trace("called {}", "cuInit");
    log.info("{} found", 3);
    log.warn("{} is unknown", 0.5);
    log.error("{}", "{} is kept as it is");
    return testing::internal::GetCapturedStderr();
  }
};

TEST_F(LogTest, SaysWhatItsLevelAllows) {
  const std::string error = "doppel: error: {} is kept as it is\n";
  const std::string warning = "doppel: warning: 0.5 is unknown\n" + error;
  const std::string info = "doppel: info: 3 found\n" + warning;
  EXPECT_EQ(said("off"), "");
  EXPECT_EQ(said("error"), error);
  EXPECT_EQ(said("warn"), warning);
  EXPECT_EQ(said(""), warning);
  EXPECT_EQ(said("info"), info);
  EXPECT_EQ(said("debug"), info);
  EXPECT_EQ(said("trace"), "doppel: trace: called cuInit\n" + info);
}

TEST_F(LogTest, TellsAnUnknownLevelAndKeepsTheDefault) {
  EXPECT_EQ(
      said("loud"),
      "doppel: warning: DOPPEL_LOG=loud: expected error, warn, info, debug, trace or off\n" + said("warn"));
}

TEST_F(LogTest, APipeThatNobodyReadsIsNoSignal) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  close(pipe[0]);
  const int kept = dup(STDERR_FILENO);
  dup2(pipe[1], STDERR_FILENO);
  close(pipe[1]);
  const Log log;
  log.error("lost");
  dup2(kept, STDERR_FILENO);
  close(kept);
  sigset_t pending;
  sigpending(&pending);
  EXPECT_EQ(sigismember(&pending, SIGPIPE), 0);
}

}  // namespace
}  // namespace doppel
