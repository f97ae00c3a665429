// A launch's time: simulate some SMs until nothing new is to be learnt, then scale to the whole grid by its
// counted work.
#include <algorithm>
#include <cmath>

#include "timing/chip_memory.h"
#include "timing/kernel_model.h"
#include "timing/sm_simulation.h"

namespace doppel::timing {
namespace {

// Operations of all simulated SMs after which a rate is taken for settled, whatever it does.
constexpr std::uint64_t kMostOperationsFast = 1'000'000;
constexpr std::uint64_t kMostOperationsFull = 200'000'000;
constexpr std::uint64_t kStep = 20'000;
// Blocks that each place of an SM must have seen before an early end.
constexpr std::uint64_t kGenerations = 6;
constexpr double kSteady = 0.01;  // change of the rate from one window to the next

struct Outcome {
  SimulationCounts counts;
  MemoryTraffic traffic;
  bool finished = false;
  double steady_rate = 0;  // operations per cycle of the simulated SMs, once settled
};

struct Scene {
  const card::Card& card;
  const LoweredKernel& model;
  const LaunchShape& shape;
  std::span<const kernel::BlockTrace> traces;
  const AddressPatterns& patterns;
  L2Start l2;
  std::uint64_t most_operations = 0;
};

// The trace that stands for a block: that of the sampled block nearest to it in the grid's order. The grid's
// last block often has less to do than the others, so it stands for none but itself.
const kernel::BlockTrace& nearest(std::span<const kernel::BlockTrace> traces, std::uint64_t block,
                                  std::uint64_t blocks) {
  if (traces.size() > 1 && traces.back().block_index + 1 == blocks && block != traces.back().block_index) {
    traces = traces.first(traces.size() - 1);
  }
  const auto after = std::ranges::lower_bound(traces, block, {}, &kernel::BlockTrace::block_index);
  if (after == traces.end()) return traces.back();
  if (after == traces.begin() || after->block_index == block) return *after;
  const auto before = after - 1;
  return block - before->block_index <= after->block_index - block ? *before : *after;
}

// `blocks` blocks on `active` SMs, `resident` at once on each, of which `sms` are simulated.
Outcome simulate(const Scene& scene, std::uint64_t first_block, std::uint64_t end_block, int active,
                 int resident, int sms, std::int64_t l1_bytes) {
  const Dim3& grid = scene.shape.grid;
  const double stride = static_cast<double>(active) / sms;
  ChipMemory memory(scene.model.parameters(), scene.patterns,
                    {scene.card.l2.bytes, scene.l2.present, scene.l2.write_back, 1 / stride});
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
      const double left = static_cast<double>(end_block - index);
      if (left < active) memory.set_share(std::min(1.0, sms / std::max(1.0, left)));
    }
    const kernel::BlockTrace& trace = nearest(scene.traces, index, scene.shape.grid.count());
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
  SmSimulation simulation(scene.model.parameters(), scene.model.program(), scene.patterns, memory,
                          {sms, resident, l1_bytes, stride}, next_block);
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
  outcome.counts = simulation.counts();
  outcome.traffic = memory.traffic();
  // The second half: past the start, where caches fill and all warps do the same.
  const Mark& half = marks[marks.size() / 2];
  const Mark& last = marks.back();
  outcome.steady_rate = (last.operations - half.operations) / std::max(1.0, last.cycles - half.cycles);
  if (outcome.steady_rate <= 0) outcome.steady_rate = last.operations / std::max(1.0, last.cycles);
  return outcome;
}

void fill_utilisation(const Scene& scene, const Outcome& outcome, int sms, Prediction& prediction) {
  const SimulationCounts& counts = outcome.counts;
  const double cycles = std::max<double>(1, static_cast<double>(counts.cycles));
  const double cores = cycles * sms * scene.model.parameters().sub_cores;
  const double per_sm = cycles * sms;
  const auto unit = [&](Unit which) { return counts.unit_busy[static_cast<std::size_t>(which)]; };
  const bool two_float_units =
      scene.model.parameters().pipes[static_cast<std::size_t>(kernel::Pipe::Fp32)].either_float_unit;
  auto& list = prediction.utilisation;
  list = {
      {Bound::Issue, static_cast<double>(counts.operations) / cores},
      {Bound::Fp32, (unit(Unit::FloatOnly) + unit(Unit::FloatInteger)) / cores / (two_float_units ? 2 : 1)},
      {Bound::Int32, std::max(unit(Unit::FloatInteger), unit(Unit::Multiply)) / cores},
      {Bound::Fp16, unit(Unit::Half) / cores},
      {Bound::Fp64, unit(Unit::Double) / per_sm},
      {Bound::Special, unit(Unit::Special) / cores},
      {Bound::LoadStore, counts.load_store_busy / per_sm},
      {Bound::SharedMemory, counts.shared_busy / per_sm},
      {Bound::L1, counts.l1_busy / per_sm},
      {Bound::L2, std::max(outcome.traffic.l2_read_busy, outcome.traffic.l2_write_busy) / cycles},
      {Bound::Dram, outcome.traffic.dram_busy / cycles},
      {Bound::Atomics, outcome.traffic.atomic_busy / cycles}};
  for (auto& [bound, share] : list) share = std::min(share, 1.0);
  std::ranges::sort(list, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
}

// A resource that is busy more than this is what the launch waits for.
constexpr double kBusy = 0.6;

Bound find_bound(const SimulationCounts& counts, const Prediction& prediction) {
  if (prediction.start_us > prediction.time_us / 2) return Bound::Launch;
  const auto& [resource, share] = prediction.utilisation.front();
  if (share >= kBusy) return resource;
  const auto stalled = [&](Stall stall) { return counts.stalled[static_cast<std::size_t>(stall)]; };
  const double waiting =
      stalled(Stall::Memory) + stalled(Stall::Dependence) + stalled(Stall::Start) + stalled(Stall::Fence);
  if (stalled(Stall::Barrier) > waiting) return Bound::Barrier;
  if (stalled(Stall::Queue) + stalled(Stall::Pipe) > waiting) return resource;
  return prediction.occupancy < 0.4 && prediction.waves > 0.9 ? Bound::Occupancy : Bound::Latency;
}

}  // namespace

std::vector<MemoryRange> touched_memory(const KernelModel& model, const LaunchShape& shape,
                                        std::span<const kernel::BlockTrace> traces) {
  const auto& lowered = static_cast<const LoweredKernel&>(model);
  const AddressPatterns patterns(traces, shape.grid, lowered.program().instruction_base);
  return merged(patterns.ranges(shape.grid, lowered.writes()));
}

Prediction predict(const card::Card& card, const KernelModel& model, const LaunchShape& shape,
                   const LaunchRun& run, const L2History& before, Depth depth) {
  const auto& [traces, counts, first_slot] = run;
  const auto& lowered = static_cast<const LoweredKernel&>(model);
  const Residence place = residence(card, model.registers_per_thread(), shape);
  const GridWork work = grid_work(lowered.program(), counts, first_slot);
  const std::uint64_t blocks = shape.grid.count();
  const int active = place.active_sms;
  const int resident = static_cast<int>(std::min<std::uint64_t>(
      static_cast<std::uint64_t>(place.blocks_per_sm),
      (blocks + static_cast<std::uint64_t>(active) - 1) / static_cast<std::uint64_t>(active)));
  const double places = static_cast<double>(active) * place.blocks_per_sm;

  Prediction prediction;
  prediction.clock_mhz = card.clocks.sustained_mhz;
  prediction.start_us = card.launch.start_us;
  prediction.registers = model.registers_per_thread();
  prediction.occupancy = place.occupancy.fraction;
  prediction.occupancy_limit = std::string(card::name_of(place.occupancy.limit));
  prediction.waves = static_cast<double>(blocks) / (static_cast<double>(card.sm_count) * place.blocks_per_sm);
  prediction.warp_instructions = static_cast<std::uint64_t>(work.operations);
  prediction.thread_instructions = static_cast<std::uint64_t>(work.thread_instructions);
  prediction.flops = work.flops;
  if (depth == Depth::Off || traces.empty()) return prediction;

  const AddressPatterns patterns(traces, shape.grid, lowered.program().instruction_base);
  const std::vector<MemoryRange> ranges = patterns.ranges(shape.grid, lowered.writes());
  prediction.touched = merged(ranges);
  Scene scene{card,
              lowered,
              shape,
              traces,
              patterns,
              before.before(ranges),
              depth == Depth::Full ? kMostOperationsFull : kMostOperationsFast};
  const int sms = depth == Depth::Full && traces.size() >= blocks ? active : 1;
  const Outcome outcome = simulate(scene, 0, blocks, active, resident, sms, place.l1_bytes);

  const double scale = static_cast<double>(active) / sms;
  const double done = std::max(1.0, static_cast<double>(outcome.counts.operations) * scale);
  double cycles = static_cast<double>(outcome.counts.cycles);
  if (outcome.finished) {
    bool cut = false;
    for (const kernel::BlockTrace& trace : traces) {
      for (const kernel::WarpTrace& warp : trace.warps) cut = cut || warp.truncated;
    }
    // Several waves even out what blocks differ by; and traces that were cut short stand for the whole of
    // theirs.
    if (work.operations > 0 && (cut || static_cast<double>(blocks) > places))
      cycles *= work.operations / done;
  } else {
    const double rate = outcome.steady_rate * scale;
    const double per_block = work.operations / static_cast<double>(blocks);
    const bool long_blocks =
        outcome.counts.blocks < kGenerations * static_cast<std::uint64_t>(resident * sms);
    const double full_waves = std::floor(static_cast<double>(blocks) / places);
    const double rest = static_cast<double>(blocks) - full_waves * places;
    if (long_blocks && rest > 0 && full_waves >= 1) {
      // Few waves of long blocks: the last one runs on an emptier card, at its own pace.
      const int last_active = static_cast<int>(std::min<double>(active, rest));
      const int last_resident = static_cast<int>(std::ceil(rest / last_active - 1e-9));
      scene.most_operations /= 4;
      const Outcome last = simulate(scene, blocks - static_cast<std::uint64_t>(rest), blocks, last_active,
                                    last_resident, 1, place.l1_bytes);
      cycles = full_waves * places * per_block / rate + last_resident * per_block / last.steady_rate;
    } else {
      cycles += std::max(0.0, work.operations - done) / rate;
    }
  }
  prediction.time_us = prediction.start_us + cycles / prediction.clock_mhz;
  prediction.cycles = prediction.time_us * prediction.clock_mhz;
  const double grow =
      work.operations > 0 ? work.operations / static_cast<double>(outcome.counts.operations) : scale;
  prediction.dram_read_bytes = outcome.traffic.dram_read_bytes * grow;
  prediction.dram_write_bytes = outcome.traffic.dram_write_bytes * grow;
  prediction.l2_bytes = outcome.traffic.l2_bytes * grow;
  prediction.shared_passes = outcome.counts.shared_passes * grow;
  if (outcome.counts.l1_sectors > 0) prediction.l1_hit = outcome.counts.l1_hits / outcome.counts.l1_sectors;
  if (outcome.traffic.l2_sectors > 0)
    prediction.l2_hit = 1 - outcome.traffic.l2_missed_sectors / outcome.traffic.l2_sectors;
  fill_utilisation(scene, outcome, sms, prediction);
  prediction.bound = find_bound(outcome.counts, prediction);
  return prediction;
}

}  // namespace doppel::timing
