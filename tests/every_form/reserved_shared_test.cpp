// SPDX-License-Identifier: Apache-2.0
// The reserved bytes of shared memory (PTX ISA 10, %reserved_smem_offset): a block's own, zero at its start,
// reached as cooperative groups reach them, through a generic address.
#include <gtest/gtest.h>

#include <cstring>

#include "frontend/ptx/parse.h"
#include "harness/launch_case.h"

namespace doppel::every_form {
namespace {

constexpr const char* kText = R"(
.version 8.0
.target sm_86
.address_size 64
.visible .entry k(.param .u64 out) {
  .reg .b32 %r<10>; .reg .b64 %rd<6>;
  .shared .align 4 .b8 own[1024];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, %ctaid.x;
  shl.b32 %r3, %r1, 2;
  st.shared.u32 [own], %r1;
  mov.u32 %r4, %reserved_smem_offset_1;
  cvt.u64.u32 %rd1, %r4;
  cvta.shared.u64 %rd2, %rd1;
  atom.add.u32 %r5, [%rd2], 1;
  atom.shared.add.u32 %r5, [%r4+284], 2;
  bar.sync 0;
  ld.u32 %r6, [%rd2];
  ld.shared.u32 %r7, [%r4+284];
  ld.param.u64 %rd3, [out];
  mad.lo.u32 %r8, %r2, 64, %r1;
  mad.wide.u32 %rd4, %r8, 8, %rd3;
  st.global.v2.u32 [%rd4], {%r6, %r7};
  ret;
}
)";

TEST(ReservedShared, IsEachBlocksOwnAndStartsAtZero) {
  const auto engine = harness::make_engine_runner();
  if (engine == nullptr) GTEST_SKIP() << "this build has no engine";
  auto parsed = ptx::parse(kText);
  ASSERT_TRUE(parsed.has_value());
  harness::LaunchCase launch;
  launch.module = std::make_shared<const ptx::Module>(std::move(*parsed));
  launch.kernel = std::string("k");
  launch.grid = {5, 1, 1};
  launch.block = {64, 1, 1};
  launch.buffers = {std::vector<std::byte>(5 * 64 * 8)};
  launch.arguments = {harness::BufferArgument{0}};
  const auto after = engine->run(launch);
  ASSERT_TRUE(after.has_value()) << after.error().message;
  for (std::size_t i = 0; i < 5 * 64; ++i) {
    std::uint32_t values[2];
    std::memcpy(values, &(*after)[0][i * 8], 8);
    EXPECT_EQ(values[0], 64U);
    EXPECT_EQ(values[1], 128U);
  }
}

}  // namespace
}  // namespace doppel::every_form
