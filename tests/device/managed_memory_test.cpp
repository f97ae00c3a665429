// SPDX-License-Identifier: Apache-2.0
// What managed memory takes of both sides, through streams: bytes over the link's rate, once each time that
// the other side has touched them.
#include "device/managed_memory.h"

#include <cstring>

#include "device/execute.h"
#include "device/operation.h"
#include "device/run_recorder.h"
#include "fixture.h"
#include "link/migration.h"

namespace doppel::device {
namespace {

using link::Cause;
using link::Direction;
using testing::DeviceTest;

class Managed : public DeviceTest {
 protected:
  static constexpr std::uint32_t kWords = 2 << 20;
  static constexpr double kBytes = 4.0 * kWords;  // of each of two arrays

  void SetUp() override {
    Options options = testing::plain_options();
    options.cards = {"rtx-a6000"};
    start(options);
    x_ = allocate_managed();
    y_ = allocate_managed();
    if (!context->device().memory().touched().watches(number(x_)))
      GTEST_SKIP() << "this host does not tell of pages";
  }
  float* allocate_managed() {
    const auto address = context->allocate_managed(static_cast<std::uint64_t>(kBytes));
    EXPECT_TRUE(address) << address.error().message;
    return reinterpret_cast<float*>(*address);
  }
  void write_both() const {
    std::memset(x_, 0, static_cast<std::size_t>(kBytes));
    std::memset(y_, 0, static_cast<std::size_t>(kBytes));
  }
  // y = a * x + y.
  void launch() {
    ASSERT_TRUE(context->legacy()->launch(work("saxpy", {kWords / 256}, {256}, x_, y_, 0.5f, kWords)));
  }
  double launch_us() {
    launch();
    EXPECT_TRUE(context->synchronize());
    const auto last = context->legacy()->tail();
    return last->end_us() - last->start_us();
  }
  double prefetch_us(float* what, int place) {
    EXPECT_TRUE(
        context->legacy()->enqueue(PrefetchWork{number(what), static_cast<std::uint64_t>(kBytes), place}));
    EXPECT_TRUE(context->synchronize());
    const auto last = context->legacy()->tail();
    return last->end_us() - last->start_us();
  }
  const card::Card& card() const { return context->device().card(); }
  double faulted_us(double bytes) const {
    return card().managed.fault_us + link::migration_us(card(), bytes, Direction::HostToDevice, Cause::Fault);
  }
  double copied_us(double bytes, Direction direction) const {
    return link::host_copy_us(card(), {static_cast<std::uint64_t>(bytes)}, direction,
                              link::HostMemory::Pinned);
  }
  std::uint64_t copied(const std::string& kind) const {
    const RunRecord record = platform->recorder().records({&context->device()}, 0).front();
    for (const CopyRecord& copy : record.copies) {
      if (copy.kind == kind) return copy.bytes;
    }
    return 0;
  }

