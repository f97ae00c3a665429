// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>

#include "device/graph.h"
#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class Capture : public DeviceTest {
 protected:
  std::vector<int> order;
  Work note(int value) {
    return HostWork{[this, value] { order.push_back(value); }};
  }
};

TEST_F(Capture, RecordsInsteadOfRunning) {
  const auto stream = *context->create_stream({});
  ASSERT_TRUE(stream->begin_capture(CaptureMode::Global));
  ASSERT_TRUE(stream->enqueue(note(1)));
  ASSERT_TRUE(stream->enqueue(note(2)));
  const auto graph = stream->end_capture();
  ASSERT_TRUE(graph);
  EXPECT_TRUE(order.empty());
  EXPECT_EQ((*graph)->nodes().size(), 2u);
  EXPECT_EQ((*graph)->edges().size(), 1u);
  const auto executable = GraphExec::instantiate(**graph);
  ASSERT_TRUE(executable);
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(stream->launch_graph(**executable));
  ASSERT_TRUE(stream->synchronize());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 1, 2, 1, 2}));
}

// As of single operations, no more than 1,024 launches wait: then the call does.
TEST_F(Capture, LaunchesOfAGraphFillTheStreamsQueue) {
  constexpr int kQueue = 1024;
  constexpr int kLaunches = 3 * kQueue;
  const auto stream = *context->create_stream({});
  std::atomic<int> launched = 0, run = 0;
  ASSERT_TRUE(stream->begin_capture(CaptureMode::Global));
  ASSERT_TRUE(stream->enqueue(HostWork{[&] {
    // The first one lasts until the queue is full.
    for (int now = launched; run == 0 && now < kQueue; now = launched) launched.wait(now);
    ++run;
  }}));
  const auto graph = stream->end_capture();
  ASSERT_TRUE(graph);
  const auto executable = GraphExec::instantiate(**graph);
  ASSERT_TRUE(executable);
  int most = 0;
  for (int i = 0; i < kLaunches; ++i) {
    ASSERT_TRUE(stream->launch_graph(**executable));
    ++launched;
    launched.notify_one();
    most = std::max(most, launched - run);
  }
  ASSERT_TRUE(stream->synchronize());
  EXPECT_EQ(run, kLaunches);
  EXPECT_LE(most, kQueue + 1);
}

TEST_F(Capture, OtherStreamsForkAndJoinByEvents) {
  const auto one = *context->create_stream({});
  const auto two = *context->create_stream({});
  const auto fork = *context->create_event({});
  const auto join = *context->create_event({});
  ASSERT_TRUE(one->begin_capture(CaptureMode::Global));
  ASSERT_TRUE(one->enqueue(note(1)));
  ASSERT_TRUE(one->record(fork));
  ASSERT_TRUE(two->wait(fork));
  ASSERT_TRUE(two->enqueue(note(2)));
  ASSERT_TRUE(two->record(join));
  ASSERT_TRUE(one->wait(join));
  ASSERT_TRUE(one->enqueue(note(3)));
  EXPECT_EQ(two->end_capture().error().kind, Error::Kind::CaptureUnmatched);
  const auto graph = one->end_capture();
  ASSERT_TRUE(graph) << graph.error().message;
  EXPECT_EQ((*graph)->edges().size(), 3u);
  EXPECT_EQ(two->capture_status(), CaptureStatus::None);
}

// The graph records the event, and waits for it, each time that it is launched.
TEST_F(Capture, ExternalEventsAreNodes) {
  const auto stream = *context->create_stream({});
  const auto recorded = *context->create_event({});
  const auto awaited = *context->create_event({});
  ASSERT_TRUE(stream->begin_capture(CaptureMode::Global));
  ASSERT_TRUE(stream->wait(awaited, true));
  ASSERT_TRUE(stream->enqueue(note(1)));
  ASSERT_TRUE(stream->record(recorded, true));
  const auto graph = *stream->end_capture();
  EXPECT_EQ(graph->nodes().size(), 3u);
  EXPECT_EQ(recorded->operation(), nullptr);
  const auto executable = *GraphExec::instantiate(*graph);
  const auto other = *context->create_stream({.non_blocking = true});
  ASSERT_TRUE(other->enqueue(note(0)));
  ASSERT_TRUE(other->record(awaited));
  ASSERT_TRUE(stream->launch_graph(*executable));
  ASSERT_TRUE(recorded->synchronize());
  EXPECT_EQ(order, (std::vector<int>{0, 1}));
}

