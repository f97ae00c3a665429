// SPDX-License-Identifier: Apache-2.0
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "fake_module.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

struct Sum {
  std::vector<int> values;
};

void add_one(jit::WarpContext* context) {
  auto& sum = data_of<Sum>(context);
  context->counters[0] += 1;
  context->counters[1] += static_cast<std::uint64_t>(__builtin_popcount(context->active_mask));
  for (int lane = 0; lane < 32; ++lane) {
    if ((context->active_mask >> lane & 1) == 0) continue;
    const std::uint32_t index = context->ctaid[0] * context->ntid[0] + context->tid_base[0] + lane;
    sum.values[index] += static_cast<int>(index) + 1;
  }
}

TEST(Engine, RunsEveryThreadOnce) {
  Sum sum{std::vector<int>(1000 * 100)};
  FakeLaunch fake(add_one, {1000}, {100}, &sum);
  Engine engine(3);
  for (int repeat = 1; repeat <= 3; ++repeat) {
    const auto outcome = engine.run(fake.launch);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->fault);
    EXPECT_EQ(outcome->counts[0].warps, 4000u);
    EXPECT_EQ(outcome->counts[0].lanes, 100000u);
    for (int i = 0; i < 100000; ++i) ASSERT_EQ(sum.values[i], repeat * (i + 1));
  }
}

TEST(Engine, TellsThatBlocksStart) {
  Sum sum{std::vector<int>(32)};
  FakeLaunch fake(add_one, {1}, {32}, &sum);
  int started = 0;
  fake.launch.starts = [&] {
    ++started;
    EXPECT_EQ(sum.values[0], 0);
  };
  EXPECT_TRUE(Engine(1).run(fake.launch));
  EXPECT_EQ(started, 1);
  EXPECT_EQ(sum.values[0], 1);
}

TEST(Engine, RefusesEmptyGrids) {
  Sum sum;
  FakeLaunch fake(add_one, {0}, {32}, &sum);
  EXPECT_FALSE(Engine(1).run(fake.launch));
}

struct GridBarrier {
  std::atomic<int> arrived{0};
  std::atomic<int> passed{0};
  int blocks = 0;
};

void wait_for_all_blocks(jit::WarpContext* context) {
  auto& data = data_of<GridBarrier>(context);
  context->callbacks->barrier(context, context->active_mask, 0, 0,
                              static_cast<std::uint32_t>(ir::BarrierMode::Sync), 0);
  if (context->warp_id == 0) {
    ++data.arrived;
    while (data.arrived < data.blocks) context->callbacks->yield(context);
  }
  context->callbacks->barrier(context, context->active_mask, 0, 0,
                              static_cast<std::uint32_t>(ir::BarrierMode::Sync), 0);
  ++data.passed;
}

TEST(Engine, ResidentBlocksMayWaitForEachOther) {
  for (const unsigned threads : {1u, 2u}) {
    GridBarrier data;
    data.blocks = 16;  // sm_count * resident_blocks_per_sm
    FakeLaunch fake(wait_for_all_blocks, {16}, {64}, &data);
    const auto outcome = Engine(threads).run(fake.launch);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->fault);
    EXPECT_EQ(data.passed, 32);
  }
}

struct Chain {
  std::atomic<std::uint32_t> next{0};  // the block whose turn it is
};

void take_turns(jit::WarpContext* context) {
  auto& data = data_of<Chain>(context);
  while (data.next != context->ctaid[0]) context->callbacks->yield(context);
  ++data.next;
}

// A card starts blocks in their order. Here host threads claim several at once.
TEST(Engine, BlocksMayWaitForAllBeforeThem) {
  for (const unsigned threads : {1u, 2u, 5u}) {
    Chain data;
    FakeLaunch fake(take_turns, {2000}, {32}, &data);
    fake.launch.sm_count = 1;
    fake.launch.resident_blocks_per_sm = 2;
    const auto outcome = Engine(threads).run(fake.launch);
    ASSERT_TRUE(outcome);
    EXPECT_FALSE(outcome->fault);
    EXPECT_EQ(data.next, 2000u);
  }
}

TEST(Engine, CooperativeGridsAreAllResident) {
  GridBarrier data;
  data.blocks = 100;
  FakeLaunch fake(wait_for_all_blocks, {100}, {32}, &data);
  fake.launch.config.cooperative = true;
  const auto outcome = Engine(2).run(fake.launch);
  ASSERT_TRUE(outcome);
  EXPECT_EQ(data.passed, 100);
}

struct Handshake {
  std::atomic<int> first{0}, second{0};
};

void ping(jit::WarpContext* context) {
  auto& data = data_of<Handshake>(context);
  data.first = 1;
  while (data.second == 0) context->callbacks->yield(context);
}
void pong(jit::WarpContext* context) {
  auto& data = data_of<Handshake>(context);
  while (data.first == 0) context->callbacks->yield(context);
  data.second = 1;
}

