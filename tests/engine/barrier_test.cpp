// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <vector>

#include "fake_module.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

std::uint32_t barrier(jit::WarpContext* context, std::uint32_t number, std::uint32_t threads,
                      ir::BarrierMode mode, std::uint32_t predicate = 0) {
  return context->callbacks->barrier(context, context->active_mask, number, threads,
                                     static_cast<std::uint32_t>(mode), predicate);
}

struct Order {
  std::vector<int> events;
  std::vector<std::uint32_t> results = std::vector<std::uint32_t>(32);
};

void three_phases(jit::WarpContext* context) {
  auto& data = data_of<Order>(context);
  for (int phase = 0; phase < 3; ++phase) {
    data.events.push_back(phase);
    barrier(context, 0, 0, ir::BarrierMode::Sync);
  }
}

TEST(Barrier, SeparatesPhases) {
  Order data;
  FakeLaunch fake(three_phases, {1}, {1024}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(outcome->fault);
  ASSERT_EQ(data.events.size(), 96u);
  for (std::size_t i = 0; i < 96; ++i) EXPECT_EQ(data.events[i], static_cast<int>(i / 32));
}

void reduce(jit::WarpContext* context) {
  auto& data = data_of<Order>(context);
  const std::uint32_t odd = context->warp_id % 2 == 1 ? 0x0000ffffu : 0xffffffffu;
  const std::uint32_t population = barrier(context, 1, 0, ir::BarrierMode::RedPopc, odd);
  const std::uint32_t all = barrier(context, 1, 0, ir::BarrierMode::RedAnd, odd);
  const std::uint32_t any = barrier(context, 1, 0, ir::BarrierMode::RedOr, context->warp_id == 3 ? 4 : 0);
  data.results[context->warp_id] = population * 100 + all * 10 + any;
}

TEST(Barrier, Reduces) {
  Order data;
  FakeLaunch fake(reduce, {1}, {128}, &data);
  ASSERT_TRUE(Engine(1).run(fake.launch));
  for (int warp = 0; warp < 4; ++warp) EXPECT_EQ(data.results[warp], 96u * 100 + 1);
}

void producer_consumer(jit::WarpContext* context) {
  auto& data = data_of<Order>(context);
  if (context->warp_id == 0) {
    barrier(context, 2, 64, ir::BarrierMode::Sync);
    data.events.push_back(2);
  } else if (context->warp_id == 1) {
    data.events.push_back(1);
    barrier(context, 2, 64, ir::BarrierMode::Arrive);
  }
}

TEST(Barrier, ArriveDoesNotWait) {
  Order data;
  FakeLaunch fake(producer_consumer, {1}, {96}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->fault);
  EXPECT_EQ(data.events, (std::vector<int>{1, 2}));
}

void one_leaves_early(jit::WarpContext* context) {
  auto& data = data_of<Order>(context);
  if (context->warp_id == 2) return;
  barrier(context, 0, 0, ir::BarrierMode::Sync);
  data.events.push_back(0);
}

TEST(Barrier, WarpsThatEndedAreNotWaitedFor) {
  Order data;
  FakeLaunch fake(one_leaves_early, {1}, {128}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->fault);
  EXPECT_EQ(data.events.size(), 3u);
}

void different_barriers(jit::WarpContext* context) {
  barrier(context, context->warp_id, 64, ir::BarrierMode::Sync);
}

TEST(Barrier, DeadlockIsNamed) {
  Order data;
  FakeLaunch fake(different_barriers, {3}, {64}, &data);
  Engine engine(2);
  const auto outcome = engine.run(fake.launch);
  ASSERT_TRUE(outcome);
  ASSERT_TRUE(outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::Deadlock);
  EXPECT_NE(outcome->fault->message.find("barrier 0: warps 0 wait, 32 of 64 threads arrived"),
            std::string::npos)
      << outcome->fault->message;
  EXPECT_NE(outcome->fault->message.find("barrier 1: warps 1 wait"), std::string::npos);
  FakeLaunch after(three_phases, {1}, {64}, &data);
  EXPECT_FALSE(engine.run(after.launch)->fault);
}

}  // namespace
}  // namespace doppel::engine
