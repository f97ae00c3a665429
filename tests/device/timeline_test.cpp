// SPDX-License-Identifier: Apache-2.0
#include "device/timeline.h"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

#include "device/operation.h"
#include "device/scheduler.h"
#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class TimelineTest : public DeviceTest {
 protected:
  std::shared_ptr<Operation> submit(Cost cost, std::vector<std::shared_ptr<Operation>> dependencies = {},
                                    double at = 0) {
    auto operation = std::make_shared<Operation>(context, [cost] { return cost; }, at);
    platform->scheduler().submit(operation, std::move(dependencies));
    return operation;
  }
  // A grid that needs half of the places that there are.
  timing::GridDemand half_of_the_card() const { return blocks(static_cast<std::uint64_t>(sms())); }
  // Blocks of which two fit on an SM.
  timing::GridDemand blocks(std::uint64_t count) const {
    timing::GridDemand grid;
    grid.blocks = count;
    grid.blocks_at_once = 2 * static_cast<std::uint64_t>(sms());
    grid.room.fill(0.5);
    return grid;
  }
  std::uint64_t places() const { return 2 * static_cast<std::uint64_t>(sms()); }
  int sms() const { return context->device().card().sm_count; }
  double end_of(const std::shared_ptr<Operation>& operation) {
    platform->scheduler().wait_placed(*operation);
    return operation->end_us();
  }
};

TEST_F(TimelineTest, OrderFollowsDependencies) {
  const auto first = submit({Lane::Compute, 10});
  const auto second = submit({Lane::Compute, 5, 2}, {first});
  EXPECT_EQ(end_of(second), 17);
  EXPECT_EQ(end_of(first), 10);
}

TEST_F(TimelineTest, SmallKernelsShareTheCard) {
  const auto one = submit({Lane::Compute, 10, 0, half_of_the_card()});
  const auto two = submit({Lane::Compute, 10, 0, half_of_the_card()});
  const auto three = submit({Lane::Compute, 10, 0, half_of_the_card()});
  EXPECT_EQ(end_of(one), 10);
  EXPECT_EQ(end_of(two), 10);
  EXPECT_EQ(end_of(three), 20);
}

TEST_F(TimelineTest, DirectionsOfCopiesDoNotWaitForEachOther) {
  const auto down = submit({Lane::CopyToDevice, 10});
  const auto up = submit({Lane::CopyToHost, 10});
  const auto again = submit({Lane::CopyToDevice, 10});
  EXPECT_EQ(end_of(up), 10);
  EXPECT_EQ(end_of(again), 20);
  EXPECT_EQ(end_of(down), 10);
}

TEST_F(TimelineTest, GapsAreFilled) {
  const auto late = submit({Lane::CopyToDevice, 10}, {}, 100);
  const auto early = submit({Lane::CopyToDevice, 10}, {}, 0);
  EXPECT_EQ(end_of(early), 10);
  EXPECT_EQ(end_of(late), 110);
}

// Between its blocks others go first that are worth more; those that run stay.
TEST_F(TimelineTest, BlocksOfAHigherPriorityGoFirst) {
  timing::GridDemand big = blocks(20 * places());
  timing::GridDemand urgent = blocks(4);
  urgent.priority = -1;
  const auto first = submit({Lane::Compute, 200, 0, big});
  const auto second = submit({Lane::Compute, 10, 0, urgent}, {}, 3);
  EXPECT_EQ(end_of(second), 20);
  EXPECT_NEAR(end_of(first), 210, 1e-6);
}

// 100 W above the limit: a burst may last as long as the limiter's average needs to reach it.
TEST_F(TimelineTest, OnlySustainedLoadIsLowered) {
  const card::Power& power = context->device().card().power;
  Cost cost{Lane::Compute, 500 * power.limiter_ms, 0, blocks(places())};
  cost.grid.watts = power.limit_w + 100 - power.awake_w;
  cost.grid.limited_time = 1.5;
  auto last = submit(cost);
  EXPECT_EQ(end_of(last), cost.duration_us);
  EXPECT_EQ(last->limited_share(), 0);
  for (int i = 0; i < 20; ++i) last = submit(cost, {last});
  EXPECT_NEAR(end_of(last) - last->start_us(), 1.5 * cost.duration_us, 1);
  EXPECT_NEAR(last->limited_share(), 1, 1e-3);
}

