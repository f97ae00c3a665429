// SPDX-License-Identifier: Apache-2.0
// A MIG device as a process has it: a smaller card, with memory and time of its own.
#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX

#include <filesystem>

#include "card/load_card.h"
#include "card/partition.h"
#include "card/uuid.h"
#include "device/node_report.h"
#include "fixture.h"
#include "node/ecc.h"
#include "node/partitions.h"
#include "node/process_life.h"

namespace doppel::device {
namespace {

constexpr int k1g = 5;
const char* const kPro = "rtx-pro-5000-blackwell";

class OnADividedCard : public testing::DeviceTest {
 protected:
  OnADividedCard() : whole(*card::find_card(kPro)) {
    std::string name = ::testing::TempDir() + "doppel-mig-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    node = *node::Node::open((folder / "node").string());
    EXPECT_EQ(*node->card(whole, 0, node::wall_ns()), 0);
  }
  ~OnADividedCard() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  void SetUp() override {}
  node::Partitions partitions() const { return {*node, 0, whole}; }
  // Two halves, each with a compute instance: 1/0 and 2/0.
  void divide() const {
    ASSERT_TRUE(*partitions().set_mode(true, node::wall_ns()));
    for (int i = 0; i < 2; ++i) {
      const auto made = partitions().create(*card::partition_profile(whole, k1g), {}, node::wall_ns());
      ASSERT_TRUE(made);
      ASSERT_TRUE(partitions().create_compute(*made, 1, {}, node::wall_ns()));
    }
  }
  Options options(std::optional<std::string> visible) const {
    Options asked = testing::plain_options();
    asked.cards = {kPro};
    asked.node = (folder / "node").string();
    asked.visible_devices = std::move(visible);
    return asked;
  }
  static std::string mig(int gpu_instance) {
    return card::uuid_text("MIG", card::partition_uuid(kPro, 0, gpu_instance, 0));
  }
  // The virtual time of so many launches, one behind the other, on the device that is visible so.
  double launches_us(const std::optional<std::string>& visible, int launches) {
    constexpr unsigned kCount = 1 << 24;  // more than L2 holds
    start(options(visible));
    auto* const x = allocate<float>(kCount);
    auto* const y = allocate<float>(kCount);
    const auto stream = context->legacy();
    const auto begun = std::make_shared<Event>(context, EventOptions{});
    const auto ended = std::make_shared<Event>(context, EventOptions{});
    const KernelWork launch = work("saxpy", {kCount / 256}, {256}, number(x), number(y), 2.0F, kCount);
    EXPECT_TRUE(stream->launch(launch));  // what follows is alike: one comes behind another
    EXPECT_TRUE(stream->record(begun));
    for (int i = 0; i < launches; ++i) EXPECT_TRUE(stream->launch(launch));
    EXPECT_TRUE(stream->record(ended));
    EXPECT_TRUE(context->synchronize());
    const double us = 1000 * *Event::elapsed_ms(*begun, *ended);
    DeviceTest::TearDown();
    return us;
  }
  card::Card whole;
  std::filesystem::path folder;
  std::shared_ptr<node::Node> node;
};

TEST_F(OnADividedCard, TheDeviceIsTheInstance) {
  divide();
  start(options(mig(2)));
  EXPECT_EQ(platform->device_count(), 1);
  const Device& device = platform->device(0);
  EXPECT_EQ(device.card().name, "NVIDIA RTX PRO 5000 Blackwell MIG 1g.24gb");
  EXPECT_EQ(device.card().sm_count, 54);
  EXPECT_EQ(device.memory().capacity(), 24064ULL << 20);
  EXPECT_EQ(device.uuid(), card::partition_uuid(kPro, 0, 2, 0));
  EXPECT_EQ(device.card_uuid(), card::device_uuid(kPro, 0));
  EXPECT_EQ(device.pci().bus, 1);
  const node::CardState state = *node->state(0, node::wall_ns());
  ASSERT_EQ(state.processes.size(), 1u);
  EXPECT_EQ(state.processes[0].instance, (node::Instance{2, 0}));
}

TEST_F(OnADividedCard, WithoutAWordItIsTheFirst) {
  divide();
  start(options(std::nullopt));
  EXPECT_EQ(platform->device(0).uuid(), card::partition_uuid(kPro, 0, 1, 0));
}

TEST_F(OnADividedCard, NoDeviceIsAnError) {
  const auto kind = [](const Options& asked) {
    const auto made = Platform::create(asked);
    return made ? Error::Kind::Internal : made.error().kind;
  };
  EXPECT_EQ(kind(options("MIG-GPU-00/1/0")), Error::Kind::NoDevice);
  EXPECT_EQ(kind(options("")), Error::Kind::NoDevice);
  ASSERT_TRUE(*partitions().set_mode(true, node::wall_ns()));
  EXPECT_EQ(kind(options(std::nullopt)), Error::Kind::NoDevice);
  const auto made = Platform::create(options("0"));
  ASSERT_FALSE(made);
  EXPECT_EQ(
      made.error().message,
      "no device is visible: CUDA_VISIBLE_DEVICES=0; a card in MIG mode has no device without a compute "
      "instance");
}

TEST_F(OnADividedCard, AnInstanceThatWasDestroyedGivesNoContext) {
  divide();
  auto made = Platform::create(options(mig(2)));
  ASSERT_TRUE(made);
  ASSERT_TRUE(partitions().destroy_compute({2, 0}, node::wall_ns()));
  const auto primary = (*made)->device(0).retain_primary();
  ASSERT_FALSE(primary);
  EXPECT_EQ(primary.error().kind, Error::Kind::NoDevice);
  EXPECT_FALSE((*made)->device(0).create_context(0));
}

TEST_F(OnADividedCard, MemoryIsTheInstances) {
  divide();
  start(options(mig(2)));
  const std::uint64_t all = 24064ULL << 20;
  const auto other = *node->join(0, node::wall_ns(), {1, 0});
  std::uint64_t free = 0, total = 0;
  ASSERT_TRUE(other->take(all, free, node::wall_ns()));
  context->memory_info(free, total);
  EXPECT_EQ(total, all);
  EXPECT_EQ(free, all);
  const auto same = *node->join(0, node::wall_ns(), {2, 0});
  ASSERT_TRUE(same->take(all - 100, free, node::wall_ns()));
  const auto refused = context->allocate(200);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::OutOfMemory);
}

TEST_F(OnADividedCard, LimitsOfTheCardAreDividedToo) {
  ASSERT_TRUE(node->set_power_limit(0, 220, node::wall_ns()));
  divide();
  start(options(mig(1)));
  EXPECT_DOUBLE_EQ(platform->device(0).card().power.limit_w, 220.0 * 54 / 110);
}

// Set while a program runs in an instance: it stays the smaller card, at its share of the new limit.
TEST_F(OnADividedCard, LimitsThatAreSetMeanwhileAreDividedToo) {
  divide();
  start(options(mig(2)));
  Device& device = platform->device(0);
  const card::Card before = device.card();
  const double share = 54.0 / 110;
  EXPECT_DOUBLE_EQ(before.power.limit_w, whole.power.limit_w * share);
  auto* const x = allocate<float>(1 << 16);
  auto* const y = allocate<float>(1 << 16);
  const auto launched = [&]() -> const card::Card& {
    EXPECT_TRUE(context->legacy()->launch(work("saxpy", {256}, {256}, number(x), number(y), 2.0F, 1U << 16)));
    EXPECT_TRUE(context->synchronize());
    return device.card();
  };
  ASSERT_TRUE(node->set_power_limit(0, 200, node::wall_ns()));
  const double mhz = before.clocks.sustained_mhz / 2;
  EXPECT_DOUBLE_EQ(launched().power.limit_w, 200 * share);
  EXPECT_EQ(device.card().clocks.sustained_mhz, before.clocks.sustained_mhz);
  ASSERT_TRUE(node->lock_clocks(0, 0, mhz, node::wall_ns()));
  EXPECT_EQ(launched().clocks.sustained_mhz, mhz);
  EXPECT_DOUBLE_EQ(device.card().power.limit_w, 200 * share);
  // The rest is as it was.
  EXPECT_EQ(device.card().name, before.name);
  EXPECT_EQ(device.card().sm_count, 54);
  EXPECT_EQ(device.card().memory.bytes, before.memory.bytes);
  EXPECT_EQ(device.card().memory.bus_width_bits, before.memory.bus_width_bits);
  EXPECT_EQ(device.card().l2.bytes, before.l2.bytes);
  EXPECT_DOUBLE_EQ(device.card().power.idle_w, before.power.idle_w);
  ASSERT_TRUE(node->lock_clocks(0, 0, 0, node::wall_ns()));
  ASSERT_TRUE(node->set_power_limit(0, whole.power.limit_w, node::wall_ns()));
  EXPECT_EQ(launched().clocks.sustained_mhz, before.clocks.sustained_mhz);
  EXPECT_DOUBLE_EQ(device.card().power.limit_w, before.power.limit_w);
}

// A reset would take instances along that somebody has made.
TEST_F(OnADividedCard, AnotherModeOfEccIsNotForADividedCard) {
  divide();
  Options asked = options(mig(1));
  asked.ecc = true;  // as it is
  EXPECT_TRUE(Platform::create(asked));
  asked.ecc = false;
  const auto refused = Platform::create(asked);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::NotPermitted);
  EXPECT_EQ(partitions().compute_instances()->size(), 2u);
}

