// SPDX-License-Identifier: Apache-2.0
// What traces have of bulk copies: what they move in global memory, and nothing of the barrier that they
// tell.
#include <gtest/gtest.h>

#include <array>
#include <cstring>
#include <vector>

#include "engine/mbarrier.h"
#include "fake_module.h"
#include "ir/parse.h"
#include "ir/tensor_map.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

constexpr std::uint64_t kBarrier = 2048;

constexpr const char* kCopies = R"(module "ir" "sm_120" 64
kernel "k" visible
parameter "p" param u64 align 8 size 8 internal
b0:
  bulk_copy 512 [shared b8 0, async mbarrier 2048] [global b8 0, async mbarrier 2048]
  tensor_copy.tile 65536, 0, 0 [shared b8 0, async mbarrier 2048] [generic b64 x16 0]
  return
end
)";

struct Addresses {
  std::uint64_t tensor = 0, map = 0;
};

void copy_by_lane_0(jit::WarpContext* context) {
  const auto& data = data_of<Addresses>(context);
  const auto shared = reinterpret_cast<std::uint64_t>(context->shared);
  Mbarrier barrier;
  barrier.pending = barrier.expected = 1;
  const std::uint64_t bits = barrier.pack();
  std::memcpy(reinterpret_cast<void*>(shared + kBarrier), &bits, sizeof bits);
  const auto copy = [&](std::uint64_t operation, const std::vector<std::uint64_t>& of_lane_0) {
    std::vector<std::uint64_t> values(of_lane_0.size() * jit::kWarpLanes);
    for (std::size_t i = 0; i < of_lane_0.size(); ++i) values[i * jit::kWarpLanes] = of_lane_0[i];
    context->callbacks->asynchronous(context, 1, operation, values.data());
  };
  copy(0, {shared, data.tensor, shared + kBarrier, 512});
  copy(1, {shared, data.map, shared + kBarrier, ir::kOwnBlock, 4, 1});
}

TEST(BulkTrace, HasWhatIsMovedInGlobalMemory) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  Addresses data{*(*memory)->allocate(4096, 256, memory::AllocationKind::Device),
                 *(*memory)->allocate(128, 256, memory::AllocationKind::Device)};
  ir::TensorMap map{};
  map.address = data.tensor;
  map.last_dimension = 1;
  map.type = ir::TensorType::U32;
  map.sizes = {64, 16};
  map.strides = {256};
  map.box = {16, 3};
  map.element_strides = {1, 1};
  std::memcpy(reinterpret_cast<void*>(data.map), &map, sizeof map);
  FakeLaunch fake(copy_by_lane_0, {1}, {32}, &data);
  fake.launch.module = std::make_shared<testing::FakeModule>(
      jit::KernelCode{copy_by_lane_0, 0, false, nullptr}, ir::parse(kCopies).value());
  fake.launch.memory = memory->get();
  fake.launch.config.dynamic_shared_bytes = 4096;
  const std::array<std::uint64_t, 1> traced{0};
  fake.launch.traced_blocks = traced;
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome);
  ASSERT_FALSE(outcome->fault) << describe(*outcome->fault);
  const analysis::WarpTrace& warp = outcome->traces.at(0).warps.at(0);
  std::vector<analysis::TraceEvent> accesses;
  for (const analysis::TraceEvent& event : warp.events) {
    if (event.kind == analysis::TraceEvent::Kind::Access) accesses.push_back(event);
  }
  ASSERT_EQ(accesses.size(), 2u);
  const std::uint64_t first = (data.tensor - (*memory)->base()) / 32;
  EXPECT_EQ(accesses[0].space, analysis::AccessSpace::Global);
  EXPECT_EQ(accesses[0].id, 0u);
  EXPECT_EQ(accesses[0].count, 16u);
  EXPECT_EQ(warp.sectors.at(accesses[0].payload), first);
  // Three rows of 64 bytes that begin within a sector.
  EXPECT_EQ(accesses[1].space, analysis::AccessSpace::Global);
  EXPECT_EQ(accesses[1].id, 1u);
  ASSERT_EQ(accesses[1].count, 9u);
  const std::vector<std::uint64_t> sectors(warp.sectors.begin() + accesses[1].payload,
                                           warp.sectors.begin() + accesses[1].payload + 9);
  EXPECT_EQ(sectors, (std::vector<std::uint64_t>{first + 8, first + 9, first + 10, first + 16, first + 17,
                                                 first + 18, first + 24, first + 25, first + 26}));
}

}  // namespace
}  // namespace doppel::engine