// However much lies before it.
TEST_F(TimelineTest, NothingIsForgotten) {
  std::shared_ptr<Operation> last_of[2];
  for (int i = 0; i < 2; ++i) {
    for (int k = 0; k < 400; ++k) {
      std::vector<std::shared_ptr<Operation>> before;
      if (last_of[i] != nullptr) before.push_back(last_of[i]);
      last_of[i] = submit({Lane::Compute, 10, 0, blocks(places())}, before);
    }
  }
  EXPECT_NEAR(std::max(end_of(last_of[0]), end_of(last_of[1])), 8000, 1e-6);
}

// Nobody knows when what has not run ends; what does not share anything with it need not wait for that.
TEST_F(TimelineTest, WhatOnlyWaitsIsNotWaitedFor) {
  std::promise<void> ended;
  Operation* self = nullptr;
  auto waiting = std::make_shared<Operation>(
      context,
      [&] {
        self->waiting = true;
        ended.get_future().wait();
        return Cost{Lane::Compute, 5, 0, blocks(1)};
      },
      0);
  self = waiting.get();
  platform->scheduler().submit(waiting, {});
  const auto other = submit({Lane::Compute, 10, 0, blocks(1)}, {}, 2);
  EXPECT_EQ(end_of(other), 12);
  ended.set_value();
  // It comes late: from where the timeline stands.
  EXPECT_EQ(end_of(waiting), 17);
}

// A grid that reads memory of the host all the time and a copy to the card come the same way: half each,
// until one has ended. A copy the other way is not in the way.
TEST_F(TimelineTest, KernelsShareTheBusWithCopies) {
  Cost reading{Lane::Compute, 10, 0, blocks(1)};
  reading.grid.rates[static_cast<std::size_t>(timing::Rate::BusToDevice)] = 1;
  Cost down{Lane::CopyToDevice, 10};
  down.uses = {{0, link::Channel::PcieToDevice, 1}};
  Cost up{Lane::CopyToHost, 10};
  up.uses = {{0, link::Channel::PcieToHost, 1}};
  const auto kernel = submit(reading);
  const auto copy = submit(down, {}, 5);
  const auto back = submit(up);
  const auto alone = submit(reading, {copy});
  EXPECT_NEAR(end_of(kernel), 15, 1e-9);
  EXPECT_NEAR(end_of(copy), 20, 1e-9);
  EXPECT_EQ(end_of(back), 10);
  EXPECT_EQ(end_of(alone) - alone->start_us(), 10);
}

// What the link's other direction holds up asks for less in this one, and leaves it to the copies.
TEST_F(TimelineTest, AKernelThatIsHeldUpLeavesTheBusToCopies) {
  Cost both{Lane::Compute, 10, 0, blocks(1)};
  both.grid.rates[static_cast<std::size_t>(timing::Rate::BusToDevice)] = 0.5;
  both.grid.rates[static_cast<std::size_t>(timing::Rate::BusToHost)] = 1;
  Cost down{Lane::CopyToDevice, 9};
  down.uses = {{0, link::Channel::PcieToDevice, 1}};
  Cost up{Lane::CopyToHost, 6};
  up.uses = {{0, link::Channel::PcieToHost, 1}};
  const auto kernel = submit(both);
  const auto copy = submit(down);
  const auto back = submit(up);
  EXPECT_NEAR(end_of(back), 12, 1e-9);
  EXPECT_NEAR(end_of(copy), 12, 1e-9);  // at three quarters
  EXPECT_NEAR(end_of(kernel), 16, 1e-9);
}

// Copies of one direction take turns in the order in which they are ready, not in that of their submission.
TEST_F(TimelineTest, CopiesGoWhenTheyAreReady) {
  const auto kernel = submit({Lane::Compute, 50, 0, blocks(1)});
  const auto behind = submit({Lane::CopyToDevice, 10}, {kernel});
  const auto free = submit({Lane::CopyToDevice, 10});
  EXPECT_EQ(end_of(behind), 60);
  EXPECT_EQ(end_of(free), 10);
}