TEST(Engine, GridsOfSeveralCallersMayWaitForEachOther) {
  Handshake data;
  Engine engine(1);
  FakeLaunch one(ping, {1}, {32}, &data);
  FakeLaunch two(pong, {1}, {32}, &data);
  std::thread other([&] { EXPECT_TRUE(engine.run(one.launch)); });
  EXPECT_TRUE(engine.run(two.launch));
  other.join();
}

void wait_for_host(jit::WarpContext* context) {
  auto& data = data_of<Handshake>(context);
  data.first = 1;
  while (data.second == 0) context->callbacks->yield(context);
}

TEST(Engine, TellsThatALaunchWaitsForTheHost) {
  Handshake data;
  Engine engine(2);
  FakeLaunch fake(wait_for_host, {4}, {64}, &data);
  std::atomic<bool> waiting{false};
  fake.launch.waiting = &waiting;
  std::thread other([&] { EXPECT_TRUE(engine.run(fake.launch)); });
  while (!waiting) std::this_thread::yield();
  data.second = 1;
  other.join();
  EXPECT_FALSE(waiting);
}

struct Endless {
  std::atomic<bool> cancel{false};
};

void never_ends(jit::WarpContext* context) {
  data_of<Endless>(context).cancel = true;
  while (true) asm volatile("");
}

TEST(Engine, CancelsAKernelThatNeitherWaitsNorEnds) {
  Endless data;
  FakeLaunch fake(never_ends, {8}, {64}, &data);
  fake.launch.cancel = &data.cancel;
  Engine engine(2);
  const auto outcome = engine.run(fake.launch);
  ASSERT_TRUE(outcome);
  ASSERT_TRUE(outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::Cancelled);
  // The threads are none the worse for it.
  Sum sum{std::vector<int>(64)};
  FakeLaunch after(add_one, {2}, {32}, &sum);
  EXPECT_FALSE(engine.run(after.launch)->fault);
}

void use_local(jit::WarpContext* context) {
  auto& sum = data_of<Sum>(context);
  for (int lane = 0; lane < 32; ++lane) {
    *reinterpret_cast<int*>(context->local + lane * context->local_stride) = lane;
    *reinterpret_cast<int*>(context->local + lane * context->local_stride + 60) = 1;
  }
  context->callbacks->barrier(context, ~0u, 0, 0, static_cast<std::uint32_t>(ir::BarrierMode::Sync), 0);
  for (int lane = 0; lane < 32; ++lane) {
    sum.values[context->warp_id] +=
        *reinterpret_cast<int*>(context->local + lane * context->local_stride) +
        *reinterpret_cast<int*>(context->local + lane * context->local_stride + 60);
  }
}

TEST(Engine, EachWarpHasItsLocalMemory) {
  Sum sum{std::vector<int>(8)};
  FakeLaunch fake(use_local, {1}, {256}, &sum, 64);
  ASSERT_TRUE(Engine(1).run(fake.launch));
  for (const int value : sum.values) EXPECT_EQ(value, 31 * 16 + 32);
}

struct Placement {
  std::vector<std::uint32_t> sm;
};
void note_sm(jit::WarpContext* context) {
  data_of<Placement>(context).sm[context->ctaid[0]] = context->sm_id;
}

TEST(Engine, BlocksAreDealtToTheSms) {
  Placement data{std::vector<std::uint32_t>(10)};
  FakeLaunch fake(note_sm, {10}, {32}, &data);
  ASSERT_TRUE(Engine(2).run(fake.launch));
  for (std::uint32_t i = 0; i < 10; ++i) EXPECT_EQ(data.sm[i], i % 4);
}

struct HeapUse {
  std::uint64_t small = 0, large = 1;
  std::uint64_t freed = 0;
};

void use_heap(jit::WarpContext* context) {
  auto& data = data_of<HeapUse>(context);
  std::uint64_t sizes[32] = {1000};
  std::uint64_t results[32];
  const void* arguments[] = {sizes};
  const auto call = [&](jit::RuntimeFunction function) {
    context->callbacks->call(context, 1, static_cast<std::uint32_t>(function), arguments, results);
  };
  call(jit::RuntimeFunction::Malloc);
  data.small = results[0];
  *reinterpret_cast<int*>(results[0]) = 7;
  sizes[0] = std::uint64_t{1} << 30;
  call(jit::RuntimeFunction::Malloc);
  data.large = results[0];
  sizes[0] = data.small;
  call(jit::RuntimeFunction::Free);
}

TEST(Engine, DeviceHeapHasALimit) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  ASSERT_TRUE(memory);
  HeapUse data;
  FakeLaunch fake(use_heap, {1}, {32}, &data);
  fake.launch.memory = memory->get();
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome);
  EXPECT_FALSE(outcome->fault);
  EXPECT_TRUE((*memory)->contains(data.small));
  EXPECT_EQ(data.large, 0u);
  EXPECT_EQ((*memory)->used(), 0u);
}

}  // namespace
}  // namespace doppel::engine
