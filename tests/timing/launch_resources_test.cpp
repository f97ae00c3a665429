// SPDX-License-Identifier: Apache-2.0
// What a launch takes of an SM.
#include <gtest/gtest.h>

#include "card/load_card.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "timing/launch_timing.h"

namespace doppel::timing {
namespace {

std::int64_t l1_bytes(std::uint32_t shared_bytes, int preferred_carveout) {
  auto module =
      ptx::parse(".version 8.0\n.target sm_86\n.address_size 64\n.visible .entry k()\n{\nret;\n}\n");
  const card::Card card = card::find_card("rtx-a6000").value();
  const auto model = KernelModel::build(
      std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*module))), 0, card);
  return model
      ->resources({.grid = {1000},
                   .block = {256},
                   .dynamic_shared_bytes = shared_bytes,
                   .preferred_carveout = preferred_carveout})
      .l1_bytes;
}

// 128 KiB an SM, of which 100 at most are shared memory (cards/rtx-a6000.toml).
TEST(LaunchResources, SharedMemoryTakesWhatItNeedsOfL1) {
  EXPECT_EQ(l1_bytes(0, -1), 128 << 10);
  EXPECT_LT(l1_bytes(4096, -1), 128 << 10);
}

TEST(LaunchResources, AProgramMayPreferMoreSharedMemory) {
  EXPECT_EQ(l1_bytes(0, 100), 28 << 10);
  EXPECT_EQ(l1_bytes(0, 50), 64 << 10);
  EXPECT_EQ(l1_bytes(0, 0), 128 << 10);
  // No block is given up for less of it.
  EXPECT_EQ(l1_bytes(4096, 0), l1_bytes(4096, -1));
}

}  // namespace
}  // namespace doppel::timing
