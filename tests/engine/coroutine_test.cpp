// SPDX-License-Identifier: Apache-2.0
// Kernels that return at their barriers (jit/warp_abi.h), written by hand.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <new>
#include <vector>

#include "fake_module.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

// What generated code keeps in a frame: first who resumes it, then what it likes.
struct Frame {
  void (*resume)(std::byte*);
  jit::WarpContext* context;
  int step;
  std::uint32_t kept;
};

Frame& start(jit::WarpContext* context, void (*resume)(std::byte*)) {
  std::byte* memory = context->callbacks->frame(context, sizeof(Frame));
  EXPECT_EQ(reinterpret_cast<std::uintptr_t>(memory) % jit::kFrameAlignment, 0u);
  return *new (memory) Frame{resume, context, 0, context->warp_id};
}

bool waits(const Frame& frame, std::uint32_t number, std::uint32_t threads = 0,
           ir::BarrierMode mode = ir::BarrierMode::Sync, std::uint32_t predicate = 0) {
  return frame.context->callbacks->arrive(frame.context, frame.context->active_mask, number, threads,
                                          static_cast<std::uint32_t>(mode), predicate) != 0;
}

// Entry and resumption of a kernel that is one function of its frame.
template <void (*kBody)(Frame&)>
void resume(std::byte* frame) {
  kBody(*reinterpret_cast<Frame*>(frame));
}
template <void (*kBody)(Frame&)>
void entry(jit::WarpContext* context) {
  kBody(start(context, resume<kBody>));
}

struct Record {
  std::vector<std::uint32_t> events;
  std::vector<std::uint32_t> results = std::vector<std::uint32_t>(32);
  int flag = 0;
  std::uint64_t address = 0;
};

Outcome run(Engine& engine, jit::WarpEntry kernel, Dim3 grid, Dim3 block, Record& data,
            std::uint64_t local_bytes = 0) {
  FakeLaunch fake(kernel, grid, block, &data, local_bytes, /*coroutine=*/true);
  auto outcome = engine.run(fake.launch);
  EXPECT_TRUE(outcome);
  return std::move(*outcome);
}

void phases(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  while (frame.step < 50) {
    data.events.push_back(static_cast<std::uint32_t>(frame.step));
    frame.kept += 3;
    ++frame.step;
    if (waits(frame, 0)) return;
  }
  data.results[frame.context->warp_id] += frame.kept;
}

TEST(Coroutine, KeepsItsFrameOverTheBarriersOfALoop) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<phases>, {2}, {1024}, data).fault);
  ASSERT_EQ(data.events.size(), 2u * 50 * 32);
  for (std::uint32_t i = 0; i < data.events.size(); ++i) EXPECT_EQ(data.events[i], i / 32 % 50);
  for (std::uint32_t warp = 0; warp < 32; ++warp) EXPECT_EQ(data.results[warp], 2 * (warp + 150));
  // A block with fewer warps, in the same memory.
  EXPECT_FALSE(run(engine, entry<phases>, {1}, {32}, data).fault);
  EXPECT_EQ(data.results[0], 3u * 150);
}

void reductions(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  const std::uint32_t warp = frame.context->warp_id;
  const std::uint32_t odd = warp % 2 == 1 ? 0x0000ffffu : 0xffffffffu;
  constexpr ir::BarrierMode kModes[] = {ir::BarrierMode::RedPopc, ir::BarrierMode::RedAnd,
                                        ir::BarrierMode::RedOr};
  while (true) {
    if (frame.step != 0) data.results[warp] = data.results[warp] * 10 + frame.context->barrier_result % 10;
    if (frame.step == 3) return;
    const ir::BarrierMode mode = kModes[frame.step++];
    if (waits(frame, 1, 0, mode, mode == ir::BarrierMode::RedOr ? (warp == 3 ? 4 : 0) : odd)) return;
  }
}

TEST(Coroutine, FindsWhatABarrierReduced) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<reductions>, {1}, {128}, data).fault);
  // 96 lanes, not all of them, some of them.
  for (int warp = 0; warp < 4; ++warp) EXPECT_EQ(data.results[warp], 601u);
}

void producer(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  if (frame.context->warp_id == 1) {
    data.events.push_back(1);
    EXPECT_FALSE(waits(frame, 2, 64, ir::BarrierMode::Arrive));
  } else if (frame.context->warp_id == 0) {
    if (frame.step++ == 0 && waits(frame, 2, 64)) return;
    data.events.push_back(2);
  }
}

TEST(Coroutine, ArriveDoesNotWait) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<producer>, {1}, {96}, data).fault);
  EXPECT_EQ(data.events, (std::vector<std::uint32_t>{1, 2}));
}

void leave_in_turn(Frame& frame) {
  // Warp w ends before barrier w; the last would wait for nobody.
  while (frame.step < static_cast<int>(frame.context->warp_id)) {
    ++frame.step;
    if (waits(frame, 0)) return;
  }
  data_of<Record>(frame.context).events.push_back(frame.context->warp_id);
}

TEST(Coroutine, WarpsThatEndedAreNotWaitedFor) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<leave_in_turn>, {1}, {256}, data).fault);
  EXPECT_EQ(data.events, (std::vector<std::uint32_t>{0, 1, 2, 3, 4, 5, 6, 7}));
}

