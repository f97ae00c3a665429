// SPDX-License-Identifier: Apache-2.0
// How far the program's threads have come, and that the timeline waits for them.
#include "device/program_threads.h"

#include <atomic>
#include <future>
#include <thread>

#include "device/operation.h"
#include "device/scheduler.h"
#include "fixture.h"

namespace doppel::device {
namespace {

constexpr double kNever = ProgramThreads::kNever;

// A thread of the program that does as it is told: it computes, or is blocked.
class Other {
 public:
  explicit Other(ProgramThreads& threads) : thread_([this, &threads] { run(threads); }) {
    self_ = made_.get_future().get();
  }
  ~Other() {
    computes_ = false;
    ending_.set_value();
    thread_.join();
  }
  ProgramThreads::Thread& self() { return *self_; }
  void block() { computes_ = false; }

 private:
  void run(ProgramThreads& threads) {
    made_.set_value(&threads.add());
    while (computes_) {
    }
    ending_.get_future().wait();
  }
  std::promise<ProgramThreads::Thread*> made_;
  std::promise<void> ending_;
  std::atomic<bool> computes_{true};
  ProgramThreads::Thread* self_ = nullptr;
  std::thread thread_;
};

TEST(ProgramThreadsTest, NobodyIsHeldUpByHimself) {
  ProgramThreads threads(1);
  threads.add().calls(5);
  EXPECT_EQ(threads.earliest_of_others_us(10), kNever);
}

TEST(ProgramThreadsTest, WhoIsInACallSubmitsNothingBeforeItBegan) {
  ProgramThreads threads(1);
  threads.add();
  Other other(threads);
  other.self().calls(5);
  EXPECT_EQ(threads.earliest_of_others_us(10), 5);
}

// By the processor time that it had, and at a processor twice as slow by twice as much.
TEST(ProgramThreadsTest, WhoComputesComesOnByItsProcessorTime) {
  ProgramThreads threads(2);
  threads.add();
  Other other(threads);
  other.self().computes(7, 0, kNever);
  const double first = threads.earliest_of_others_us(0);
  EXPECT_GE(first, 7);
  while (threads.earliest_of_others_us(0) <= first) {
  }
}

TEST(ProgramThreadsTest, AStretchOfAnotherRunCountsAsItDidThere) {
  ProgramThreads threads(1);
  threads.add();
  Other other(threads);
  other.self().computes(7, -1000, 3);  // it has computed for 1 ms at least
  EXPECT_EQ(threads.earliest_of_others_us(0), 10);
}

TEST(ProgramThreadsTest, WhoIsBlockedHoldsNobodyUp) {
  ProgramThreads threads(1);
  threads.add();
  Other other(threads);
  other.self().computes(0, 1e15, kNever);  // has had none of it yet
  EXPECT_LE(threads.earliest_of_others_us(10), 0);
  other.block();
  while (threads.earliest_of_others_us(10) != kNever) {
  }
}

TEST(ProgramThreadsTest, WhoSleepsIsThereWhenItWakes) {
  ProgramThreads threads(1);
  threads.add();
  Other other(threads);
  other.block();
  other.self().sleeps(40);
  EXPECT_EQ(threads.earliest_of_others_us(1000), 40);
}

TEST(ProgramThreadsTest, WhoIsBeingMadeIsThereWhenItBegins) {
  ProgramThreads threads(1);
  threads.add();
  threads.announce(20);
  EXPECT_EQ(threads.earliest_of_others_us(1000), 20);
  threads.withdraw(20);
  EXPECT_EQ(threads.earliest_of_others_us(1000), kNever);
}

TEST(ProgramThreadsTest, AThreadThatEndedCountsNoMore) {
  ProgramThreads threads(1);
  threads.add();
  Other other(threads);
  other.self().calls(5);
  threads.remove(other.self());
  EXPECT_EQ(threads.earliest_of_others_us(10), kNever);
}

class ThreadsOnTheTimeline : public testing::DeviceTest {
 protected:
  std::shared_ptr<Operation> submit(double duration_us, double at_us) {
    auto operation = std::make_shared<Operation>(
        context, [duration_us] { return Cost{Lane::CopyToDevice, duration_us}; }, at_us);
    platform->scheduler().submit(operation, {});
    return operation;
  }
};

// A thread that gets to its call when another has waited here for long, though its own time is older.
TEST_F(ThreadsOnTheTimeline, WhatAThreadSubmitsLateIsNotLate) {
  Other other(platform->clock().threads());
  other.self().calls(3);
  const auto mine = submit(10, 5);
  auto waiting = std::async(std::launch::async, [&] { platform->scheduler().wait_placed(*mine); });
  const auto others = submit(10, 4);
  other.self().rests();
  waiting.get();
  EXPECT_EQ(mine->start_us(), 14);
  EXPECT_EQ(others->start_us(), 4);
}

// Who waits for an operation goes on when it ends, and may submit more then.
TEST_F(ThreadsOnTheTimeline, WhoWaitedGoesOnAtTheEnd) {
  Other other(platform->clock().threads());
  const auto others = submit(10, 0);
  other.self().waits(*others);
  const auto mine = submit(10, 100);
  auto waiting = std::async(std::launch::async, [&] { platform->scheduler().wait_placed(*mine); });
  platform->scheduler().wait_placed(*others);
  const auto next = submit(200, 20);
  other.self().rests();
  waiting.get();
  EXPECT_EQ(next->start_us(), 20);
  EXPECT_EQ(mine->start_us(), 220);
}

}  // namespace
}  // namespace doppel::device