TEST_F(TimelineTest, TheHostWaits) {
  const auto stream = context->legacy();
  const double before = platform->clock().now_us();
  auto* data = allocate<char>(1 << 20);
  std::vector<char> host(1 << 20);
  ASSERT_TRUE(stream->copy_and_wait({{number(data)}, {number(host.data())}, 1 << 20}));
  // A MiB over PCI Express takes tens of microseconds of virtual time.
  EXPECT_GT(platform->clock().now_us(), before + 20);
}

// Who queues work does not wait for a prediction of what ran before.
TEST_F(TimelineTest, WorkIsQueuedWhileALaunchIsSimulated) {
  std::promise<void> simulating;
  std::promise<void> queued;
  std::atomic<bool> in_time{false};
  Cost cost{Lane::Compute, 10};
  cost.resolve = [&](Cost&) {
    simulating.set_value();
    // The bound is for a failure: it is met at once, or never.
    in_time = queued.get_future().wait_for(std::chrono::seconds(20)) == std::future_status::ready;
  };
  const auto first = submit(cost);
  simulating.get_future().wait();
  const auto second = submit({Lane::Compute, 5}, {first});
  queued.set_value();
  EXPECT_EQ(end_of(second), 15);
  EXPECT_TRUE(in_time);
}

// What needs no simulation has its place without anybody waiting for it.
TEST_F(TimelineTest, AnOperationWithoutWorkIsPlacedWhenItIsQueued) {
  const auto operation = std::make_shared<Operation>(context, nullptr, 7);
  platform->scheduler().submit(operation, {});
  EXPECT_TRUE(operation->placed());
  EXPECT_EQ(operation->end_us(), 7);
}

// To free memory, or what else may be in use, the host waits for the work: on the virtual timeline, too.
TEST_F(TimelineTest, FreeingWaitsOnTheVirtualTimeline) {
  const auto stream = context->create_stream({.non_blocking = true}).value();
  auto* data = allocate<char>(64 << 20);
  const auto before = platform->clock().now_us();
  ASSERT_TRUE(stream->enqueue(MemsetWork{number(data), 0, 0, 1, 64 << 20, 1}));
  ASSERT_TRUE(context->free(number(data)));
  // 64 MiB take a card with 768 GB/s 87 microseconds.
  EXPECT_GT(platform->clock().now_us(), before + 80);
}

// Operations that wait for a write to memory, and such that write.
class MemoryWaitTest : public TimelineTest {
 protected:
  static constexpr FlagUse::Range kFlag{4096, 4100}, kOther{8192, 8196}, kCounter{4096, 4128, true};

  std::shared_ptr<Operation> submit_with(const FlagUse& flags, double duration_us,
                                         std::vector<std::shared_ptr<Operation>> dependencies = {},
                                         double at = 0) {
    Cost cost{Lane::Compute, duration_us};
    cost.grid.blocks_at_once = places();
    auto operation = std::make_shared<Operation>(context, [cost] { return cost; }, at);
    operation->flags = std::make_shared<const FlagUse>(flags);
    platform->scheduler().submit(operation, std::move(dependencies));
    return operation;
  }
  // Runs only when the others have: as one does whose wait is over.
  std::shared_ptr<Operation> submit_waiting(const FlagUse& flags, double duration_us,
                                            std::shared_future<void> until) {
    Cost cost{Lane::Compute, duration_us};
    cost.grid.blocks_at_once = places();
    auto operation = std::make_shared<Operation>(context, nullptr, 0);
    operation->flags = std::make_shared<const FlagUse>(flags);
    operation->set_run([cost, until, self = operation.get()] {
      self->waiting = true;
      until.wait();
      return cost;
    });
    platform->scheduler().submit(operation, {});
    return operation;
  }
};

TEST_F(MemoryWaitTest, ItEndsNoEarlierThanTheWriter) {
  std::promise<void> written;
  const auto waits = submit_waiting({.polled = {kFlag}}, 5, written.get_future().share());
  const auto writes = submit_with({.written = {kFlag}}, 100);
  platform->scheduler().wait(*writes);
  written.set_value();
  EXPECT_EQ(end_of(waits), 100);
  EXPECT_EQ(waits->start_us(), 0);
}

TEST_F(MemoryWaitTest, NorThanAWriterThatIsSubmittedLongBehindItsOwnWork) {
  std::promise<void> written;
  const auto waits = submit_waiting({.polled = {kFlag}}, 5, written.get_future().share());
  const auto writes = submit_with({.written = {kFlag}}, 100, {}, 1000);
  platform->scheduler().wait(*writes);
  written.set_value();
  const auto behind = submit({Lane::Compute, 10}, {waits});
  EXPECT_EQ(end_of(behind), 1110);
}

