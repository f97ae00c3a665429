// SPDX-License-Identifier: Apache-2.0
#include "device/prediction_cache.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace doppel::device {
namespace {

// Arguments that are remembered of one kernel and shape: a loop's counter may be one.
constexpr std::size_t kMostArguments = 1 << 16;
// Traces that are kept to simulate a launch again for another state of L2, in bytes over all kernels.
constexpr std::size_t kMostTraceBytes = std::size_t{128} << 20;

// How far launches may differ that are taken for alike: the more were simulated of a kernel and shape, the
// farther, so that a program whose launches all differ a little costs no more than some dozens of
// simulations.
struct Step {
  std::size_t until;
  double tolerance;
};
double tolerance_after(std::size_t simulated, std::span<const Step> steps) {
  for (const Step& step : steps) {
    if (simulated < step.until) return step.tolerance;
  }
  return std::numeric_limits<double>::infinity();
}
constexpr Step kOfOtherArguments[] = {{32, 0}, {64, 0.03}, {128, 0.1}, {256, 0.3}};
constexpr Step kOfTheSameArguments[] = {{12, 0}, {32, 0.03}, {96, 0.1}, {256, 0.3}};
constexpr Step kOfL2States[] = {{8, 0.005}, {16, 0.05}, {32, 0.25}};

std::size_t bytes_of(const engine::Outcome& outcome) {
  std::size_t bytes = 0;
  for (const analysis::BlockTrace& block : outcome.traces) {
    for (const analysis::WarpTrace& warp : block.warps)
      bytes +=
          warp.events.size() * sizeof(analysis::TraceEvent) + warp.sectors.size() * sizeof(std::uint64_t);
  }
  return bytes;
}

// Of the memory that a launch touches: the part that L2 holds in one state and not in the other.
double difference(const timing::L2Start& a, const timing::L2Start& b,
                  std::span<const timing::MemoryRange> ranges) {
  double sum = 0, bytes = 0;
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    const auto length = static_cast<double>(ranges[i].end - ranges[i].begin);
    sum += length * std::abs(a.present[i] - b.present[i]);
    bytes += length;
  }
  return (bytes > 0 ? sum / bytes : 0) + std::abs(a.write_back - b.write_back);
}

using Ranges = std::vector<timing::MemoryRange>;

void move(timing::MemoryRange& range, std::uint64_t by) {
  range.begin += by;
  range.end += by;
}

}  // namespace

// A launch that was simulated.
struct PredictionCache::Kept {
  explicit Kept(Launch the_launch, timing::LaunchSignature the_signature)
      : card(the_launch.card),
        model(std::move(the_launch.model)),
        resources(the_launch.resources),
        outcome(std::move(the_launch.outcome)),
        counts(outcome.counts),
        signature(std::move(the_signature)),
        pointers(the_launch.arguments.pointers),
        memory_base(the_launch.memory_base),
        traced(std::make_unique<timing::TracedLaunch>(
            card, *model, resources, timing::LaunchRun{outcome.traces, outcome.counts, outcome.work},
            the_launch.depth)),
        ranges(traced->ranges()),
        bytes(bytes_of(outcome)) {}

  // Where a launch like this one has its memory: by its own traces, or by its arguments.
  Ranges ranges_of(const timing::LaunchSignature& other) const {
    Ranges moved = ranges;
    auto theirs = other.accesses.begin();
    for (const auto& own : signature.accesses) {
      while (theirs != other.accesses.end() && theirs->pattern < own.pattern) ++theirs;
      if (theirs == other.accesses.end()) break;
      if (theirs->pattern == own.pattern && moved[own.pattern].end > moved[own.pattern].begin)
        move(moved[own.pattern], (theirs->first_sector - own.first_sector) * kSectorBytes);
    }
    return moved;
  }
  Ranges ranges_of(std::span<const PointerArgument> others) const {
    Ranges moved = ranges;
    for (timing::MemoryRange& range : moved) {
      const std::uint64_t begin = range.begin + memory_base;
      // The pointer of the same allocation that begins nearest before it.
      const PointerArgument* best = nullptr;
      for (const PointerArgument& pointer : pointers) {
        if (begin < pointer.allocation || begin >= pointer.allocation_end) continue;
        if (best == nullptr || (pointer.address <= begin && pointer.address >= best->address))
          best = &pointer;
      }
      if (best == nullptr) continue;
      const auto other = std::ranges::find(others, best->offset, &PointerArgument::offset);
      if (other != others.end()) move(range, other->address - best->address);
    }
    return moved;
  }

  static constexpr std::uint64_t kSectorBytes = 32;
  const card::Card& card;
  std::shared_ptr<const timing::KernelModel> model;
  timing::LaunchResources resources;
  engine::Outcome outcome;
  std::vector<analysis::BlockCount> counts;  // of the outcome
  timing::LaunchSignature signature;
  std::vector<PointerArgument> pointers;
  std::uint64_t memory_base;
  std::unique_ptr<timing::TracedLaunch> traced;  // null: the traces were forgotten
  Ranges ranges;                                 // by access, of this launch
  std::size_t bytes = 0;
  struct ForState {
    timing::L2Start start;
    LaunchPrediction prediction;
  };
  std::vector<ForState> predictions;
};

