// SPDX-License-Identifier: Apache-2.0
// Kernels that reach the memory of another card.
#include <algorithm>
#include <array>
#include <cstring>

#include "device/operation.h"
#include "device/run_recorder.h"
#include "fixture.h"
#include "prediction_kernels.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class PeerAccess : public DeviceTest {
 protected:
  void SetUp() override { start_with("rtx-a6000", true); }
  void TearDown() override {
    other.reset();
    DeviceTest::TearDown();
  }
  void start_with(const std::string& card, bool nvlink) {
    other.reset();
    Options options = testing::plain_options();
    options.cards = {card, card};
    options.nvlink = nvlink;
    start(options);
    other = *platform->device(1).retain_primary();
    const std::vector<std::string> texts{testing::prediction_kernels()};
    module = *context->load(*Program::load(texts, platform->options()));
  }
  template <typename T>
  T* there(std::size_t count) {
    return reinterpret_cast<T*>(*other->allocate(count * sizeof(T)));
  }
  KernelRecord last_kernel() {
    EXPECT_TRUE(context->synchronize());
    return platform->recorder().records({&context->device()}, 0).front().kernels.back();
  }
  template <typename... Values>
  double time_of(const char* name, std::uint32_t blocks, Values... values) {
    const double before = kernels_us();
    EXPECT_TRUE(context->legacy()->launch(work(name, {blocks}, {256}, values...)));
    EXPECT_TRUE(context->synchronize());
    return kernels_us() - before;
  }
  double kernels_us() {
    const RunRecord record = platform->recorder().records({&context->device()}, 0).front();
    double sum = 0;
    for (const KernelRecord& kernel : record.kernels) sum += kernel.time_us;
    return sum;
  }

  std::shared_ptr<Context> other;
};

TEST_F(PeerAccess, IsAFaultUntilItIsEnabled) {
  auto* from = there<std::uint32_t>(256);
  auto* to = allocate<std::uint32_t>(256);
  std::fill_n(from, 256, 7u);
  EXPECT_TRUE(context->legacy()->launch(work("scale", {1}, {256}, from, to, 3u)));
  EXPECT_EQ(context->synchronize().error().kind, Error::Kind::DeviceFault);
  EXPECT_EQ(context->fault()->kind, engine::Fault::Kind::IllegalAddress);
  EXPECT_TRUE(other->synchronize());  // the other card's context lives on
}

TEST_F(PeerAccess, IsOneWay) {
  ASSERT_TRUE(context->enable_peer(*other));
  auto* from = there<std::uint32_t>(256);
  auto* to = allocate<std::uint32_t>(256);
  std::fill_n(from, 256, 7u);
  EXPECT_TRUE(context->legacy()->launch(work("scale", {1}, {256}, from, to, 3u)));
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(to[255], 21u);
  EXPECT_FALSE(other->reaches(number(to), 4));
  EXPECT_TRUE(context->reaches(number(from), 1024));
  EXPECT_FALSE(context->reaches(number(from) + 1020, 8));  // beyond the allocation
  ASSERT_TRUE(context->disable_peer(*other));
  EXPECT_FALSE(context->reaches(number(from), 4));
}

TEST_F(PeerAccess, StoresAndAtomicsGoAcross) {
  ASSERT_TRUE(context->enable_peer(*other));
  auto* counter = there<std::uint32_t>(1);
  auto* unused = allocate<std::uint32_t>(1024);
  *counter = 5;
  EXPECT_TRUE(context->legacy()->launch(work("add", {8}, {256}, counter, unused, 0u, 0u)));
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(*counter, 5u + 8 * 256);
  auto* from = allocate<std::uint32_t>(2048);
  auto* to = there<std::uint32_t>(2048);
  for (std::uint32_t i = 0; i < 2048; ++i) from[i] = i;
  EXPECT_TRUE(context->legacy()->launch(work("scale", {8}, {256}, from, to, 2u)));
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(to[2047], 4094u);
}

// A read of 64 MiB: 128 bytes a packet behind a header, at the links' rate.
TEST_F(PeerAccess, TakesTheTimeOfTheLinks) {
  ASSERT_TRUE(context->enable_peer(*other));
  constexpr std::uint32_t kBlocks = 16384;
  constexpr double kBytes = 64.0 * kMiB;
  auto* near_by = allocate<float>(16 * kMiB);
  auto* far = there<float>(16 * kMiB);
  auto* to = allocate<float>(1);
  const card::NvLink& links = context->device().card().nvlink;
  const double read_us = kBytes / 128 * links.packet_s(128) * 1e6;
  const double own = time_of("read", kBlocks, near_by, to);
  const double over = time_of("read", kBlocks, far, to);
  EXPECT_GT(over, read_us);
  EXPECT_LT(over, 1.05 * read_us);
  EXPECT_GT(over, 8 * own);
  EXPECT_EQ(last_kernel().bound, "NVLink");
  // The L2 of this card keeps nothing of it.
  EXPECT_NEAR(time_of("read", kBlocks, far, to), over, 0.01 * over);
  // What is written goes the other way.
  auto* words = allocate<std::uint32_t>(4 * kMiB);
  auto* far_words = there<std::uint32_t>(4 * kMiB);
  const double written_us = 16.0 * kMiB / 128 * links.packet_s(128) * 1e6;
  const double written = time_of("scale", kBlocks, words, far_words, 2u);
  EXPECT_GT(written, written_us);
  EXPECT_LT(written, 1.1 * written_us);
  // Not of the card's own memory any more.
  EXPECT_LT(time_of("read", kBlocks, near_by, to), 1.05 * own);
}

