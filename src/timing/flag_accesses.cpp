// SPDX-License-Identifier: Apache-2.0
#include "timing/flag_accesses.h"

#include <algorithm>

#include "timing/kernel_model.h"

namespace doppel::timing {
namespace {

using analysis::TraceEvent;

// A launch that writes more single sectors than this writes data.
constexpr std::size_t kMostSectors = 4096;

void add(std::vector<std::uint64_t>& sectors, std::uint64_t sector) {
  if (!sectors.empty() && sectors.back() == sector) return;
  if (sectors.size() < kMostSectors) sectors.push_back(sector);
}

void make_set(std::vector<std::uint64_t>& sectors) {
  std::ranges::sort(sectors);
  const auto rest = std::ranges::unique(sectors);
  sectors.erase(rest.begin(), rest.end());
}

}  // namespace

FlagAccesses flag_accesses(const KernelModel& model, std::span<const analysis::BlockTrace> traces) {
  const auto& lowered = static_cast<const LoweredKernel&>(model);
  const std::vector<bool>& writes = lowered.writes();
  const std::vector<analysis::SpinLoop>& loops = lowered.program().spin_loops;
  FlagAccesses flags;
  for (const analysis::BlockTrace& block : traces) {
    for (const analysis::WarpTrace& warp : block.warps) {
      const analysis::SpinLoop* loop = nullptr;
      bool by_time = false;  // it gave up
      for (const TraceEvent& event : warp.events) {
        if (event.kind == TraceEvent::Kind::Block && !loops.empty())
          loop = analysis::spin_loop_of(loops, analysis::TraceBlockId{event.id});
        if (event.kind == TraceEvent::Kind::Clock) by_time = warp.sectors[event.payload] > 0;
        if (event.kind != TraceEvent::Kind::Access || event.space != analysis::AccessSpace::Global ||
            event.count != 1)
          continue;
        const std::uint64_t sector = warp.sectors[event.payload];
        if (loop != nullptr && loop->on_memory() && !(loop->or_by_memory && by_time))
          add(flags.polled, sector);
        if (event.id >= writes.size() || !writes[event.id]) continue;
        add(flags.written, sector);
        if (event.atomic) add(flags.added, sector);
      }
    }
  }
  for (auto* const sectors : {&flags.polled, &flags.written, &flags.added}) make_set(*sectors);
  // A barrier of the launch's own blocks, or a lock: nobody else ends the wait, or not for long.
  std::erase_if(flags.polled,
                [&](std::uint64_t sector) { return std::ranges::binary_search(flags.written, sector); });
  return flags;
}

}  // namespace doppel::timing
