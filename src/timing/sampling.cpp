// SPDX-License-Identifier: Apache-2.0
// Which blocks of a grid are traced.
#include <algorithm>
#include <bit>
#include <cmath>
#include <set>

#include "timing/kernel_model.h"

namespace doppel::timing {
namespace {

// Under full depth every block is traced, up to what a host can hold.
constexpr std::uint64_t kMostFull = 4096;
constexpr std::uint64_t kBlocksPerSample = 64;
constexpr std::uint64_t kSpreadFrom = 1024;
constexpr int kSpread = 5;
constexpr double kGoldenSection = 0.6180339887498949;

}  // namespace

std::vector<std::uint64_t> plan_samples(const card::Card& card, const LaunchResources& launch, Depth depth) {
  const Dim3& grid = launch.config.grid;
  const std::uint64_t blocks = grid.count();
  std::set<std::uint64_t> chosen;
  if (depth == Depth::Off || blocks == 0) return {};
  if (depth == Depth::Full) {
    const std::uint64_t step = (blocks + kMostFull - 1) / kMostFull;
    for (std::uint64_t block = 0; block < blocks; block += step) chosen.insert(block);
  }
  // What the first SM holds in the first wave: blocks go to the SMs in turn.
  // A small part of the grid, because traced blocks run slower; the nearest sample stands for those left out.
  const auto most = static_cast<int>(std::clamp<std::uint64_t>(blocks / kBlocksPerSample, 2, 64));
  for (int slot = 0; slot < std::min(launch.blocks_per_sm, most); ++slot) {
    const std::uint64_t block = static_cast<std::uint64_t>(slot) * static_cast<std::uint64_t>(card.sm_count);
    if (block < blocks) chosen.insert(block);
  }
  // A block in the middle and its neighbour along each axis: how addresses move with the block
  // (address_pattern.h).
  const auto middle = [](std::uint32_t extent) {
    return std::uint64_t{extent > 1 ? std::min(extent / 2, extent - 2) : 0};
  };
  const std::uint64_t x = middle(grid.x), y = middle(grid.y), z = middle(grid.z);
  const auto linear = [&](std::uint64_t bx, std::uint64_t by, std::uint64_t bz) {
    return bx + grid.x * (by + grid.y * bz);
  };
  chosen.insert(linear(x, y, z));
  if (grid.x > 1) chosen.insert(linear(x + 1, y, z));
  if (grid.y > 1) chosen.insert(linear(x, y + 1, z));
  if (grid.z > 1) chosen.insert(linear(x, y, z + 1));
  chosen.insert(blocks - 1);
  // Some more of a large grid, spread evenly and with no period: what range the grid goes over where
  // addresses do not grow with the block for ever.
  if (blocks >= kSpreadFrom) {
    double at = 0;
    for (int i = 0; i < kSpread; ++i) {
      at += kGoldenSection;
      chosen.insert(static_cast<std::uint64_t>((at - std::floor(at)) * static_cast<double>(blocks)));
    }
  }
  return {chosen.begin(), chosen.end()};
}

std::vector<analysis::BlockCount> counts_of_grid(const KernelModel& model, std::uint64_t blocks,
                                                 std::span<const analysis::BlockTrace> traces,
                                                 std::span<const analysis::BlockCount> counts) {
  std::vector<analysis::BlockCount> last(counts.size());
  std::uint64_t alike = traces.size(), stand_for = blocks;
  const bool cut = std::ranges::any_of(traces.back().warps, &analysis::WarpTrace::truncated);
  if (traces.size() > 1 && traces.back().block_index + 1 == blocks && !cut) {
    for (const analysis::WarpTrace& warp : traces.back().warps) {
      for (const analysis::TraceEvent& event : warp.events) {
        if (event.kind != analysis::TraceEvent::Kind::Block) continue;
        const analysis::TraceBlockId id{event.id};
        analysis::BlockCount& count = last[model.kernel().first_slot(id.function()) + id.block()];
        ++count.warps;
        count.lanes += static_cast<std::uint64_t>(std::popcount(event.mask));
      }
    }
    --alike;
    --stand_for;
  }
  const double scale = static_cast<double>(stand_for) / static_cast<double>(alike);
  const auto grown = [&](std::uint64_t all, std::uint64_t of_last) {
    return of_last + static_cast<std::uint64_t>(std::llround(static_cast<double>(all - of_last) * scale));
  };
  std::vector<analysis::BlockCount> grid(counts.size());
  for (std::size_t i = 0; i < counts.size(); ++i)
    grid[i] = {grown(counts[i].warps, last[i].warps), grown(counts[i].lanes, last[i].lanes)};
  return grid;
}

}  // namespace doppel::timing
