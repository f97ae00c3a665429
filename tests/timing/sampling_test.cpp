// SPDX-License-Identifier: Apache-2.0
// What a grid counts where only its sampled blocks were run.
#include <gtest/gtest.h>

#include "card/load_card.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "timing/launch_timing.h"

namespace doppel::timing {
namespace {

std::shared_ptr<const KernelModel> one_block_kernel() {
  auto module =
      ptx::parse(".version 8.0\n.target sm_86\n.address_size 64\n.visible .entry k()\n{\nret;\n}\n");
  return KernelModel::build(std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*module))),
                            0, card::find_card("rtx-a6000").value());
}

analysis::BlockTrace block(std::uint64_t index, int warps, std::uint32_t mask) {
  analysis::BlockTrace trace;
  trace.block_index = index;
  for (int i = 0; i < warps; ++i) {
    analysis::WarpTrace warp;
    analysis::TraceEvent event;
    event.mask = mask;
    warp.events.push_back(event);
    trace.warps.push_back(warp);
  }
  return trace;
}

TEST(Sampling, TheLastBlockStandsForItselfAlone) {
  const auto model = one_block_kernel();
  // Blocks 0 and 50 of 100 with 4 full warps, the last with one warp of 3 lanes.
  const std::vector<analysis::BlockTrace> traces = {block(0, 4, ~0u), block(50, 4, ~0u), block(99, 1, 7)};
  const std::vector<analysis::BlockCount> sampled = {{9, 2 * 4 * 32 + 3}};
  const auto grid = counts_of_grid(*model, 100, traces, sampled);
  ASSERT_EQ(grid.size(), 1u);
  EXPECT_EQ(grid[0].warps, 99u * 4 + 1);
  EXPECT_EQ(grid[0].lanes, 99u * 128 + 3);
}

TEST(Sampling, ATraceThatWasCutShortIsLikeTheOthers) {
  const auto model = one_block_kernel();
  std::vector<analysis::BlockTrace> traces = {block(0, 4, ~0u), block(9, 4, ~0u)};
  traces.back().warps.front().truncated = true;
  const auto grid = counts_of_grid(*model, 10, traces, std::vector<analysis::BlockCount>{{8, 256}});
  EXPECT_EQ(grid[0].warps, 40u);
  EXPECT_EQ(grid[0].lanes, 1280u);
}

TEST(Sampling, AllBlocksCountAsTheyAre) {
  const auto model = one_block_kernel();
  const auto grid = counts_of_grid(*model, 1, std::vector<analysis::BlockTrace>{block(0, 2, 1)},
                                   std::vector<analysis::BlockCount>{{2, 2}});
  EXPECT_EQ(grid[0].warps, 2u);
}

}  // namespace
}  // namespace doppel::timing
