// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <utility>
#include <vector>

#include "engine/trace_recorder.h"
#include "fake_module.h"
#include "ir/parse.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

std::array<std::uint64_t, 32> strided(std::uint64_t start, std::uint64_t stride) {
  std::array<std::uint64_t, 32> addresses;
  for (std::uint64_t lane = 0; lane < 32; ++lane) addresses[lane] = start + stride * lane;
  return addresses;
}

TEST(Trace, SharedPassesFollowTheBanks) {
  EXPECT_EQ(shared_passes(~0u, 4, strided(0, 4).data()), 1u);
  EXPECT_EQ(shared_passes(~0u, 4, strided(0, 0).data()), 1u);  // one word for all
  EXPECT_EQ(shared_passes(~0u, 4, strided(0, 8).data()), 2u);
  EXPECT_EQ(shared_passes(~0u, 4, strided(0, 128).data()), 32u);
  EXPECT_EQ(shared_passes(~0u, 4, strided(0, 132).data()), 1u);
  EXPECT_EQ(shared_passes(~0u, 8, strided(0, 8).data()), 2u);  // half warps
  EXPECT_EQ(shared_passes(~0u, 16, strided(0, 16).data()), 4u);
  EXPECT_EQ(shared_passes(~0u, 16, strided(0, 0).data()), 2u);  // one place for all: half warps at a time
  EXPECT_EQ(shared_passes(0x0000ffffu, 8, strided(0, 8).data()), 1u);
  EXPECT_EQ(shared_passes(~0u, 1, strided(0, 1).data()), 1u);
}

struct Accesses {
  std::uint64_t address = 0;
};

constexpr std::uint32_t flags(std::uint32_t bytes, ir::Space space, std::uint32_t more = 0) {
  return bytes | more | static_cast<std::uint32_t>(space) << jit::kAccessSpaceShift;
}

void report(jit::WarpContext* context) {
  const auto& data = data_of<Accesses>(context);
  const auto* callbacks = context->callbacks;
  callbacks->trace_block(context, 5, ~0u);
  const auto access = [&](std::uint32_t instruction, std::uint32_t mask, std::uint32_t access_flags,
                          std::uint64_t start, std::uint64_t step) {
    std::ranges::copy(strided(start, step), context->access_addresses);
    context->access_width = 1;
    callbacks->trace_access(context, instruction, mask, access_flags);
  };
  access(3, ~0u, flags(4, ir::Space::Global), data.address, 4);
  access(4, 0xf, flags(4, ir::Space::Generic, jit::kAccessAtomic), data.address, 0);
  access(5, ~0u, flags(4, ir::Space::Generic), reinterpret_cast<std::uint64_t>(context->shared), 8);
  access(6, ~0u, flags(4, ir::Space::Local), reinterpret_cast<std::uint64_t>(context->local),
         context->local_stride);
  callbacks->barrier(context, ~0u, 0, 0, static_cast<std::uint32_t>(ir::BarrierMode::Sync), 0);
}

TEST(Trace, HoldsWhatTheWarpDid) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  Accesses data{*(*memory)->allocate(4096, 256, memory::AllocationKind::Device)};
  FakeLaunch fake(report, {4}, {64}, &data, 16);
  fake.launch.memory = memory->get();
  fake.launch.config.dynamic_shared_bytes = 1024;
  const std::array<std::uint64_t, 2> traced{1, 3};
  fake.launch.traced_blocks = traced;
  const auto outcome = Engine(2).run(fake.launch);
  ASSERT_TRUE(outcome);
  ASSERT_EQ(outcome->traces.size(), 2u);
  EXPECT_EQ(outcome->traces[1].block_index, 3u);
  ASSERT_EQ(outcome->traces[0].warps.size(), 2u);
  const analysis::WarpTrace& warp = outcome->traces[0].warps[1];
  ASSERT_EQ(warp.events.size(), 6u);
  using Kind = analysis::TraceEvent::Kind;
  EXPECT_EQ(warp.events[0].kind, Kind::Block);
  EXPECT_EQ(warp.events[0].id, 5u);
  EXPECT_EQ(warp.events[1].kind, Kind::Access);
  EXPECT_EQ(warp.events[1].count, 4u);
  EXPECT_EQ(warp.sectors[warp.events[1].payload], (data.address - (*memory)->base()) / 32);
  EXPECT_EQ(warp.events[2].serial, 4u);
  EXPECT_EQ(warp.events[2].count, 1u);
  EXPECT_EQ(warp.events[3].space, analysis::AccessSpace::Shared);
  EXPECT_EQ(warp.events[3].count, 2u);
  EXPECT_EQ(warp.events[4].space, analysis::AccessSpace::Local);
  EXPECT_EQ(warp.events[4].count, 4u);  // interleaved: 32 words side by side
  EXPECT_EQ(warp.events[5].kind, Kind::Wait);
}

