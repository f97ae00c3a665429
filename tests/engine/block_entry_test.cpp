// SPDX-License-Identifier: Apache-2.0
// Kernels that run all warps of a block in one call (jit::WarpRange), written by hand.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <vector>

#include "fake_module.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

template <class Body>
void each_warp(jit::WarpRange* range, const Body& body) {
  auto* at = reinterpret_cast<std::byte*>(range->first);
  for (std::uint32_t i = 0; i < range->warps; ++i, at += range->stride) {
    auto& warp = *reinterpret_cast<jit::WarpContext*>(at);
    range->current = warp.engine;
    body(warp, i);
  }
}

struct Seen {
  std::vector<std::atomic<int>> threads;
  std::vector<std::uint32_t> sm;
  std::atomic<int> wrong{0};
  std::atomic<int> traced{0};
};

void note(jit::WarpContext& warp, const jit::WarpContext& first, Seen& seen) {
  const std::uint32_t block =
      (first.ctaid[2] * first.nctaid[1] + first.ctaid[1]) * first.nctaid[0] + first.ctaid[0];
  seen.sm[block] = first.sm_id;
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    if ((warp.active_mask >> lane & 1) != 0) ++seen.threads[block * first.ntid[0] + warp.tid_base[0] + lane];
  }
}

void whole_block(jit::WarpRange* range) {
  auto& seen = data_of<Seen>(range->first);
  if (range->warps != range->first->warps_per_block) ++seen.wrong;
  each_warp(range, [&](jit::WarpContext& warp, std::uint32_t number) {
    if (warp.warp_id != number) ++seen.wrong;
    note(warp, *range->first, seen);
  });
}

void one_warp(jit::WarpContext* warp) {
  auto& seen = data_of<Seen>(warp);
  ++seen.traced;
  note(*warp, *warp, seen);
}

TEST(BlockEntry, RunsEveryThreadOnceAndPlacesBlocksInTurn) {
  for (const unsigned workers : {1U, 3U}) {
    constexpr std::uint32_t kBlocks = 700 * 3 * 2;
    constexpr std::uint32_t kThreads = 100;
    Seen seen{std::vector<std::atomic<int>>(kBlocks * kThreads), std::vector<std::uint32_t>(kBlocks)};
    FakeLaunch fake({one_warp, 0, false, whole_block}, {700, 3, 2}, {kThreads}, &seen);
    // Some blocks are traced, warp by warp, between the others.
    constexpr std::uint64_t kTraced[] = {0, 5, 6, 699, 700, kBlocks - 1};
    fake.launch.traced_blocks = kTraced;
    Engine engine(workers);
    for (int repeat = 1; repeat <= 2; ++repeat) {
      const auto outcome = engine.run(fake.launch);
      ASSERT_TRUE(outcome);
      EXPECT_FALSE(outcome->fault);
      for (const auto& times : seen.threads) ASSERT_EQ(times, repeat);
      for (std::uint32_t block = 0; block < kBlocks; ++block) ASSERT_EQ(seen.sm[block], block % 4);
      EXPECT_EQ(seen.wrong, 0);
      EXPECT_EQ(seen.traced, repeat * 6 * 4);
    }
    fake.launch.traced_blocks = {};
    ASSERT_TRUE(engine.run(fake.launch));
    for (const auto& times : seen.threads) ASSERT_EQ(times, 3);
    for (std::uint32_t block = 0; block < kBlocks; ++block) ASSERT_EQ(seen.sm[block], block % 4);
  }
}

struct Target {
  std::uint64_t address = 0;
  std::uint32_t block = 0, warp = 0;
};

void store_in_one_warp(jit::WarpRange* range) {
  auto& target = data_of<Target>(range->first);
  each_warp(range, [&](jit::WarpContext& warp, std::uint32_t number) {
    if (range->first->ctaid[0] != target.block || number != target.warp) return;
    for (int lane = 0; lane < 32; ++lane) warp.access_addresses[lane] = target.address - 20 + 4 * lane;
    *reinterpret_cast<volatile int*>(target.address) = 1;
  });
}

constexpr std::uint64_t kCardPage = std::uint64_t{2} << 20;

TEST(BlockEntry, AFaultNamesTheWarpThatRan) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  const auto allocation = (*memory)->allocate(4096, 256, memory::AllocationKind::Device);
  Engine engine(1);
  for (const std::uint32_t block : {0U, 3U, 40U}) {
    for (const std::uint32_t warp : {0U, 2U, 7U}) {
      Target target{*allocation + kCardPage, block, warp};
      FakeLaunch fake({nullptr, 0, false, store_in_one_warp}, {50}, {256}, &target);
      fake.launch.memory = memory->get();
      const auto outcome = engine.run(fake.launch);
      ASSERT_TRUE(outcome && outcome->fault);
      EXPECT_EQ(outcome->fault->kind, Fault::Kind::IllegalAddress);
      EXPECT_EQ(outcome->fault->address, *allocation + kCardPage);
      EXPECT_EQ(outcome->fault->block, (Dim3{block, 0, 0}));
      EXPECT_TRUE(outcome->fault->thread_known);
      EXPECT_EQ(outcome->fault->thread, (Dim3{32 * warp + 5, 0, 0}));
    }
  }
}

void never_end(jit::WarpRange* range) {
  each_warp(range, [&](jit::WarpContext& warp, std::uint32_t number) {
    if (number != 1) return;
    data_of<std::atomic<bool>>(&warp) = true;
    while (true) asm volatile("");
  });
}

TEST(BlockEntry, CanBeLeftAtAnyInstruction) {
  std::atomic<bool> cancel{false};
  FakeLaunch fake({nullptr, 0, false, never_end}, {2}, {96}, &cancel);
  fake.launch.cancel = &cancel;
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::Cancelled);
}

}  // namespace
}  // namespace doppel::engine
