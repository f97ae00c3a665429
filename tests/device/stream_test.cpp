// SPDX-License-Identifier: Apache-2.0
#include <atomic>
#include <cmath>

#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class StreamTest : public DeviceTest {
 protected:
  Work host(std::function<void()> function) { return HostWork{std::move(function)}; }
};

TEST_F(StreamTest, WorkRunsInOrder) {
  const auto stream = *context->create_stream({});
  std::vector<int> order;
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(stream->enqueue(host([&order, i] { order.push_back(i); })));
  ASSERT_TRUE(stream->synchronize());
  for (int i = 0; i < 100; ++i) ASSERT_EQ(order[i], i);
}

// So that a loop of launches without a wait does not fill the host's memory.
TEST_F(StreamTest, TakesSoManyOperationsAndThenWaitsForTheOldest) {
  const auto stream = *context->create_stream({});
  std::atomic<int> finished{0};
  int most = 0;
  for (int i = 1; i <= 5000; ++i) {
    ASSERT_TRUE(stream->enqueue(host([&] { ++finished; })));
    most = std::max(most, i - finished);
  }
  ASSERT_TRUE(stream->synchronize());
  EXPECT_LE(most, 1024);
  EXPECT_EQ(finished, 5000);
}

TEST_F(StreamTest, TheDefaultStreamWaitsForBlockingStreamsOnly) {
  const auto blocking = *context->create_stream({});
  const auto apart = *context->create_stream({.non_blocking = true});
  std::atomic<bool> release{false};
  std::atomic<int> finished{0};
  ASSERT_TRUE(apart->enqueue(host([&] {
    while (!release) {
    }
    ++finished;
  })));
  ASSERT_TRUE(blocking->enqueue(host([&] { ++finished; })));
  int seen = -1;
  ASSERT_TRUE(context->legacy()->enqueue(host([&] { seen = finished; })));
  ASSERT_TRUE(blocking->enqueue(host([&] { release = true; })));
  ASSERT_TRUE(apart->synchronize());
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(seen, 1);
}

TEST_F(StreamTest, EventsOrderStreams) {
  const auto one = *context->create_stream({});
  const auto two = *context->create_stream({});
  const auto event = *context->create_event({});
  std::atomic<bool> release{false};
  std::vector<int> order;
  ASSERT_TRUE(one->enqueue(host([&] {
    while (!release) {
    }
    order.push_back(1);
  })));
  ASSERT_TRUE(one->record(event));
  ASSERT_TRUE(two->wait(event));
  ASSERT_TRUE(two->enqueue(host([&] { order.push_back(2); })));
  EXPECT_EQ(event->query().error().kind, Error::Kind::NotReady);
  release = true;
  ASSERT_TRUE(two->synchronize());
  EXPECT_EQ(order, (std::vector<int>{1, 2}));
  EXPECT_TRUE(event->query());
}

TEST_F(StreamTest, EventsHaveTimes) {
  const auto stream = *context->create_stream({});
  const auto start = *context->create_event({});
  const auto end = *context->create_event({});
  const auto untimed = *context->create_event({.timing = false});
  constexpr std::size_t kBytes = 1 << 20;
  auto* data = allocate<char>(64 * kBytes);
  const auto pinned = *context->allocate_host(64 * kBytes);
  EXPECT_EQ(Event::elapsed_ms(*start, *end).error().kind, Error::Kind::InvalidHandle);
  // Behind 2 ms of other work, so that the time that the host takes between its calls is not between the
  // events.
  ASSERT_TRUE(stream->enqueue(Work{CopyWork{{number(data)}, {pinned}, 64 * kBytes}}));
  ASSERT_TRUE(stream->record(start));
  ASSERT_TRUE(stream->enqueue(Work{CopyWork{{number(data)}, {pinned}, kBytes}}));
  ASSERT_TRUE(stream->record(end));
  ASSERT_TRUE(stream->record(untimed));
  ASSERT_TRUE(end->synchronize());
  const auto time = Event::elapsed_ms(*start, *end);
  ASSERT_TRUE(time);
  // 1 MiB at some 25 GB/s.
  EXPECT_GT(*time, 0.03f);
  EXPECT_LT(*time, 0.2f);
  // Events read a timer of the card's, which ticks.
  const double ticks = static_cast<double>(*time) * 1000 / context->device().card().clocks.event_tick_us;
  EXPECT_NEAR(ticks, std::round(ticks), 1e-3);
  EXPECT_FALSE(Event::elapsed_ms(*start, *untimed));
}

TEST_F(StreamTest, DestroyedStreamsFinishTheirWork) {
  auto stream = *context->create_stream({});
  std::atomic<bool> done{false};
  ASSERT_TRUE(stream->enqueue(host([&] { done = true; })));
  ASSERT_TRUE(context->destroy_stream(stream));
  stream.reset();
  ASSERT_TRUE(context->synchronize());
  EXPECT_TRUE(done);
}

}  // namespace
}  // namespace doppel::device
