// SPDX-License-Identifier: Apache-2.0
// What calls cost the thread that makes them, and when polls and host functions see the end of work.
#include <unistd.h>

#include <fstream>
#include <future>

#include "device/operation.h"
#include "device/scheduler.h"
#include "device/timeline.h"
#include "fixture.h"

namespace doppel::device {
namespace {

class HostTime : public testing::DeviceTest {
 protected:
  // Of the calling thread, by the host's table alone: its processor time stands still meanwhile.
  template <typename Function>
  double cost_of(Function function) {
    const ApiCall inside(platform->clock());
    const double before = platform->clock().now_us();
    function();
    return platform->clock().now_us() - before;
  }
  const card::Host& host() { return platform->host(); }
  std::shared_ptr<Stream> stream() { return context->create_stream({.non_blocking = true}).value(); }
  // An operation that takes the card for so long.
  std::shared_ptr<Operation> work_for(double duration_us, double at_us = 0) {
    auto operation = std::make_shared<Operation>(
        context, [duration_us] { return Cost{Lane::CopyToDevice, duration_us}; }, at_us);
    platform->scheduler().submit(operation, {});
    return operation;
  }
};

TEST_F(HostTime, AllocationsCost) {
  EXPECT_NEAR(cost_of([&] { (void)context->allocate(1 << 20); }), host().memory.allocation_us(1 << 20), 1e-6);
  EXPECT_GT(host().memory.allocation_us(1 << 30), host().memory.allocation_us(1 << 20));
  EXPECT_NEAR(cost_of([&] { (void)context->allocate_host(1 << 20); }),
              host().memory.pages_us(1 << 20, host().memory.pin_us_per_page), 1e-6);
}

TEST_F(HostTime, TheFirstLaunchOfAModuleLoadsIt) {
  const auto on = stream();
  const auto launch = work("count", {1, 1, 1}, {1, 1, 1});
  const double first = cost_of([&] { ASSERT_TRUE(on->launch(launch)); });
  const double second = cost_of([&] { ASSERT_TRUE(on->launch(launch)); });
  EXPECT_NEAR(second, host().calls.launch_us, 1e-6);
  EXPECT_NEAR(first - second, host().start.first_launch_us, 1e-6);
  ASSERT_TRUE(on->synchronize());
}

// By the time that one core needs for it; between two places of its own.
TEST_F(HostTime, ACopyOfTheHostsOwnTakesTheHostsTime) {
  std::vector<char> from(1 << 20), to(1 << 20);
  const auto on = stream();
  const double took =
      cost_of([&] { ASSERT_TRUE(on->copy_and_wait({{number(to.data())}, {number(from.data())}, 1 << 20})); });
  const double copying = (1 << 20) / host().memory.copy_bytes_per_second * 1e6;
  EXPECT_NEAR(took, host().calls.copy_us + copying + host().calls.notice_us, 1e-6);
}

// Nothing to wait for: no notice.
TEST_F(HostTime, AWaitForNothingIsCheap) {
  const auto on = stream();
  EXPECT_NEAR(cost_of([&] { ASSERT_TRUE(on->synchronize()); }), host().calls.wait_us, 1e-6);
}

// Freeing memory waits for the card, as does page-locking.
TEST_F(HostTime, PinningWaitsForTheCard) {
  const auto on = stream();
  std::vector<char> data(64 << 20);
  const std::uint64_t device = context->allocate(64 << 20).value();
  const std::uint64_t pinned = context->allocate_host(64 << 20).value();
  const ApiCall inside(platform->clock());
  ASSERT_TRUE(on->enqueue(Work{CopyWork{{device}, {pinned}, 64 << 20}}));
  const double queued_us = platform->clock().now_us();
  (void)context->allocate_host(4096);
  // 64 MiB over PCIe 4.0 take more than 2 ms.
  EXPECT_GT(platform->clock().now_us(), queued_us + 2000);
}

// A poll says what is so at its moment of virtual time, however fast this machine was.
TEST_F(HostTime, APollSeesTheVirtualEnd) {
  const auto work = work_for(1000);
  platform->scheduler().wait(*work);
  EXPECT_FALSE(platform->scheduler().has_ended_by(*work, 999));
  EXPECT_TRUE(platform->scheduler().has_ended_by(*work, 1000));
}

// And however slow: it waits for what runs, without virtual time.
TEST_F(HostTime, APollWaitsForWorkThatRuns) {
  std::promise<void> polling;
  auto slow = std::make_shared<Operation>(
      context,
      [&] {
        polling.get_future().wait();
        return Cost{Lane::CopyToDevice, 10};
      },
      0);
  platform->scheduler().submit(slow, {});
  std::thread poller([&] { EXPECT_TRUE(platform->scheduler().has_ended_by(*slow, 50)); });
  polling.set_value();
  poller.join();
}

// The host may have to do something for it.
TEST_F(HostTime, APollDoesNotWaitForWorkThatWaits) {
  std::promise<void> go;
  std::promise<void> waits;
  Operation* self = nullptr;
  auto waiting = std::make_shared<Operation>(
      context,
      [&] {
        self->waiting = true;
        waits.set_value();
        go.get_future().wait();
        return Cost{Lane::CopyToDevice, 10};
      },
      0);
  self = waiting.get();
  platform->scheduler().submit(waiting, {});
  waits.get_future().wait();
  EXPECT_FALSE(platform->scheduler().has_ended_by(*waiting, 50));
  go.set_value();
  platform->scheduler().wait_placed(*waiting);
}

// A program without the library that tells of sleeps polls, sleeps, and polls again.
TEST_F(HostTime, AWaitBetweenPollsIsTimeThatPasses) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const std::string state_file = "/proc/self/task/" + std::to_string(gettid()) + "/stat";
  // Writes when this thread waits for it.
  std::thread writer([&] {
    std::string state;
    while (state != "S") {
      std::ifstream file(state_file);
      std::string ignored;
      file >> ignored >> ignored >> state;
    }
    EXPECT_EQ(write(ends[1], "x", 1), 1);
  });
  HostClock& clock = platform->clock();
  const ApiCall inside(clock);
  const double before = clock.now_us();
  clock.poll_was_too_early();
  char letter = 0;
  EXPECT_EQ(read(ends[0], &letter, 1), 1);
  clock.poll_begins();
  EXPECT_GT(clock.now_us(), before);
  writer.join();
  const double after = clock.now_us();
  clock.set_sleeps_told();
  clock.poll_was_too_early();
  clock.poll_begins();
  EXPECT_EQ(clock.now_us(), after);
  close(ends[0]);
  close(ends[1]);
}

TEST_F(HostTime, AHostFunctionSeesTheEndOfWhatCameBefore) {
  const auto on = stream();
  const std::uint64_t device = context->allocate(64 << 20).value();
  const std::uint64_t pinned = context->allocate_host(64 << 20).value();
  const auto copied = context->create_event({}).value();
  ASSERT_TRUE(on->enqueue(Work{CopyWork{{device}, {pinned}, 64 << 20}}));
  ASSERT_TRUE(on->record(copied));
  double seen_us = 0;
  ASSERT_TRUE(on->enqueue(Work{HostWork{[&] {
    seen_us = platform->clock().now_us();
    platform->clock().sleep_us(2000);
  }}}));
  ASSERT_TRUE(on->synchronize());
  const double end_us = copied->operation()->end_us();
  EXPECT_GE(seen_us, end_us + host().threads.host_function_us);
  EXPECT_LT(seen_us, end_us + host().threads.host_function_us + 1000);
  EXPECT_GE(on->tail()->end_us(), seen_us + 2000);
}

// Two functions of the program's that wait for each other.
TEST_F(HostTime, HostFunctionsMayWaitForEachOther) {
  std::promise<void> second_ran;
  const auto one = stream();
  const auto two = stream();
  ASSERT_TRUE(one->enqueue(Work{HostWork{[&] { second_ran.get_future().wait(); }}}));
  ASSERT_TRUE(two->enqueue(Work{HostWork{[&] { second_ran.set_value(); }}}));
  ASSERT_TRUE(one->synchronize());
}

TEST_F(HostTime, AThreadBeginsWhenItWasCreated) {
  HostClock& clock = platform->clock();
  clock.advance_us(5000);
  const double created_us = clock.now_us();
  clock.advance_us(10000);
  double first_us = 0;
  std::thread([&] {
    clock.begin_thread(created_us);
    first_us = clock.now_us();
  }).join();
  EXPECT_GE(first_us, created_us + host().threads.create_us);
  EXPECT_LT(first_us, created_us + 5000);
}

// Sleeping is time that passes, and none of the processor's; turning round for the card is both.
TEST_F(HostTime, ProcessorTimeIsNotSpentAsleep) {
  HostClock& clock = platform->clock();
  const ApiCall inside(clock);
  const double now_us = clock.now_us();
  const double busy_us = clock.thread_busy_us();
  clock.sleep_us(1000);
  clock.wait_until_us(now_us + 1500);
  EXPECT_EQ(clock.now_us(), now_us + 1500);
  EXPECT_EQ(clock.thread_busy_us(), busy_us);
  clock.advance_us(30);
  clock.wait_for_card_us(now_us + 2000);
  EXPECT_EQ(clock.now_us(), now_us + 2000 + host().calls.notice_us);
  EXPECT_NEAR(clock.thread_busy_us(), busy_us + 500 + host().calls.notice_us, 1e-6);
}

}  // namespace
}  // namespace doppel::device