// Two bits in the memory of one instance end its context; who works in the other goes on.
TEST_F(OnADividedCard, ErrorsInMemoryAreTheInstances) {
  divide();
  start(options(mig(1)));
  auto other = Platform::create(options(mig(2)));
  ASSERT_TRUE(other);
  const auto second = *(*other)->device(0).retain_primary();
  const auto theirs = second->allocate(4096);
  ASSERT_TRUE(theirs);
  constexpr unsigned kCount = 1 << 12;
  auto* const x = allocate<float>(kCount);
  auto* const y = allocate<float>(kCount);
  node::Ecc ecc(node, 0);
  ASSERT_TRUE(ecc.plant({.pid = getpid(), .bits = 2, .address = number(x)}, node::wall_ns()));
  ASSERT_TRUE(
      context->legacy()->launch(work("saxpy", {kCount / 256}, {256}, number(x), number(y), 2.0F, kCount)));
  EXPECT_FALSE(context->synchronize());
  ASSERT_TRUE(context->fault());
  EXPECT_EQ(context->fault()->kind, engine::Fault::Kind::UncorrectableMemory);
  EXPECT_EQ(ecc.state()->since_reset.uncorrectable, 1U);
  EXPECT_TRUE(second->legacy()->enqueue(MemsetWork{*theirs, 0, 7, 1, 4096}));
  EXPECT_TRUE(second->synchronize());
  EXPECT_FALSE(second->fault());
  // The process that was ended so may come again, in the same instance.
  const auto again = platform->device(0).create_context(0);
  ASSERT_TRUE(again);
  EXPECT_TRUE((*again)->allocate(4096));
}