  float *x_ = nullptr, *y_ = nullptr;
};

TEST_F(Managed, ComesToTheCardWhenItIsFirstTouchedThere) {
  write_both();
  const double first = launch_us();
  EXPECT_NEAR(first, faulted_us(2 * kBytes), 0.01 * first);
  const double second = launch_us();
  EXPECT_LT(second, first / 4);
}

TEST_F(Managed, WhatNobodyWroteNeedNotCome) {
  const double first = launch_us();
  EXPECT_LT(first, launch_us() + card().managed.fault_us + 1);
}

TEST_F(Managed, ComesAgainWhenTheHostHasTouchedIt) {
  write_both();
  (void)launch_us();
  const double warm = launch_us();
  for (int i = 0; i < 3; ++i) {
    std::memset(x_, i, static_cast<std::size_t>(kBytes));
    const double again = launch_us();
    EXPECT_NEAR(again, faulted_us(kBytes), 0.01 * again);
    EXPECT_EQ(launch_us(), warm);
  }
}

// Reading it is enough; the reader waits for what lies on the card.
TEST_F(Managed, TheHostWaitsForWhatItReads) {
  write_both();
  (void)launch_us();
  const double before = platform->clock().now_us();
  float sum = 0;
  for (std::uint32_t i = 0; i < kWords; i += 1024) sum += x_[i];
  EXPECT_EQ(sum, 0);
  const double bytes_us =
      card().managed.fault_us + link::migration_us(card(), kBytes, Direction::DeviceToHost, Cause::Fault);
  EXPECT_GE(platform->clock().now_us() - before, bytes_us);
  EXPECT_EQ(copied("device to host (managed)"), kBytes);
  const double again = launch_us();
  EXPECT_NEAR(again, faulted_us(kBytes), 0.01 * again);
}

TEST_F(Managed, APrefetchTakesWhatACopyTakes) {
  write_both();
  EXPECT_NEAR(prefetch_us(x_, 0), copied_us(kBytes, Direction::HostToDevice), 1e-6);
  EXPECT_NEAR(prefetch_us(y_, 0), copied_us(kBytes, Direction::HostToDevice), 1e-6);
  EXPECT_EQ(prefetch_us(y_, 0), 0);
  const double first = launch_us();
  EXPECT_NEAR(first, launch_us(), 0.2 * first);
  EXPECT_NEAR(prefetch_us(x_, kHostPlace), copied_us(kBytes, Direction::DeviceToHost), 1e-6);
  EXPECT_EQ(copied("device to host (managed)"), kBytes);
  EXPECT_EQ(copied("host to device (managed)"), 2 * kBytes);
}

TEST_F(Managed, AdviceHoldsForWhatIsSubmittedBehindIt) {
  write_both();
  launch();
  submit_advice({number(x_), static_cast<std::uint64_t>(kBytes), Advice::ReadMostly, true, kHostPlace},
                context);
  const double second = launch_us();
  EXPECT_LT(second, faulted_us(kBytes) / 4);
  volatile float first = *x_;
  std::memset(y_, 0, static_cast<std::size_t>(kBytes));
  (void)first;
  // x is on both sides now.
  const double third = launch_us();
  EXPECT_NEAR(third, faulted_us(kBytes), 0.01 * third);
}

TEST_F(Managed, WhatStaysWithTheHostIsReachedOverTheBusEachTime) {
  submit_advice({number(x_), static_cast<std::uint64_t>(kBytes), Advice::PreferredLocation, true, kHostPlace},
                context);
  write_both();
  (void)launch_us();
  const double second = launch_us();
  EXPECT_NEAR(second, link::lines_on_link_us(card(), kBytes, Direction::HostToDevice), 0.02 * second);
}

// A copy into it writes it on the card; one out of it takes what it takes.
TEST_F(Managed, ACopyIntoItLeavesItOnTheCard) {
  write_both();
  std::vector<float> source(kWords);
  ASSERT_TRUE(context->legacy()->copy_and_wait(
      CopyWork{{number(x_)}, {number(source.data())}, static_cast<std::uint64_t>(kBytes)}));
  const double first = launch_us();
  EXPECT_NEAR(first, faulted_us(kBytes), 0.01 * first);
}

// What the program does while a kernel is queued or runs with an allocation is not seen; of others it is.
TEST_F(Managed, OtherMemoryIsWatchedWhileAKernelRuns) {
  float* other = allocate_managed();
  std::memset(other, 0, static_cast<std::size_t>(kBytes));
  (void)prefetch_us(other, 0);
  write_both();
  launch();
  std::memset(other, 1, static_cast<std::size_t>(kBytes));
  EXPECT_GE(launch_us(), 0);
  EXPECT_EQ(copied("device to host (managed)"), kBytes);
}

TEST_F(Managed, TakesTheCardsMemoryWhereItLiesThere) {
  std::uint64_t before = 0, after = 0, total = 0;
  context->memory_info(before, total);
  EXPECT_EQ(before, total - context->device().memory().used());
  write_both();
  (void)launch_us();
  context->memory_info(after, total);
  EXPECT_GE(before - after, 2 * kBytes);
  EXPECT_TRUE(context->free(number(y_)));
  context->memory_info(after, total);
  EXPECT_LT(before - after, 1.5 * kBytes);
}

TEST_F(Managed, ItsTransfersCostEnergy) {
  const auto kernels_j = [&] {
    return platform->recorder().records({&context->device()}, 0).front().kernels.front().energy_j;
  };
  write_both();
  const double cold_us = launch_us();
  const double cold_j = kernels_j();
  const double warm_us = launch_us();
  const double warm_j = kernels_j() - cold_j;
  // Of its bytes on the bus and in memory, and of the card that is awake for longer.
  const card::Power& power = card().power;
  const double moved_j = 2 * kBytes * (power.bus_pj_per_byte + power.dram_pj_per_byte) * 1e-12;
  EXPECT_GE(cold_j, warm_j + moved_j + power.awake_w * (cold_us - warm_us) * 1e-6);
}

}  // namespace
}  // namespace doppel::device
