// SPDX-License-Identifier: Apache-2.0
// Several processes on one node, and what is left of those that are killed.
#include <fmt/format.h>

#include <vector>

#include "fixture.h"

namespace doppel::node {
namespace {

using Processes = NodeTest;

TEST_F(Processes, SeeEachOthersMemory) {
  const auto node = open();
  const card::Card card = card_of("rtx-a6000");
  ASSERT_EQ(*node->card(card, 0, wall_ns()), 0);
  const ChildProcess child([&] {
    const auto mine = *Node::open(file.string());
    std::uint64_t free = 0;
    auto* client = mine->join(0, wall_ns())->release();
    if (!client->take(5000, free, wall_ns())) _exit(1);
  });
  const CardState now = *node->state(0, wall_ns());
  ASSERT_EQ(now.processes.size(), 1u);
  EXPECT_EQ(now.processes[0].pid, child.pid);
  EXPECT_EQ(now.used_bytes, 5000u);
}

TEST_F(Processes, ThatAreKilledLeaveNothing) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  ChildProcess child([&] {
    std::uint64_t free = 0;
    auto* client = (*Node::open(file.string()))->join(0, wall_ns())->release();
    if (!client->take(5000, free, wall_ns())) _exit(1);
    client->begins(wall_ns());
  });
  EXPECT_EQ(node->state(0, wall_ns())->busy, 1);
  child.kill_it();
  // A look of which the last one was long ago finds the zombie, too.
  constexpr std::int64_t kLater = 1'000'000'000;
  const CardState now = *node->state(0, wall_ns() + kLater);
  EXPECT_EQ(now.busy, 0);
  EXPECT_EQ(now.used_bytes, 0u);
  EXPECT_TRUE(now.processes.empty());
}

TEST_F(Processes, ThatAreCollectedAreGoneAtOnce) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  ChildProcess child([&] { (void)(*Node::open(file.string()))->join(0, wall_ns())->release(); });
  EXPECT_EQ(node->state(0, wall_ns())->processes.size(), 1u);
  child.end();
  EXPECT_TRUE(node->state(0, wall_ns())->processes.empty());
}

// The number of a dead process that another one has by now.
TEST_F(Processes, AreToldByTheirStartToo) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  const auto client = *node->join(0, wall_ns());
  {
    const auto raw = *SharedFile::open(file);
    const auto lock = *raw.lock();
    lock->client[0].started += 1;
  }
  constexpr std::int64_t kLater = 1'000'000'000;
  EXPECT_TRUE(node->state(0, wall_ns() + kLater)->processes.empty());
}

TEST_F(Processes, AKilledHolderOfTheLockLeavesItToTheNext) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  ChildProcess child([&] {
    // Held, and mapped, until it is killed.
    const auto* raw = new SharedFile(*SharedFile::open(file));
    new SharedFile::Lock(*raw->lock());
  });
  child.end();
  EXPECT_TRUE(node->state(0, wall_ns()));
  EXPECT_TRUE(node->state(0, wall_ns()));  // and the lock works on
}

// In a forked child, the parent's client is not its own.
TEST_F(Processes, AForkedChildDoesNotSpeakForItsParent) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  const auto client = *node->join(0, wall_ns());
  const ChildProcess child([&] {
    std::uint64_t free = 0;
    if (client->take(5000, free, wall_ns())) _exit(1);
    client->begins(wall_ns());
  });
  const CardState now = *node->state(0, wall_ns());
  EXPECT_EQ(now.used_bytes, 0u);
  EXPECT_EQ(now.busy, 0);
}

TEST_F(Processes, JoinAsTheComputeModeLets) {
  const auto node = open();
  ASSERT_EQ(*node->card(card_of("rtx-a6000"), 0, wall_ns()), 0);
  ASSERT_TRUE(node->set_compute_mode(0, ComputeMode::ExclusiveProcess));
  {
    const ChildProcess child([&] {
      if (!(*Node::open(file.string()))->join(0, wall_ns())) _exit(1);
    });
    const auto second = node->join(0, wall_ns());
    ASSERT_TRUE(second);  // what the child joined ended with its object
  }
  ChildProcess child([&] { (void)(*(*Node::open(file.string()))->join(0, wall_ns())).release(); });
  const auto refused = node->join(0, wall_ns());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::NotPermitted);
  EXPECT_EQ(refused.error().message,
            fmt::format("card 0: its compute mode lets one process use it, which is {}", child.pid));
  child.end();
  {
    const auto one = node->join(0, wall_ns()), two = node->join(0, wall_ns());
    EXPECT_TRUE(one && two);  // of one process
  }
  ASSERT_TRUE(node->set_compute_mode(0, ComputeMode::Prohibited));
  EXPECT_EQ(node->join(0, wall_ns()).error().message, "card 0: its compute mode lets no process use it");
  ASSERT_TRUE(node->set_compute_mode(0, ComputeMode::Default));
  EXPECT_TRUE(node->join(0, wall_ns()));
  EXPECT_FALSE(node->set_compute_mode(7, ComputeMode::Default));
}

// Sixty-four at once, ten of which are killed in the middle of it.
TEST_F(Processes, ThatAreManyKeepTheSumsRight) {
  const auto node = open();
  const card::Card card = card_of("rtx-a6000");
  ASSERT_EQ(*node->card(card, 0, wall_ns()), 0);
  constexpr int kProcesses = 64, kKilled = 10, kRounds = 300;
  constexpr std::uint64_t kEach = 1 << 20;
  std::vector<pid_t> children;
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      const auto client = *(*Node::open(file.string()))->join(0, wall_ns());
      std::uint64_t free = 0;
      const bool is_killed = i < kKilled;
      for (int round = 0; is_killed || round < kRounds; ++round) {
        if (!client->take(kEach, free, wall_ns())) _exit(1);
        client->begins(wall_ns());
        client->ran({.start_us = 10.0 * round, .end_us = 10.0 * round + 5, .kernel = true, .energy_j = 1e-3},
                    wall_ns());
        client->ends(wall_ns());
        if (round % 2 == 1) client->give_back(2 * kEach, wall_ns());
      }
      // Not its destructor: who ends without a word is found, too.
      _exit(0);
    }
    children.push_back(child);
  }
  for (int i = 0; i < kProcesses; ++i) {
    const pid_t child = children[static_cast<std::size_t>(i)];
    if (i < kKilled) kill(child, SIGKILL);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    if (i >= kKilled) {
      EXPECT_EQ(status, 0);
    }
    const CardState now = *node->state(0, wall_ns());
    std::uint64_t sum = 0;
    for (const ProcessState& each : now.processes) sum += each.used_bytes;
    EXPECT_EQ(sum, now.used_bytes);
    EXPECT_LE(now.used_bytes, 2 * kEach * kProcesses);
  }
  const CardState now = *node->state(0, wall_ns());
  EXPECT_TRUE(now.processes.empty());
  EXPECT_EQ(now.used_bytes, 0u);
  EXPECT_EQ(now.busy, 0);
}

}  // namespace
}  // namespace doppel::node