TEST_F(MemoryWaitTest, TheFirstThatWritesThereEndsTheWait) {
  std::promise<void> written;
  const auto waits = submit_waiting({.polled = {kFlag}}, 5, written.get_future().share());
  const auto elsewhere = submit_with({.written = {kOther}}, 50);
  const auto first = submit_with({.written = {kFlag}}, 100);
  const auto second = submit_with({.written = {kFlag}}, 100, {first});
  platform->scheduler().wait(*second);
  written.set_value();
  EXPECT_EQ(end_of(waits), 100);
  EXPECT_EQ(end_of(second), 200);
  EXPECT_EQ(end_of(elsewhere), 50);
}

// The second wait of a stream for a word is for the second write, which may have been made before it comes.
TEST_F(MemoryWaitTest, AStreamWaitsForOneWriteAfterTheOther) {
  std::vector<std::shared_ptr<Operation>> writes;
  for (int i = 0; i < 3; ++i) {
    writes.push_back(submit_with({.written = {kFlag}}, 100,
                                 i == 0 ? decltype(writes){} : decltype(writes){writes.back()}));
    platform->scheduler().wait(*writes.back());
  }
  const auto first = submit_with({.polled = {kFlag}}, 5);
  const auto work = submit({Lane::Compute, 150}, {first});
  const auto second = submit_with({.polled = {kFlag}}, 5, {work});
  EXPECT_EQ(end_of(second), 255);
  EXPECT_EQ(end_of(first), 100);
}

TEST_F(MemoryWaitTest, ACounterIsWaitedForUntilAllHaveAdded) {
  const auto first = submit_with({.written = {kCounter}}, 100);
  const auto second = submit_with({.written = {kCounter}}, 300);
  platform->scheduler().wait(*first);
  platform->scheduler().wait(*second);
  EXPECT_EQ(end_of(submit_with({.polled = {kFlag}}, 5)), 300);
}

TEST_F(MemoryWaitTest, WhatEndedBeforeIsNotWaitedFor) {
  const auto first = submit_with({.written = {kFlag}}, 100);
  const auto second = submit_with({.polled = {kFlag}}, 5, {first});
  EXPECT_EQ(end_of(second), 105);
}

TEST_F(MemoryWaitTest, WhatRunsBehindItIsNotWaitedFor) {
  const auto first = submit_with({.polled = {kFlag}}, 5);
  const auto second = submit_with({.written = {kFlag}}, 100, {first});
  EXPECT_EQ(end_of(second), 105);
  EXPECT_EQ(end_of(first), 5);
}

TEST_F(MemoryWaitTest, ThoseThatWaitForEachOtherEndTogether) {
  std::promise<void> written;
  const auto until = written.get_future().share();
  const auto one = submit_waiting({.polled = {kFlag}, .written = {kOther}}, 5, until);
  const auto two = submit_waiting({.polled = {kOther}, .written = {kFlag}}, 70, until);
  while (!one->waiting || !two->waiting) std::this_thread::yield();
  written.set_value();
  EXPECT_EQ(end_of(one), 70);
  EXPECT_EQ(end_of(two), 70);
}

TEST_F(MemoryWaitTest, TheHostsWriteCountsWhenItAsks) {
  const auto waits = submit_with({.polled = {kFlag}, .changed_on_host = true}, 5);
  platform->scheduler().wait_placed(*waits, 250);
  EXPECT_EQ(waits->end_us(), 250);
}

// It runs on, until the host lets it end; the host waits for the other one first.
TEST_F(MemoryWaitTest, WhatWaitsForTheHostIsNotWaitedFor) {
  std::promise<void> ends;
  const auto writes = submit_waiting({.written = {kFlag}}, 100, ends.get_future().share());
  while (!writes->waiting) std::this_thread::yield();
  const auto waits = submit_with({.polled = {kFlag}}, 5);
  EXPECT_EQ(end_of(waits), 5);
  ends.set_value();
  EXPECT_GE(end_of(writes), 100);
}

}  // namespace
}  // namespace doppel::device
