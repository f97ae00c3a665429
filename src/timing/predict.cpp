// SPDX-License-Identifier: Apache-2.0
// A launch's time: simulate some SMs until nothing new is to be learnt, then scale to the whole grid by its
// counted work.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

#include "timing/block_schedule.h"
#include "timing/explain.h"
#include "timing/grid_simulation.h"

namespace doppel::timing {
namespace {

// Operations of all simulated SMs after which a rate is taken for settled, whatever it does.
constexpr std::uint64_t kMostOperationsFast = 1'000'000;
constexpr std::uint64_t kMostOperationsFull = 200'000'000;
// Blocks are taken for alike where none has more than so many times the mean work.
constexpr double kEven = 1.02;

// What each block of the grid has to issue, in machine operations, where blocks differ. A block whose longest
// warp is longer than that of the reference, for its work, counts for as much more: it takes as long.
std::vector<double> uneven_work(std::span<const analysis::BlockWork> blocks, double operations,
                                const analysis::BlockWork& reference) {
  double sum = 0, longest = 0;
  for (const analysis::BlockWork& block : blocks) sum += static_cast<double>(block.instructions);
  if (sum <= 0 || reference.longest_warp == 0) return {};
  const double by_warp =
      static_cast<double>(reference.instructions) / static_cast<double>(reference.longest_warp);
  std::vector<double> work;
  work.reserve(blocks.size());
  for (const analysis::BlockWork& block : blocks) {
    const double own =
        std::max(static_cast<double>(block.instructions), static_cast<double>(block.longest_warp) * by_warp);
    work.push_back(own * operations / sum);
    longest = std::max(longest, work.back());
  }
  if (longest * static_cast<double>(blocks.size()) < kEven * operations) return {};
  return work;
}

void fill_utilisation(const Scene& scene, const Outcome& outcome, int sms, Prediction& prediction) {
  const SimulationCounts& counts = outcome.counts;
  const double cycles = std::max<double>(1, static_cast<double>(counts.cycles));
  const double cores = cycles * sms * scene.model.parameters().sub_cores;
  const double per_sm = cycles * sms;
  const auto unit = [&](Unit which) { return counts.unit_busy[static_cast<std::size_t>(which)]; };
  const bool two_float_units =
      scene.model.parameters().pipes[static_cast<std::size_t>(machine::Pipe::Fp32)].either_float_unit;
  auto& list = prediction.utilisation;
  list = {
      {Bound::Issue, static_cast<double>(counts.operations + counts.polls) / cores},
      {Bound::Fp32, (unit(Unit::FloatOnly) + unit(Unit::FloatInteger)) / cores / (two_float_units ? 2 : 1)},
      {Bound::Int32, std::max(unit(Unit::FloatInteger), unit(Unit::Multiply)) / cores},
      {Bound::Fp16, unit(Unit::Half) / cores},
      {Bound::Fp64, unit(Unit::Double) / per_sm},
      {Bound::Special, unit(Unit::Special) / cores},
      {Bound::Tensor, unit(Unit::Tensor) / cores},
      {Bound::Texture, unit(Unit::Texture) / per_sm},
      {Bound::LoadStore, counts.load_store_busy / per_sm},
      {Bound::SharedMemory, counts.shared_busy / per_sm},
      {Bound::L1, counts.l1_busy / per_sm},
      {Bound::L2, std::max(outcome.traffic.l2_read_busy, outcome.traffic.l2_write_busy) / cycles},
      {Bound::Dram, outcome.traffic.dram_busy / cycles},
      {Bound::Atomics, outcome.traffic.atomic_busy / cycles}};
  const auto link = [&](Bound bound, const LinkTraffic& traffic, LinkUse& use) {
    use.read_share = std::min(1.0, traffic.read_busy / cycles);
    use.write_share = std::min(1.0, traffic.write_busy / cycles);
    if (traffic.busy() > 0) list.emplace_back(bound, std::max(use.read_share, use.write_share));
  };
  link(Bound::Pcie, outcome.traffic.bus, prediction.bus);
  link(Bound::NvLink, outcome.traffic.nvlink, prediction.nvlink);
  for (auto& [bound, share] : list) share = std::min(share, 1.0);
  std::ranges::sort(list, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
}

bool is_of_sms(Bound bound) {
  return bound == Bound::Issue || bound == Bound::Fp32 || bound == Bound::Int32 || bound == Bound::Fp16 ||
         bound == Bound::Fp64 || bound == Bound::Special || bound == Bound::Tensor;
}

// The cycles that the busiest unit of the SMs needs for the whole grid, each SM having its even share of it:
// a rate that has settled over a few blocks may be a little above what the unit can keep up.
double least_cycles(const Outcome& outcome, const Prediction& prediction, double operations, double done) {
  double share = 0;
  for (const auto& [bound, busy] : prediction.utilisation) {
    if (is_of_sms(bound)) share = std::max(share, busy);
  }
  return share * static_cast<double>(outcome.counts.cycles) * operations / done;
}

// A resource that is busy more than this is what the launch waits for.
constexpr double kBusy = 0.6;

bool are_even(const std::vector<double>& blocks) {
  const double sum = std::accumulate(blocks.begin(), blocks.end(), 0.0);
  return *std::ranges::max_element(blocks) * static_cast<double>(blocks.size()) < kEven * sum;
}

// What each block takes, where blocks mostly wait for a clock, or sleep.
std::optional<std::vector<double>> cycles_of_waits(const Scene& scene, const LaunchRun& run) {
  const auto waits_longer = [&](const analysis::BlockTrace& a, const analysis::BlockTrace& b) {
    return run.work[a.block_index].waited_cycles < run.work[b.block_index].waited_cycles;
  };
  const analysis::BlockTrace& reference = *std::ranges::max_element(scene.traces, waits_longer);
  const analysis::BlockWork& own = run.work[reference.block_index];
  if (own.waited_cycles == 0) return std::nullopt;
  const auto waited = static_cast<double>(own.waited_cycles);
  const double alone =
      static_cast<double>(traced_operations(scene.program, reference)) / pace_of(scene, reference, 1, 1);
  const double busy = std::max(0.0, alone - waited);
  if (busy > waited) return std::nullopt;
  std::vector<double> cycles;
  cycles.reserve(run.work.size());
  for (const analysis::BlockWork& block : run.work) {
    const double work =
        static_cast<double>(block.instructions) / std::max(1.0, static_cast<double>(own.instructions));
    cycles.push_back(static_cast<double>(block.waited_cycles) + busy * work);
  }
  return cycles;
}

// A launch's cycles where its blocks differ so much that their mean does not tell: it takes at least its
// longest block. mean: what it takes if all do the mean work.
double cycles_of_uneven_blocks(const Scene& scene, const LaunchRun& run, const Outcome& outcome, double mean,
                               double operations, int resident) {
  if (run.work.empty() || operations <= 0) return mean;
  if (const auto waits = cycles_of_waits(scene, run)) {
    if (are_even(*waits)) return mean;
    return makespan_of_waits(*waits, static_cast<std::size_t>(scene.launch.active_sms) *
                                         static_cast<std::size_t>(scene.launch.blocks_per_sm));
  }
  const auto longest_first = [&](const analysis::BlockTrace& a, const analysis::BlockTrace& b) {
    return run.work[a.block_index].instructions < run.work[b.block_index].instructions;
  };
  const analysis::BlockTrace& reference = *std::ranges::max_element(scene.traces, longest_first);
  const std::vector<double> work = uneven_work(run.work, operations, run.work[reference.block_index]);
  if (work.empty()) return mean;
  const LaunchResources& launch = scene.launch;
  const int active = launch.active_sms;
  BlockPace pace;
  pace.alone = pace_of(scene, reference, 1, 1);
  pace.shared = outcome.finished ? pace_of(scene, reference, resident, active)
                                 : outcome.steady_rate / std::max(1, outcome.sms);
  const auto cycles = static_cast<double>(outcome.counts.cycles);
  const MemoryTraffic& traffic = outcome.traffic;
  // What bounds all SMs together, one SM's blocks may use when the others' have ended.
  const bool one_for_all =
      std::max({traffic.dram_busy, traffic.l2_read_busy, traffic.l2_write_busy, traffic.atomic_busy,
                traffic.bus.busy(), traffic.nvlink.busy()}) > kBusy * cycles;
  const auto span_of = [&](const std::vector<double>& blocks) {
    return one_for_all
               ? makespan(blocks, 1, active * launch.blocks_per_sm, {pace.alone, pace.shared * active})
               : makespan(blocks, active, launch.blocks_per_sm, pace);
  };
  const double span = span_of(work);
  if (work.size() <= static_cast<std::size_t>(active) * static_cast<std::size_t>(launch.blocks_per_sm))
    return span;
  // Several waves: how caches fill and blocks follow each other is in what their mean takes.
  const double even =
      span_of(std::vector<double>(work.size(), operations / static_cast<double>(work.size())));
  return std::max(mean * span / even, *std::ranges::max_element(work) / pace.alone);
}

Bound find_bound(const SimulationCounts& counts, const Prediction& prediction) {
  if (prediction.start_us > prediction.time_us / 2) return Bound::Launch;
  const auto& [resource, share] = prediction.utilisation.front();
  if (share >= kBusy) return resource;
  const auto stalled = [&](Stall stall) { return counts.stalled[static_cast<std::size_t>(stall)]; };
  const double waiting = stalled(Stall::Memory) + stalled(Stall::Dependence) + stalled(Stall::Start) +
                         stalled(Stall::Fence) + stalled(Stall::Branch) + stalled(Stall::Clock);
  if (stalled(Stall::Barrier) > waiting) return Bound::Barrier;
  if (stalled(Stall::Queue) + stalled(Stall::Pipe) > waiting) return resource;
  return prediction.occupancy < 0.4 && prediction.waves > 0.9 ? Bound::Occupancy : Bound::Latency;
}

}  // namespace

std::vector<MemoryRange> touched_memory(const KernelModel& model, const Dim3& grid,
                                        std::span<const analysis::BlockTrace> traces) {
  const auto& lowered = static_cast<const LoweredKernel&>(model);
  const AddressPatterns patterns(traces, grid, lowered.program().instruction_base);
  return merged(patterns.ranges(grid, lowered.writes()));
}

struct TracedLaunch::Implementation {
  const card::Card& card;
  const LoweredKernel& model;
  LaunchResources launch;
  LaunchRun run;
  Depth depth;
  AddressPatterns patterns;
  std::vector<MemoryRange> ranges;
};

TracedLaunch::TracedLaunch(const card::Card& card, const KernelModel& model, const LaunchResources& launch,
                           const LaunchRun& run, Depth depth) {
  const auto& lowered = static_cast<const LoweredKernel&>(model);
  const Dim3& grid = launch.config.grid;
  AddressPatterns patterns(run.traces, grid, lowered.program().instruction_base);
  std::vector<MemoryRange> ranges = patterns.ranges(grid, lowered.writes());
  implementation_ = std::make_unique<Implementation>(
      Implementation{card, lowered, launch, run, depth, std::move(patterns), std::move(ranges)});
}

TracedLaunch::~TracedLaunch() = default;

const std::vector<MemoryRange>& TracedLaunch::ranges() const { return implementation_->ranges; }

Prediction TracedLaunch::predict(const L2Start& start) const {
  const auto& [card, lowered, launch, run, depth, patterns, ranges] = *implementation_;
  const auto& [traces, counts, block_work] = run;
  const machine::MachineProgram& program =
      lowered.program_for(static_cast<std::uint32_t>(launch.config.block.count()));
  const GridWork work = grid_work(program, counts, lowered.kernel());
  const std::uint64_t blocks = launch.config.grid.count();
  const int active = launch.active_sms;
  const int resident = static_cast<int>(std::min<std::uint64_t>(
      static_cast<std::uint64_t>(launch.blocks_per_sm),
      (blocks + static_cast<std::uint64_t>(active) - 1) / static_cast<std::uint64_t>(active)));
  const double places = static_cast<double>(active) * launch.blocks_per_sm;

  Prediction prediction;
  prediction.clock_mhz = card.clocks.sustained_mhz;
  prediction.start_us = card.launch.start_us;
  prediction.registers = launch.registers;
  prediction.spilled_bytes = launch.spilled_bytes;
  prediction.occupancy = launch.occupancy.fraction;
  prediction.occupancy_limit = std::string(card::name_of(launch.occupancy.limit));
  prediction.waves =
      static_cast<double>(blocks) / (static_cast<double>(card.sm_count) * launch.blocks_per_sm);
  prediction.warp_instructions = static_cast<std::uint64_t>(work.operations);
  prediction.thread_instructions = static_cast<std::uint64_t>(work.thread_instructions);
  prediction.flops = work.flops;
  prediction.fp16_flops = work.fp16_flops;
  prediction.fp64_flops = work.fp64_flops;
  prediction.tensor_flops = work.tensor_flops;
  prediction.tensor_fp16_flops = work.tensor_fp16_flops;
  if (depth == Depth::Off || traces.empty()) return prediction;

  Scene scene{card,   lowered,  program, launch,
              traces, patterns, start,   depth == Depth::Full ? kMostOperationsFull : kMostOperationsFast};
  const int sms = depth == Depth::Full && traces.size() >= blocks ? active : 1;
  const Outcome outcome = simulate(scene, 0, blocks, active, resident, sms);

  const double scale = static_cast<double>(active) / sms;
  const double done = std::max(1.0, static_cast<double>(outcome.counts.operations) * scale);
  auto cycles = static_cast<double>(outcome.counts.cycles);
  if (outcome.finished) {
    bool cut = false;
    for (const analysis::BlockTrace& trace : traces) {
      for (const analysis::WarpTrace& warp : trace.warps) cut = cut || warp.truncated;
    }
    // Several waves even out what blocks differ by; and traces that were cut short stand for the whole of
    // theirs. Not how many there are: the simulated SM has as many rounds as any, in a last one that is not
    // full, too.
    if (work.operations > 0 && (cut || static_cast<double>(blocks) > places)) {
      const double per_block = work.operations / static_cast<double>(blocks);
      cycles *= per_block * static_cast<double>(outcome.counts.blocks) /
                static_cast<double>(outcome.counts.operations);
    }
  } else {
    const double rate = outcome.steady_rate * scale;
    const double per_block = work.operations / static_cast<double>(blocks);
    const bool long_blocks =
        outcome.counts.blocks < kGenerations * static_cast<std::uint64_t>(resident * sms);
    const double full_waves = std::floor(static_cast<double>(blocks) / places);
    const double rest = static_cast<double>(blocks) - full_waves * places;
    if (full_waves == 0) {
      // All blocks are there from the start; the first SM has as many as any.
      cycles += std::max(0.0, per_block * resident * sms - static_cast<double>(outcome.counts.operations)) /
                outcome.steady_rate;
    } else if (long_blocks && rest > 0) {
      // Few waves of long blocks: the last one runs on an emptier card, at its own pace.
      const int last_active = static_cast<int>(std::min<double>(active, rest));
      const int last_resident = static_cast<int>(std::ceil(rest / last_active - 1e-9));
      scene.most_operations /= 4;
      const Outcome last =
          simulate(scene, blocks - static_cast<std::uint64_t>(rest), blocks, last_active, last_resident, 1);
      cycles = full_waves * places * per_block / rate + last_resident * per_block / last.steady_rate;
    } else {
      cycles += std::max(0.0, work.operations - done) / rate;
    }
  }
  // The busiest slice does its atomics one after the other, whatever the mean of the SMs is.
  cycles = std::max(
      cycles, outcome.traffic.atomic_busy * (outcome.finished ? 1 : std::max(1.0, work.operations / done)));
  cycles = cycles_of_uneven_blocks(scene, run, outcome, cycles, work.operations, resident);
  const double grow =
      work.operations > 0 ? work.operations / static_cast<double>(outcome.counts.operations) : scale;
  // A link carries one packet after the other, however few SMs still ask for some.
  cycles = std::max(cycles, std::max(outcome.traffic.bus.work(), outcome.traffic.nvlink.work()) * grow);
  fill_utilisation(scene, outcome, sms, prediction);
  cycles = std::max(cycles, least_cycles(outcome, prediction, work.operations, done));
  prediction.time_us = prediction.start_us + cycles / prediction.clock_mhz;
  prediction.cycles = prediction.time_us * prediction.clock_mhz;
  prediction.dram_read_bytes = outcome.traffic.dram_read_bytes * grow;
  prediction.dram_write_bytes = outcome.traffic.dram_write_bytes * grow;
  prediction.bus.read_bytes = outcome.traffic.bus.read_bytes * grow;
  prediction.bus.write_bytes = outcome.traffic.bus.write_bytes * grow;
  prediction.nvlink.read_bytes = outcome.traffic.nvlink.read_bytes * grow;
  prediction.nvlink.write_bytes = outcome.traffic.nvlink.write_bytes * grow;
  prediction.l2_bytes = outcome.traffic.l2_bytes * grow;
  prediction.shared_passes = outcome.counts.shared_passes * grow;
  if (outcome.counts.l1_sectors > 0) prediction.l1_hit = outcome.counts.l1_hits / outcome.counts.l1_sectors;
  if (outcome.traffic.l2_sectors > 0)
    prediction.l2_hit = 1 - outcome.traffic.l2_missed_sectors / outcome.traffic.l2_sectors;
  prediction.bound = find_bound(outcome.counts, prediction);
  prediction.explanation = explain(scene, run, outcome, prediction, work.operations, active);
  return prediction;
}

Prediction predict(const card::Card& card, const KernelModel& model, const LaunchResources& launch,
                   const LaunchRun& run, const L2History& before, Depth depth) {
  const TracedLaunch traced(card, model, launch, run, depth);
  return traced.predict(before.before(traced.ranges()));
}

}  // namespace doppel::timing