PredictionCache::PredictionCache() = default;
PredictionCache::~PredictionCache() = default;

PredictionCache::Submission PredictionCache::submit(const Key& key, std::uint64_t arguments,
                                                    const timing::KernelModel& model) {
  const std::lock_guard lock(submit_mutex_);
  Submitted& before = submitted_[key];
  ++before.launches;
  if (before.arguments.size() >= kMostArguments) before.arguments.clear();
  const bool fresh = before.arguments.insert(arguments).second;
  return {before.launches, fresh || model.follows_data() || std::has_single_bit(before.launches)};
}

PredictionCache::Kept* PredictionCache::like(Entry& entry, const timing::LaunchSignature& signature,
                                             double tolerance) const {
  Kept* best = nullptr;
  double least = tolerance;
  for (const auto& kept : entry.kept) {
    const double apart = timing::difference(kept->signature, signature);
    if (apart > least || (best != nullptr && apart == least)) continue;
    best = kept.get();
    least = apart;
    if (apart == 0) break;
  }
  return best;
}

PredictionCache::Kept& PredictionCache::keep(Entry& entry, Launch launch, timing::LaunchSignature signature) {
  entry.kept.push_back(std::make_unique<Kept>(std::move(launch), std::move(signature)));
  Kept& made = *entry.kept.back();
  with_traces_.push_back(&made);
  trace_bytes_ += made.bytes;
  return made;
}

void PredictionCache::forget_old_traces() {
  while (trace_bytes_ > kMostTraceBytes && with_traces_.size() > 1) {
    Kept& oldest = *with_traces_.front();
    oldest.traced.reset();
    oldest.outcome = {};
    trace_bytes_ -= oldest.bytes;
    with_traces_.erase(with_traces_.begin());
  }
}

LaunchPrediction PredictionCache::predict(Kept& kept, const timing::L2Start& start, bool& simulated) {
  const Kept::ForState* nearest = nullptr;
  double least = std::numeric_limits<double>::infinity();
  for (const Kept::ForState& each : kept.predictions) {
    const double apart = difference(each.start, start, kept.ranges);
    if (apart >= least) continue;
    nearest = &each;
    least = apart;
  }
  if (nearest != nullptr &&
      (kept.traced == nullptr || least <= tolerance_after(kept.predictions.size(), kOfL2States)))
    return nearest->prediction;
  simulated = true;
  kept.predictions.push_back({start, with_power(kept.card, kept.resources, kept.traced->predict(start))});
  return kept.predictions.back().prediction;
}

PredictionCache::Answer PredictionCache::predict(Launch launch, timing::L2History& l2) {
  const std::lock_guard lock(mutex_);
  Entry& entry = entries_[launch.key];
  const timing::LaunchRun run{launch.outcome.traces, launch.outcome.counts, launch.outcome.work};
  const bool traced = !launch.outcome.traces.empty();
  const std::uint64_t arguments = launch.arguments.value;
  const std::vector<PointerArgument> pointers = launch.arguments.pointers;
  const auto known = entry.by_arguments.find(arguments);
  Kept* kept = nullptr;
  timing::LaunchSignature signature;
  const bool not_run = launch.outcome.counts.empty();
  if (!traced && known != entry.by_arguments.end() &&
      (not_run || entry.kept[known->second]->counts == launch.outcome.counts)) {
    kept = entry.kept[known->second].get();
  } else if (not_run) {
    if (!entry.kept.empty()) kept = entry.kept.back().get();
  } else {
    signature = timing::signature_of(*launch.model, run);
    double tolerance = std::numeric_limits<double>::infinity();
    if (traced && known != entry.by_arguments.end()) {
      tolerance = tolerance_after(entry.kept.size(), kOfTheSameArguments);
    } else if (traced) {
      tolerance = tolerance_after(entry.kept.size(), kOfOtherArguments);
    }
    kept = like(entry, signature, tolerance);
  }
  Answer answer;
  if (kept == nullptr && !traced) {
    // No launch of its kind came to its end before: its time is not known.
    answer.prediction.timing =
        timing::predict(launch.card, *launch.model, launch.resources, run, l2, launch.depth);
    return answer;
  }
  const double operations = signature.operations;
  const timing::LaunchSignature places = signature;
  if (kept == nullptr) kept = &keep(entry, std::move(launch), std::move(signature));
  if (entry.by_arguments.size() >= kMostArguments) entry.by_arguments.clear();
  entry.by_arguments[arguments] = static_cast<std::size_t>(
      std::ranges::find(entry.kept, kept, &std::unique_ptr<Kept>::get) - entry.kept.begin());
  const Ranges ranges = traced ? kept->ranges_of(places) : kept->ranges_of(pointers);
  answer.prediction = predict(*kept, l2.before(ranges), answer.simulated);
  if (operations > 0 && kept->signature.operations > 0 && operations != kept->signature.operations)
    answer.prediction = scaled(std::move(answer.prediction), operations / kept->signature.operations);
  answer.ranges = timing::merged(ranges);
  l2.touch(answer.ranges);
  forget_old_traces();
  return answer;
}

}  // namespace doppel::device
