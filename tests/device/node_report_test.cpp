// SPDX-License-Identifier: Apache-2.0
// What a platform tells a node, and takes of it.
#include "device/node_report.h"

#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "card/uuid.h"
#include "device/run_recorder.h"
#include "fixture.h"
#include "node/process_life.h"
#include "prediction_kernels.h"

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

// Of the kernels that are launched from then on.
TEST_F(OnANode, LimitsThatAreSetMeanwhileActOnWhatComes) {
  const std::vector<std::string> texts{testing::prediction_kernels()};
  module = *context->load(*Program::load(texts, platform->options()));
  constexpr std::uint32_t kBlocks = 336;
  auto* const turns = allocate<std::uint32_t>(kBlocks);
  std::fill_n(turns, kBlocks, 2000U);
  auto* const to = allocate<float>(std::size_t{kBlocks} * 256);
  const auto record_of = [&] {
    EXPECT_TRUE(context->legacy()->launch(work("chain", {kBlocks}, {256}, number(turns), number(to))));
    EXPECT_TRUE(context->synchronize());
    return platform->recorder().records({&platform->device(0)}, 0).front().kernels.back();
  };
  const double alone_us = record_of().time_us;
  const double mhz = platform->device(0).card().clocks.sustained_mhz;
  ASSERT_TRUE(node->lock_clocks(0, 0, mhz / 2, node::wall_ns()));
  auto record = record_of();
  EXPECT_NEAR(record.time_us - alone_us, 2 * alone_us, 0.1 * alone_us);
  EXPECT_NEAR(record.clock_mhz, mhz * 3 / 4, 1);  // the mean of both calls
  ASSERT_TRUE(node->lock_clocks(0, 0, 0, node::wall_ns()));
  const double until_us = record.time_us;
  EXPECT_NEAR(record_of().time_us - until_us, alone_us, 0.03 * alone_us);
  ASSERT_TRUE(node->set_power_limit(0, 150, node::wall_ns()));
  (void)record_of();
  EXPECT_EQ(platform->device(0).card().power.limit_w, 150);
  EXPECT_EQ(platform->device(1).card().power.limit_w, 300);
}

// What memory bounds takes as long at a lower clock of the SMs.
TEST_F(OnANode, ClocksThatAreLockedMeanwhileLeaveMemoryAlone) {
  constexpr std::uint32_t kCount = 1 << 24;
  auto* const x = allocate<float>(kCount);
  auto* const y = allocate<float>(kCount);
  double before_us = 0;
  const auto takes_us = [&] {
    EXPECT_TRUE(
        context->legacy()->launch(work("saxpy", {kCount / 256}, {256}, number(x), number(y), 2.0F, kCount)));
    EXPECT_TRUE(context->synchronize());
    const double all_us =
        platform->recorder().records({&platform->device(0)}, 0).front().kernels.back().time_us;
    return all_us - std::exchange(before_us, all_us);
  };
  (void)takes_us();  // L2 is as the next one finds it
  const double alone_us = takes_us();
  ASSERT_TRUE(
      node->lock_clocks(0, 0, platform->device(0).card().clocks.sustained_mhz * 0.6, node::wall_ns()));
  EXPECT_NEAR(takes_us(), alone_us, 0.03 * alone_us);
}

// Cards of one kind have a program in common, but not what is told of their slots and memory.
TEST_F(OnANode, AKernelIsOfTheCardAsItIsSet) {
  const std::uint32_t saxpy = kernel("saxpy")->function();
  Program& program = *module->program();
  const card::Card& card = platform->device(0).card();
  const auto model = program.model(saxpy, card);
  EXPECT_EQ(program.model(saxpy, card), model);
  EXPECT_TRUE(model->is_for(card));
  std::vector<card::Card> others(4, card);
  others[0].clocks.sustained_mhz *= 0.5;
  others[1].memory.read_efficiency *= 0.9;
  others[2].pcie.lanes /= 2;
  others[3].sm_count /= 2;
  for (const card::Card& each : others) {
    EXPECT_FALSE(model->is_for(each));
    const auto other = program.model(saxpy, each);
    EXPECT_TRUE(other->is_for(each));
    EXPECT_EQ(other->registers_per_thread(), model->registers_per_thread());
    EXPECT_EQ(program.model(saxpy, each), other);
  }
  EXPECT_EQ(program.model(saxpy, card), model);
}

TEST_F(OnANode, SettingsOfTheRunAreSetOnTheNode) {
  Options asked = options({"rtx-a6000"});
  asked.power_limit_w = 200;
  asked.ecc = true;
  start(asked);  // the process that had the card is gone
  EXPECT_EQ(platform->device(0).card().power.limit_w, 200);
  EXPECT_TRUE(platform->device(0).card().memory.ecc);
  EXPECT_LT(platform->device(0).card().power.limiter_ms, 0.01);  // the steady state is asked for
  EXPECT_EQ(state(0).limit_w, 200);
  EXPECT_TRUE(state(0).ecc);
  asked.power_limit_w = 1000;
  const auto refused = Platform::create(asked);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("1000 W"), std::string::npos) << refused.error().message;
  // Another mode needs a reset, and a process has the card.
  asked.power_limit_w = 200;
  asked.ecc = false;
  EXPECT_EQ(Platform::create(asked).error().kind, Error::Kind::NotPermitted);
}

TEST(Settings, OfCardsThatNoNodeHas) {
  Options asked = testing::plain_options();
  asked.cards = {"rtx-a6000"};
  asked.ecc = true;
  asked.power_limit_w = 250;
  const auto platform = Platform::create(asked);
  ASSERT_TRUE(platform) << platform.error().message;
  EXPECT_TRUE((*platform)->device(0).card().memory.ecc);
  EXPECT_EQ((*platform)->device(0).card().power.limit_w, 250);
  asked.power_limit_w = 20;
  EXPECT_EQ(Platform::create(asked).error().kind, Error::Kind::InvalidArgument);
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
