// SPDX-License-Identifier: Apache-2.0
#include "device/timeline.h"

#include <atomic>
#include <chrono>
#include <future>

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
  const auto one = submit({Lane::Compute, 10, 0, 0.5});
  const auto two = submit({Lane::Compute, 10, 0, 0.5});
  const auto three = submit({Lane::Compute, 10, 0, 0.5});
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

}  // namespace
}  // namespace doppel::device