TEST_F(Capture, ExternalEventsNeedACapture) {
  const auto stream = *context->create_stream({});
  const auto event = *context->create_event({});
  EXPECT_EQ(stream->record(event, true).error().kind, Error::Kind::InvalidArgument);
  EXPECT_EQ(stream->wait(event, true).error().kind, Error::Kind::InvalidArgument);
}

TEST_F(Capture, UnjoinedStreamsAreAnError) {
  const auto one = *context->create_stream({});
  const auto two = *context->create_stream({});
  const auto fork = *context->create_event({});
  ASSERT_TRUE(one->begin_capture(CaptureMode::Global));
  ASSERT_TRUE(one->record(fork));
  ASSERT_TRUE(two->wait(fork));
  ASSERT_TRUE(two->enqueue(note(2)));
  EXPECT_EQ(one->end_capture().error().kind, Error::Kind::CaptureUnjoined);
}

TEST_F(Capture, WaitingInvalidates) {
  const auto stream = *context->create_stream({});
  ASSERT_TRUE(stream->begin_capture(CaptureMode::Global));
  EXPECT_EQ(stream->synchronize().error().kind, Error::Kind::CaptureUnsupported);
  EXPECT_EQ(stream->capture_status(), CaptureStatus::Invalidated);
  EXPECT_EQ(stream->end_capture().error().kind, Error::Kind::CaptureInvalidated);
}

TEST_F(Capture, UnsafeCallsAreToldByMode) {
  const auto stream = *context->create_stream({});
  ASSERT_TRUE(stream->begin_capture(CaptureMode::Relaxed));
  EXPECT_TRUE(Stream::check_unsafe_call());
  ASSERT_TRUE(stream->end_capture());
  ASSERT_TRUE(stream->begin_capture(CaptureMode::Global));
  EXPECT_FALSE(Stream::check_unsafe_call());
  EXPECT_FALSE(stream->end_capture());
  EXPECT_TRUE(Stream::check_unsafe_call());
}

TEST_F(Capture, ExecutablesAreUpdated) {
  Graph graph;
  const NodeId first = *graph.add(note(1), context, {});
  const NodeId second = *graph.add(note(2), context, {first});
  const auto executable = *GraphExec::instantiate(graph);
  ASSERT_TRUE(executable->set_work(second, note(5)));
  ASSERT_TRUE(executable->set_enabled(first, false));
  const auto stream = *context->create_stream({});
  ASSERT_TRUE(stream->launch_graph(*executable));
  ASSERT_TRUE(stream->synchronize());
  EXPECT_EQ(order, (std::vector<int>{5}));
  ASSERT_TRUE(graph.add(note(3), context, {}));
  GraphExec::UpdateFailure failure;
  EXPECT_EQ(executable->update(graph, &failure).error().kind, Error::Kind::GraphUpdateFailed);
}

TEST(GraphTest, CyclesAreRefused) {
  Graph graph;
  const NodeId first = *graph.add(EmptyWork{}, nullptr, {});
  const NodeId second = *graph.add(EmptyWork{}, nullptr, {first});
  ASSERT_TRUE(graph.add_edge(second, first));
  EXPECT_FALSE(graph.order());
  EXPECT_TRUE(graph.remove_edge(second, first));
  EXPECT_TRUE(graph.order());
  EXPECT_FALSE(graph.add_edge(first, first));
}

}  // namespace
}  // namespace doppel::device
