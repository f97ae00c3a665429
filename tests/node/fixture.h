// SPDX-License-Identifier: Apache-2.0
// A node of the test's own, and processes that use it.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>

#include "card/load_card.h"
#include "node/client.h"
#include "node/course.h"
#include "node/node.h"
#include "node/process_life.h"

namespace doppel::node {

inline card::Card card_of(const std::string& name) {
  auto card = card::load_card(std::string(DOPPEL_SOURCE_DIR) + "/cards/" + name + ".toml");
  EXPECT_TRUE(card) << card.error().message;
  return *card;
}

class NodeTest : public testing::Test {
 protected:
  NodeTest() {
    std::string name = testing::TempDir() + "doppel-node-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    file = folder / "node";
  }
  ~NodeTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  std::shared_ptr<Node> open() const {
    auto node = Node::open(file.string());
    EXPECT_TRUE(node) << node.error().message;
    return *node;
  }
  std::filesystem::path folder, file;
};

// A child that runs `work`, says that it has, and waits to be killed.
class ChildProcess {
 public:
  explicit ChildProcess(const std::function<void()>& work) {
    std::array<int, 2> pipe_ends{};
    EXPECT_EQ(pipe(pipe_ends.data()), 0);
    pid = fork();
    if (pid == 0) {
      work();
      const char done = 1;
      if (write(pipe_ends[1], &done, 1) != 1) _exit(1);
      while (true) pause();
    }
    close(pipe_ends[1]);
    char done = 0;
    EXPECT_EQ(read(pipe_ends[0], &done, 1), 1);
    close(pipe_ends[0]);
  }
  ~ChildProcess() { end(); }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  // Killed, but not collected: a zombie.
  void kill_it() const {
    kill(pid, SIGKILL);
    siginfo_t info{};
    waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  }
  void end() {
    if (pid <= 0) return;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    pid = 0;
  }
  pid_t pid = 0;
};

constexpr std::int64_t kStart = 1'000'000'000'000;  // of the tests' wall clock

inline std::int64_t at(double seconds) { return kStart + static_cast<std::int64_t>(seconds * 1e9); }

}  // namespace doppel::node