// b1 waits until another thread writes.
constexpr const char* kWaiting = R"(module "ir" "sm_86" 64
kernel "k" visible
parameter "p" param u64 align 8 size 8 internal
b0:
  %0:64 = load.u64 [param u64 parameter#0]
b1:
  %1:32 = load.u32 [global u32 %0, acquire, gpu]
  %2:1 = icmp.eq.s32 %1, 0
  @%2 branch -> b1
b2:
  return
end
)";

// A warp that enters blocks with these lanes.
using Entries = std::vector<std::pair<std::uint32_t, std::uint32_t>>;
struct Polls {
  Entries entries;
  std::uint64_t flag = 0;
};

void enter_blocks(jit::WarpContext* context) {
  const auto& data = data_of<Polls>(context);
  for (const auto& [block, mask] : data.entries) {
    ++context->counters[std::size_t{2} * block];
    context->counters[std::size_t{2} * block + 1] += static_cast<std::uint64_t>(std::popcount(mask));
    context->callbacks->trace_block(context, block, mask);
    if (block != 1) continue;
    std::ranges::copy(strided(data.flag, 0), context->access_addresses);
    context->access_width = 1;
    context->callbacks->trace_access(context, 1, mask, flags(4, ir::Space::Global));
  }
}

Outcome outcome_of(const Entries& entries) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  Polls data{entries, *(*memory)->allocate(4096, 256, memory::AllocationKind::Device)};
  FakeLaunch fake(enter_blocks, {1}, {32}, &data);
  fake.launch.module = std::make_shared<testing::FakeModule>(jit::KernelCode{enter_blocks, 0, false, nullptr},
                                                             ir::parse(kWaiting).value());
  fake.launch.memory = memory->get();
  const std::array<std::uint64_t, 1> traced{0};
  fake.launch.traced_blocks = traced;
  auto outcome = Engine(1).run(fake.launch);
  EXPECT_TRUE(outcome);
  return std::move(*outcome);
}

Entries blocks_in(const analysis::WarpTrace& warp) {
  Entries entries;
  for (const analysis::TraceEvent& event : warp.events) {
    if (event.kind == analysis::TraceEvent::Kind::Block) entries.emplace_back(event.id, event.mask);
  }
  return entries;
}

TEST(Trace, HasNoPollsThatFailed) {
  Entries entries{{0, 0xff}};
  entries.insert(entries.end(), std::size_t{1} << 19, {1, 0xff});
  entries.emplace_back(2, 0xff);
  const Outcome outcome = outcome_of(entries);
  const analysis::WarpTrace& warp = outcome.traces.at(0).warps.at(0);
  EXPECT_EQ(blocks_in(warp), (Entries{{0, 0xff}, {1, 0xff}, {2, 0xff}}));
  EXPECT_EQ(warp.events.size(), 4u);
  EXPECT_EQ(warp.sectors.size(), 1u);
  EXPECT_FALSE(warp.truncated);
  EXPECT_EQ(outcome.counts.at(1), (analysis::BlockCount{1, 8}));
}

TEST(Trace, HasEachRoundInWhichLanesFoundSomething) {
  const Outcome outcome = outcome_of({{0, 0xf}, {1, 0xf}, {1, 0xf}, {1, 0x3}, {1, 0x3}, {1, 0x3}, {2, 0xf}});
  EXPECT_EQ(blocks_in(outcome.traces.at(0).warps.at(0)), (Entries{{0, 0xf}, {1, 0xf}, {1, 0x3}, {2, 0xf}}));
  EXPECT_EQ(outcome.counts.at(1), (analysis::BlockCount{2, 6}));
}

// Lanes that have parted from those that wait go on between two polls.
TEST(Trace, KeepsWhatOtherLanesDoMeanwhile) {
  const Outcome outcome = outcome_of({{0, 0xf}, {1, 0x1}, {1, 0x1}, {2, 0xe}, {1, 0x1}, {1, 0x1}, {2, 0x1}});
  EXPECT_EQ(blocks_in(outcome.traces.at(0).warps.at(0)), (Entries{{0, 0xf}, {2, 0xe}, {1, 0x1}, {2, 0x1}}));
}

