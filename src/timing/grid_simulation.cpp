// SPDX-License-Identifier: Apache-2.0
#include "timing/grid_simulation.h"

#include <algorithm>
#include <cmath>

namespace doppel::timing {
namespace {

constexpr std::uint64_t kStep = 20'000;
// Operations after which the pace of single blocks is taken for settled.
constexpr std::uint64_t kMostOperationsPace = 200'000;
constexpr double kSteady = 0.01;  // change of the rate from one window to the next

// The trace that stands for a block: that of the sampled block nearest to it in the grid's order. The grid's
// last block often has less to do than the others, so it stands for none but itself.
const analysis::BlockTrace& nearest(std::span<const analysis::BlockTrace> traces, std::uint64_t block,
                                    std::uint64_t blocks) {
  if (traces.size() > 1 && traces.back().block_index + 1 == blocks && block != traces.back().block_index) {
    traces = traces.first(traces.size() - 1);
  }
  const auto after = std::ranges::lower_bound(traces, block, {}, &analysis::BlockTrace::block_index);
  if (after == traces.end()) return traces.back();
  if (after == traces.begin() || after->block_index == block) return *after;
  const auto before = after - 1;
  return block - before->block_index <= after->block_index - block ? *before : *after;
}

// What registers could not hold of so many blocks on each of so many SMs.
double spilled_bytes(const Scene& scene, int blocks, int sms) {
  return 4.0 * scene.program.spill_words * static_cast<double>(scene.launch.config.block.count()) * blocks *
         sms;
}

}  // namespace

Outcome simulate(const Scene& scene, std::uint64_t first_block, std::uint64_t end_block, int active,
                 int resident, int sms) {
  const Dim3& grid = scene.launch.config.grid;
  const double stride = static_cast<double>(active) / sms;
  ChipMemory memory(scene.model.parameters(), scene.patterns,
                    {scene.card.l2.bytes, scene.l2.present, scene.l2.write_back, 1 / stride,
                     spilled_bytes(scene, resident, active)});
  int started = 0;
  const int initial = sms * resident;
  auto next = static_cast<double>(first_block) + static_cast<double>(active) * resident;
  const auto next_block = [&](int sm, Cycle, SmSimulation::Work& work) {
    std::uint64_t index = 0;
    if (started < initial) {
      // The first wave: one block to each SM in turn.
      index = first_block + static_cast<std::uint64_t>(started / sms) * static_cast<std::uint64_t>(active) +
              static_cast<std::uint64_t>(sm);
      ++started;
      if (index >= end_block) return false;
    } else {
      // Each simulated block stands for one on every SM.
      index = static_cast<std::uint64_t>(next);
      if (index >= end_block) return false;
      next += stride;
      const auto left = static_cast<double>(end_block - index);
      if (left < active) memory.set_share(std::min(1.0, sms / std::max(1.0, left)));
    }
    const analysis::BlockTrace& trace = nearest(scene.traces, index, scene.launch.config.grid.count());
    work.trace = &trace;
    work.placement.traced = block_index(trace.block_index, grid);
    work.placement.block = block_index(index, grid);
    work.placement.peers.clear();
    for (int peer = 0; peer * sms < active; ++peer) {
      const std::uint64_t other = index + static_cast<std::uint64_t>(peer) * static_cast<std::uint64_t>(sms);
      if (other < end_block) work.placement.peers.push_back(block_index(other, grid));
    }
    return true;
  };
  SmSimulation simulation(scene.model.parameters(), scene.program, scene.patterns, memory,
                          {sms, resident, scene.launch.l1_bytes, stride}, next_block);
  Outcome outcome;
  struct Mark {
    double cycles, operations;
  };
  std::vector<Mark> marks{{0, 0}};
  double rate = 0;
  int steady = 0;
  bool more = true;
  while (more) {
    more = simulation.run(kStep);
    const SimulationCounts& now = simulation.counts();
    marks.push_back({static_cast<double>(now.cycles), static_cast<double>(now.operations)});
    if (!more) break;
    // Windows of an eighth of the whole: short ones would see the phases of a block.
    const Mark& past = marks[marks.size() - 1 - std::max<std::size_t>(1, marks.size() / 8)];
    const double window =
        (marks.back().operations - past.operations) / std::max(1.0, marks.back().cycles - past.cycles);
    steady = rate > 0 && std::abs(window - rate) < kSteady * rate ? steady + 1 : 0;
    rate = window;
    const bool settled = steady >= 4 && now.blocks >= kGenerations * static_cast<std::uint64_t>(initial);
    if (settled || now.operations >= scene.most_operations) break;
  }
  outcome.finished = !more;
  outcome.sms = sms;
  outcome.counts = simulation.counts();
  outcome.warp_cycles = simulation.warp_cycles();
  outcome.traffic = memory.traffic();
  // The second half: past the start, where caches fill and all warps do the same.
  const Mark& half = marks[marks.size() / 2];
  const Mark& last = marks.back();
  outcome.steady_rate = (last.operations - half.operations) / std::max(1.0, last.cycles - half.cycles);
  if (outcome.steady_rate <= 0) outcome.steady_rate = last.operations / std::max(1.0, last.cycles);
  return outcome;
}

double pace_of(const Scene& scene, const analysis::BlockTrace& trace, int copies, int sms) {
  const Dim3& grid = scene.launch.config.grid;
  const std::uint64_t blocks = grid.count();
  ChipMemory memory(scene.model.parameters(), scene.patterns,
                    {scene.card.l2.bytes, scene.l2.present, scene.l2.write_back, 1.0 / sms,
                     spilled_bytes(scene, copies, sms)});
  int started = 0;
  const auto next_block = [&](int, Cycle, SmSimulation::Work& work) {
    if (started == copies) return false;
    const std::uint64_t first =
        trace.block_index + static_cast<std::uint64_t>(started++) * static_cast<std::uint64_t>(sms);
    work.trace = &trace;
    work.placement.traced = block_index(trace.block_index, grid);
    work.placement.block = block_index(first % blocks, grid);
    work.placement.peers.clear();
    for (int peer = 0; peer < sms; ++peer)
      work.placement.peers.push_back(block_index((first + static_cast<std::uint64_t>(peer)) % blocks, grid));
    return true;
  };
  SmSimulation simulation(scene.model.parameters(), scene.program, scene.patterns, memory,
                          {1, copies, scene.launch.l1_bytes, static_cast<double>(sms)}, next_block);
  while (simulation.counts().operations < kMostOperationsPace && simulation.run(kStep)) {
  }
  const SimulationCounts& counts = simulation.counts();
  return static_cast<double>(counts.operations) / std::max(1.0, static_cast<double>(counts.cycles));
}

}  // namespace doppel::timing
