// SPDX-License-Identifier: Apache-2.0
#include "cli/child.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "cli/compile_watch.h"
#include "device/run_record.h"

namespace doppel::cli {
namespace {

ChildOptions shell(const std::string& script) {
  ChildOptions options;
  options.command = {"sh", "-c", script};
  return options;
}

TEST(Child, PassesTheStatusOn) {
  EXPECT_EQ(run_child(shell("exit 0"))->status, 0);
  EXPECT_EQ(run_child(shell("exit 3"))->status, 3);
}

TEST(Child, ASignalIs128AndItsNumber) {
  EXPECT_EQ(run_child(shell("kill -SEGV $$"))->status, 128 + SIGSEGV);
  EXPECT_EQ(run_child(shell("kill -KILL $$"))->status, 128 + SIGKILL);
}

TEST(Child, SeesItsEnvironment) {
  ChildOptions options = shell("test \"$DOPPEL_CARD\" = rtx-a6000");
  options.environment["DOPPEL_CARD"] = "rtx-a6000";
  EXPECT_EQ(run_child(options)->status, 0);
}

TEST(Child, GivesItsOutputWhereAsked) {
  ChildOptions options = shell("echo one; echo two; echo error >&2");
  std::string output;
  options.on_output = [&](const std::string& piece) { output += piece; };
  EXPECT_EQ(run_child(options)->status, 0);
  EXPECT_EQ(output, "one\ntwo\n");
}

TEST(Child, AnOutputLargerThanAPipeArrivesWhole) {
  ChildOptions options = shell("head -c 1000000 /dev/zero");
  std::size_t bytes = 0;
  options.on_output = [&](const std::string& piece) { bytes += piece.size(); };
  EXPECT_EQ(run_child(options)->status, 0);
  EXPECT_EQ(bytes, 1000000U);
}

TEST(Child, AMissingProgramIsNamed) {
  ChildOptions options;
  options.command = {"/nonexistent/program"};
  const auto result = run_child(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Error::Kind::NotFound);
  EXPECT_NE(result.error().message.find("/nonexistent/program"), std::string::npos);
}

TEST(Child, AFileThatIsNoProgramIsNamed) {
  ChildOptions options;
  options.command = {"/etc/passwd"};
  const auto result = run_child(options);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, Error::Kind::InvalidArgument);
}

// The program never ends by itself: only the limit does it.
TEST(Child, ATimeLimitEndsTheProgramAndWhatItStarted) {
  ChildOptions options = shell("cat </dev/zero >/dev/null & wait");
  options.timeout_s = 0.05;
  const auto result = run_child(options);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->timed_out);
  EXPECT_EQ(result->status, 124);
}

// While something is compiled the limit does not pass: the program outlives many of it, until the line says
// that the compiling is over.
TEST(Child, ATimeLimitLeavesCompilingOut) {
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("doppel-child-" + std::to_string(getpid()));
  std::filesystem::create_directories(folder);
  auto watch = CompileWatch::make(folder);
  ASSERT_TRUE(watch);
  const auto write = [&](int under_way) {
    std::ofstream(folder / device::kCompilationsPipe) << getpid() << ' ' << under_way << " 1 1\n";
  };
  write(1);
  ChildOptions options = shell("cat </dev/zero >/dev/null");
  options.timeout_s = 0.05;
  options.compiling = &*watch;
  double outlived_s = 0;
  options.on_tick = [&](double elapsed_s) {
    outlived_s = elapsed_s;
    write(0);
  };
  const auto result = run_child(options);
  std::filesystem::remove_all(folder);
  ASSERT_TRUE(result);
  EXPECT_GE(outlived_s, 20 * *options.timeout_s);
  EXPECT_TRUE(result->timed_out);
}

TEST(Child, AProgramThatIgnoresTheRequestIsKilled) {
  ChildOptions options = shell("trap '' TERM; echo ready; while :; do :; done");
  options.timeout_s = 0.05;
  options.on_output = [](const std::string&) {};
  EXPECT_EQ(run_child(options)->status, 124);
}

TEST(Child, AnInterruptReachesTheProgram) {
  ChildOptions options = shell("trap 'exit 7' INT; echo ready; while :; do :; done");
  options.on_output = [](const std::string&) { kill(getpid(), SIGINT); };
  const auto result = run_child(options);
  ASSERT_TRUE(result);
  EXPECT_TRUE(result->interrupted);
  EXPECT_EQ(result->status, 7);
}

TEST(Child, AnInterruptThatTheProgramIgnoresKillsIt) {
  ChildOptions options = shell("trap '' INT; echo ready; while :; do :; done");
  options.on_output = [](const std::string&) { kill(getpid(), SIGINT); };
  EXPECT_EQ(run_child(options)->status, 128 + SIGKILL);
}

// As a process whose parent does not care for its children starts it.
TEST(Child, IsWaitedForWhereSigchldIsIgnored) {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  EXPECT_EQ(run_child(shell("exit 3"))->status, 3);
  EXPECT_EQ(std::signal(SIGCHLD, before), SIG_IGN);
}

}  // namespace
}  // namespace doppel::cli