// b1 waits until the clock has come so far since b0.
constexpr const char* kUntil = R"(module "ir" "sm_86" 64
kernel "k" visible
parameter "p" param u64 align 8 size 8 internal
b0:
  %0:64 = load.u64 [param u64 parameter#0]
  %1:64 = mov.u64 %clock64
b1:
  %2:64 = mov.u64 %clock64
  %3:64 = isub.u64 %2, %1
  %4:1 = icmp.lt.u64 %3, %0
  @%4 branch -> b1
b2:
  return
end
)";
constexpr std::uint32_t kStart = 1, kLook = 2;

struct Until {
  std::uint64_t cycles = 0;
  std::uint64_t seen = 0;
  unsigned rounds = 0;
};

void wait_for_clock(jit::WarpContext* context) {
  auto& data = data_of<Until>(context);
  const auto enter = [&](std::uint32_t block) {
    ++context->counters[std::size_t{2} * block];
    context->counters[std::size_t{2} * block + 1] += 32;
    context->callbacks->trace_block(context, block, ~0u);
  };
  enter(0);
  const std::uint64_t start = context->callbacks->clock(context, kStart);
  do {
    enter(1);
    data.seen = context->callbacks->clock(context, kLook) - start;
    ++data.rounds;
  } while (data.seen < data.cycles);
  enter(2);
}

Outcome wait_for(Until& data) {
  FakeLaunch fake(wait_for_clock, {1}, {32}, &data);
  fake.launch.module = std::make_shared<testing::FakeModule>(
      jit::KernelCode{wait_for_clock, 0, false, nullptr}, ir::parse(kUntil).value());
  const std::array<std::uint64_t, 1> traced{0};
  fake.launch.traced_blocks = traced;
  fake.launch.measure_blocks = true;
  auto outcome = Engine(1).run(fake.launch);
  EXPECT_TRUE(outcome);
  return std::move(*outcome);
}

TEST(Trace, TellsHowLongALoopWaitsForTheClock) {
  for (const std::uint64_t cycles : {1000ull, 1'000'000ull, 100'000'000ull}) {
    Until data{cycles};
    const Outcome outcome = wait_for(data);
    const analysis::WarpTrace& warp = outcome.traces.at(0).warps.at(0);
    EXPECT_EQ(blocks_in(warp), (Entries{{0, ~0u}, {1, ~0u}, {2, ~0u}}));
    const auto clock =
        std::ranges::find(warp.events, analysis::TraceEvent::Kind::Clock, &analysis::TraceEvent::kind);
    ASSERT_NE(clock, warp.events.end());
    EXPECT_EQ(clock->id, kStart);
    const auto near = static_cast<double>(cycles);
    EXPECT_NEAR(static_cast<double>(warp.sectors[clock->payload]), near, 0.002 * near + 16);
    // The program sees about as much, the work of the block is without it, and it takes few rounds here.
    EXPECT_GE(data.seen, cycles);
    EXPECT_NEAR(static_cast<double>(data.seen), near, 0.004 * near + 16);
    EXPECT_LT(data.rounds, 10'000u);
    EXPECT_EQ(outcome.counts.at(1), (analysis::BlockCount{1, 32}));
    EXPECT_LT(outcome.work.at(0).instructions, 10u);
    EXPECT_NEAR(static_cast<double>(outcome.work.at(0).waited_cycles), near, 0.004 * near + 32);
  }
}

// The first reading in the loop is late enough.
TEST(Trace, TellsOfNoWaitWhereThereWasNone) {
  Until data{4};
  const Outcome outcome = wait_for(data);
  const analysis::WarpTrace& warp = outcome.traces.at(0).warps.at(0);
  const auto clock =
      std::ranges::find(warp.events, analysis::TraceEvent::Kind::Clock, &analysis::TraceEvent::kind);
  ASSERT_NE(clock, warp.events.end());
  EXPECT_EQ(warp.sectors[clock->payload], 0u);
}

void wait_once(jit::WarpContext* context) {
  context->callbacks->barrier(context, context->active_mask, 0, 0,
                              static_cast<std::uint32_t>(ir::BarrierMode::Sync), 0);
}

TEST(Trace, EndsWithItsLaunch) {
  FakeLaunch fake(wait_once, {1}, {64}, nullptr);
  const std::array<std::uint64_t, 1> traced{0};
  fake.launch.traced_blocks = traced;
  Engine engine(1);
  const auto outcome = engine.run(fake.launch);
  ASSERT_TRUE(outcome);
  const std::vector<analysis::TraceEvent>& events = outcome->traces.at(0).warps.at(0).events;
  EXPECT_EQ(events.size(), 1u);
  fake.launch.traced_blocks = {};
  ASSERT_TRUE(engine.run(fake.launch));
  EXPECT_EQ(events.size(), 1u);
}

}  // namespace
}  // namespace doppel::engine