TEST_F(PeerAccess, WithoutABridgeTakesTheBus) {
  for (const char* card : {"rtx-a6000", "rtx-pro-5000-blackwell"}) {
    start_with(card, false);
    ASSERT_TRUE(context->enable_peer(*other));
    constexpr std::uint32_t kBlocks = 16384;
    auto* far = there<float>(16 * kMiB);
    auto* to = allocate<float>(1);
    const double bus_us = 64.0 * kMiB / context->device().card().pcie.to_device_bytes_per_second() * 1e6;
    const double over = time_of("read", kBlocks, far, to);
    EXPECT_GT(over, bus_us) << card;
    EXPECT_LT(over, 1.2 * bus_us) << card;
    EXPECT_EQ(last_kernel().bound, "PCIe") << card;
  }
}

// A kernel on one card reads what a kernel on the other writes to: one direction of the links for both.
TEST_F(PeerAccess, KernelsOfBothCardsShareADirection) {
  ASSERT_TRUE(context->enable_peer(*other));
  ASSERT_TRUE(other->enable_peer(*context));
  constexpr std::uint32_t kBlocks = 16384;
  auto* far = there<float>(16 * kMiB);
  auto* to = allocate<float>(1);
  auto* home = allocate<float>(16 * kMiB);
  auto* other_to = there<float>(1);
  const auto here = module;
  const std::vector<std::string> texts{testing::prediction_kernels()};
  const auto over_there = *other->load(*Program::load(texts, platform->options()));
  const double alone = time_of("read", kBlocks, far, to);
  // Both begin behind the same event, when the host has long queued all of it.
  const auto mine = *context->create_stream({}), its = *other->create_stream({});
  const auto event = *context->create_event({});
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(mine->launch(work("read", {kBlocks}, {256}, far, to)));
  ASSERT_TRUE(mine->record(event));
  ASSERT_TRUE(its->wait(event));
  EXPECT_TRUE(mine->launch(work("read", {kBlocks}, {256}, far, to)));
  module = over_there;
  EXPECT_TRUE(its->launch(work("read", {kBlocks}, {256}, home, other_to)));
  module = here;
  const auto reads = mine->tail(), reads_there = its->tail();
  ASSERT_TRUE(mine->synchronize());
  ASSERT_TRUE(its->synchronize());
  // Both ways at once: each asks the other way for what it reads, no more than that.
  for (const auto& each : {reads, reads_there}) {
    EXPECT_LT(each->end_us() - each->start_us(), 1.5 * alone);
    EXPECT_GT(each->end_us() - each->start_us(), 1.1 * alone);
  }
}

// One card's kernel polls a word that the other's writes: it does not end before that one has.
TEST_F(PeerAccess, AWordOfAnotherCardIsWaitedFor) {
  ASSERT_TRUE(other->enable_peer(*context));
  auto* flag = allocate<std::uint32_t>(32);
  auto* from = there<std::uint32_t>(256);
  *flag = 0;
  std::fill_n(from, 256, 1u);
  const std::vector<std::string> texts{testing::kSaxpy};
  const auto waiting = *context->load(*Program::load(texts, platform->options()));
  const auto writing = *other->load(*Program::load(texts, platform->options()));
  module = waiting;
  const auto stream = *context->create_stream({.non_blocking = true});
  ASSERT_TRUE(stream->launch(work("wait_for", {1}, {1}, flag)));
  const auto poll = stream->tail();
  module = writing;
  const auto there_stream = *other->create_stream({.non_blocking = true});
  ASSERT_TRUE(there_stream->launch(work("wild", {1}, {1}, flag)));
  const auto write = there_stream->tail();
  ASSERT_TRUE(there_stream->synchronize());
  ASSERT_TRUE(stream->synchronize());
  EXPECT_GE(poll->end_us(), write->end_us());
}

TEST(PeerOptions, ABridgeNeedsTwoCardsThatHaveIt) {
  Options options;
  options.nvlink = true;
  options.cards = {"rtx-pro-5000-blackwell", "rtx-pro-5000-blackwell"};
  const auto refused = Platform::create(options);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message, "NVIDIA RTX PRO 5000 Blackwell has no NVLink");
  options.cards = {"rtx-a6000"};
  EXPECT_EQ(Platform::create(options).error().kind, Error::Kind::InvalidArgument);
}

}  // namespace
}  // namespace doppel::device
