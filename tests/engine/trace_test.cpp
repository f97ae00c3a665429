// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "engine/trace_recorder.h"
#include "fake_module.h"
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