void spin_between(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  const auto turn = static_cast<int>(frame.context->warp_id);
  while (frame.step < 3) {
    // Each warp waits for the next one, which comes to it later: all are suspended in the middle.
    if (turn == 3) data.flag = 3;
    while (data.flag != turn) frame.context->callbacks->yield(frame.context);
    --data.flag;
    ++frame.step;
    if (waits(frame, 0)) return;
  }
  data.events.push_back(frame.context->warp_id);
}

TEST(Coroutine, MaySpinBetweenBarriers) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<spin_between>, {3}, {128}, data).fault);
  EXPECT_EQ(data.events.size(), 12u);
}

void wait_inside(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  while (frame.step < 4) {
    data.events.push_back(static_cast<std::uint32_t>(frame.step++));
    // As generated code of a device function waits.
    if (frame.context->warp_id % 2 == 0) {
      frame.context->callbacks->barrier(frame.context, ~0u, 0, 0,
                                        static_cast<std::uint32_t>(ir::BarrierMode::Sync), 0);
    } else if (waits(frame, 0)) {
      return;
    }
  }
}

TEST(Coroutine, MeetsWarpsThatWaitInsideOfACall) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<wait_inside>, {2}, {256}, data).fault);
  ASSERT_EQ(data.events.size(), 64u);
  for (std::uint32_t i = 0; i < 64; ++i) EXPECT_EQ(data.events[i], i / 8 % 4);
}

void use_local(Frame& frame) {
  auto* local = reinterpret_cast<std::uint32_t*>(frame.context->local);
  if (frame.step == 0) *local = 100 + frame.context->warp_id;
  while (frame.step < 3) {
    ++frame.step;
    if (waits(frame, 0)) return;
  }
  data_of<Record>(frame.context).results[frame.context->warp_id] = *local;
}

TEST(Coroutine, HasItsLocalMemoryOnWhicheverFibre) {
  Record data;
  Engine engine(1);
  EXPECT_FALSE(run(engine, entry<use_local>, {1}, {256}, data, 64).fault);
  for (std::uint32_t warp = 0; warp < 8; ++warp) EXPECT_EQ(data.results[warp], 100 + warp);
}

void fault_later(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  if (frame.step++ == 0 && waits(frame, 0)) return;
  data.events.push_back(frame.context->warp_id);
  if (frame.context->warp_id != 1) return;
  for (auto& address : frame.context->access_addresses) address = data.address;
  *reinterpret_cast<volatile int*>(data.address) = 1;
}

void trap_later(Frame& frame) {
  if (frame.step++ == 0 && waits(frame, 0)) return;
  frame.context->callbacks->trap(frame.context, 2, 0, 0);
}

TEST(Coroutine, MayFaultAfterABarrier) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  ASSERT_TRUE(memory);
  Engine engine(1);
  for (int repeat = 0; repeat < 3; ++repeat) {
    Record data;
    data.address = (*memory)->base();
    const auto wild = run(engine, entry<fault_later>, {1}, {128}, data).fault;
    ASSERT_TRUE(wild);
    EXPECT_EQ(wild->kind, Fault::Kind::IllegalAddress);
    EXPECT_EQ(wild->thread, (Dim3{32, 0, 0}));
    // The last to arrive goes on, then the others in turn.
    EXPECT_EQ(data.events, (std::vector<std::uint32_t>{3, 0, 1}));
    const auto trap = run(engine, entry<trap_later>, {1}, {128}, data).fault;
    ASSERT_TRUE(trap);
    EXPECT_EQ(trap->kind, Fault::Kind::Trap);
    EXPECT_EQ(trap->thread, (Dim3{97, 0, 0}));
    Record after;
    EXPECT_FALSE(run(engine, entry<phases>, {1}, {1024}, after).fault);
    EXPECT_EQ(after.events.size(), 50u * 32);
  }
}

void different_barriers(Frame& frame) {
  if (frame.step++ == 0 && waits(frame, frame.context->warp_id, 64)) return;
}

TEST(Coroutine, DeadlockIsNamed) {
  Record data;
  Engine engine(2);
  const auto fault = run(engine, entry<different_barriers>, {3}, {64}, data).fault;
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, Fault::Kind::Deadlock);
  EXPECT_NE(fault->message.find("barrier 1: warps 1 wait, 32 of 64 threads arrived"), std::string::npos)
      << fault->message;
}

void cancelled(Frame& frame) {
  auto& data = data_of<Record>(frame.context);
  while (frame.context->warp_id == 0 || frame.step < 1000) {
    ++frame.step;
    if (frame.context->warp_id == 1 && frame.step == 1000)
      *reinterpret_cast<std::atomic<bool>*>(data.address) = true;
    if (waits(frame, 0)) return;
    frame.context->callbacks->yield(frame.context);
  }
}

TEST(Coroutine, CanBeCancelled) {
  std::atomic<bool> cancel{false};
  Record data;
  data.address = reinterpret_cast<std::uint64_t>(&cancel);
  FakeLaunch fake(entry<cancelled>, {2}, {96}, &data, 0, /*coroutine=*/true);
  fake.launch.cancel = &cancel;
  Engine engine(1);
  const auto outcome = engine.run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::Cancelled);
  Record after;
  EXPECT_FALSE(run(engine, entry<phases>, {1}, {1024}, after).fault);
}

}  // namespace
}  // namespace doppel::engine
