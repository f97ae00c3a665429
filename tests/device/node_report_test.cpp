// SPDX-License-Identifier: Apache-2.0
// What a platform tells a node, and takes of it.
#include "device/node_report.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX
#include <unistd.h>

#include <filesystem>
#include <utility>

#include "card/uuid.h"
#include "fixture.h"
#include "node/process_life.h"

namespace doppel::device {
namespace {

class OnANode : public testing::DeviceTest {
 protected:
  OnANode() {
    std::string name = ::testing::TempDir() + "doppel-report-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    node = *node::Node::open((folder / "node").string());
  }
  ~OnANode() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  void SetUp() override { start(options({"rtx-a6000", "rtx-pro-5000-blackwell"})); }
  Options options(std::vector<std::string> cards) const {
    Options asked = testing::plain_options();
    asked.cards = std::move(cards);
    asked.node = (folder / "node").string();
    return asked;
  }
  node::CardState state(int card) const { return *node->state(card, node::wall_ns()); }
  std::filesystem::path folder;
  std::shared_ptr<node::Node> node;
};

TEST_F(OnANode, AContextMakesTheProcessSeen) {
  ASSERT_EQ(state(0).processes.size(), 1u);
  EXPECT_EQ(state(0).processes[0].pid, getpid());
  EXPECT_TRUE(state(0).awake);
  EXPECT_TRUE(state(1).processes.empty());
}

// Who is there stays; who is refused may come when the mode lets it.
TEST_F(OnANode, AComputeModeKeepsAProcessFromACard) {
  ASSERT_TRUE(node->set_compute_mode(0, node::ComputeMode::Prohibited));
  ASSERT_TRUE(node->set_compute_mode(1, node::ComputeMode::Prohibited));
  EXPECT_TRUE(platform->device(0).create_context(0));
  const auto refused = platform->device(1).create_context(0);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::NotPermitted);
  EXPECT_EQ(refused.error().message, "card 1: its compute mode lets no process use it");
  EXPECT_FALSE(platform->device(1).retain_primary());
  ASSERT_TRUE(node->set_compute_mode(1, node::ComputeMode::ExclusiveProcess));
  EXPECT_TRUE(platform->device(1).create_context(0));
  EXPECT_EQ(state(1).processes.size(), 1u);
}

TEST_F(OnANode, MemoryIsOnePoolWithOtherProcesses) {
  constexpr std::uint64_t kMiB = 1 << 20;
  const std::uint64_t all = platform->device(0).memory().capacity();
  const auto other = *node->join(0, node::wall_ns());
  std::uint64_t free = 0, total = 0;
  ASSERT_TRUE(other->take(all - kMiB, free, node::wall_ns()));
  context->memory_info(free, total);
  EXPECT_EQ(total, all);
  EXPECT_EQ(free, kMiB);
  const auto refused = context->allocate(2 * kMiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::OutOfMemory);
  EXPECT_NE(refused.error().message.find("1048576 of the card's"), std::string::npos)
      << refused.error().message;
  other->give_back(all - kMiB, node::wall_ns());
  const auto allocated = context->allocate(2 * kMiB);
  ASSERT_TRUE(allocated);
  EXPECT_EQ(state(0).used_bytes, 2 * kMiB);
  ASSERT_TRUE(context->free(*allocated));
  EXPECT_EQ(state(0).used_bytes, 0u);
}

TEST_F(OnANode, KernelsMakeTheCardBusy) {
  auto* const x = allocate<float>(1 << 16);
  auto* const y = allocate<float>(1 << 16);
  EXPECT_EQ(state(0).busy, 0);
  const node::CardState before = state(0);
  ASSERT_TRUE(context->legacy()->launch(work("saxpy", {256}, {256}, number(x), number(y), 2.0F, 1U << 16)));
  ASSERT_TRUE(context->synchronize());
  const node::CardState after = state(0);
  EXPECT_GT(after.busy, 0.5);
  EXPECT_GT(after.memory, 0);
  EXPECT_GT(after.watts, before.watts);
  EXPECT_GT(after.energy_j, before.energy_j);
  EXPECT_EQ(after.clock_mhz, platform->device(0).card().clocks.sustained_mhz);
  EXPECT_EQ(state(1).busy, 0);
}

TEST_F(OnANode, FaultsAreToldAsEvents) {
  std::uint64_t seen = 0;
  ASSERT_TRUE(context->legacy()->launch(work("wild", {1}, {32}, std::uint64_t{16})));
  EXPECT_FALSE(context->synchronize());
  const auto event = node->next_event(0, seen);
  ASSERT_TRUE(event);
  EXPECT_EQ(event->data, 31u);  // a fault of the memory's page tables
  EXPECT_FALSE(node->next_event(0, seen));
}

TEST_F(OnANode, ACardIsTheSameOneWhereverItStands) {
  const auto uuid = platform->device(1).uuid();
  start(options({"rtx-pro-5000-blackwell"}));
  EXPECT_EQ(platform->device(0).uuid(), uuid);
  EXPECT_EQ(platform->device(0).pci().bus, 2);
  EXPECT_EQ(uuid, card::device_uuid("rtx-pro-5000-blackwell", 1));
}

TEST_F(OnANode, LimitsThatWereSetAreTheCards) {
  ASSERT_TRUE(node->set_power_limit(0, 200, node::wall_ns()));
  ASSERT_TRUE(node->lock_clocks(0, 0, 1200, node::wall_ns()));
  start(options({"rtx-a6000"}));
  EXPECT_EQ(platform->device(0).card().power.limit_w, 200);
  EXPECT_EQ(platform->device(0).card().clocks.sustained_mhz, 1200);
}

TEST_F(OnANode, WhatEndsWithThePlatformIsGone) {
  ASSERT_TRUE(context->allocate(1 << 20));
  EXPECT_EQ(state(0).used_bytes, 1u << 20);
  context.reset();
  platform.reset();
  EXPECT_EQ(state(0).used_bytes, 0u);
  EXPECT_TRUE(state(0).processes.empty());
}

TEST_F(OnANode, ANodeThatCannotBeOpenedIsAnError) {
  Options asked = options({"rtx-a6000"});
  asked.node = (folder / "missing" / "node").string();
  const auto made = Platform::create(asked);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("missing/node"), std::string::npos);
}

}  // namespace
}  // namespace doppel::device