// Memory at half the rate; the other instance's work changes nothing.
TEST_F(OnADividedCard, MemoryRunsAtItsShare) {
#ifdef DOPPEL_TSAN
  GTEST_SKIP() << "the host's part of a launch counts, and is many times as long under ThreadSanitizer";
#endif
  const double whole_us = launches_us(std::nullopt, 3);
  divide();
  const double half_us = launches_us(mig(1), 3);
  EXPECT_NEAR(half_us / whole_us, 2, 0.06);
  const auto other = *node->join(0, node::wall_ns(), {2, 0});
  other->begins(node::wall_ns());
  EXPECT_NEAR(launches_us(mig(1), 3), half_us, 1);  // events tell half microseconds
}

// On the whole card, another process takes its turns.
TEST_F(OnADividedCard, WithoutMigProcessesTakeTurns) {
  constexpr int kLaunches = 50;
  const double alone_us = launches_us(std::nullopt, kLaunches);
  const auto other = *node->join(0, node::wall_ns());
  other->begins(node::wall_ns());  // and never ends
  const double shared_us = launches_us(std::nullopt, kLaunches);
  const card::TimeSlicing& slices = whole.time_slicing;
  EXPECT_NEAR(shared_us / alone_us, 2 * (slices.slice_us + slices.switch_us) / slices.slice_us, 0.08);
}

}  // namespace
}  // namespace doppel::device
