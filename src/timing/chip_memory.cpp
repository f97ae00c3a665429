// SPDX-License-Identifier: Apache-2.0
#include "timing/chip_memory.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "timing/hash.h"

namespace doppel::timing {
namespace {

constexpr int kSectorsPerLine = 4;
constexpr double kSectorBytes = 32;
// Lines kept track of, of all: enough for steady rates, few enough to repeat each access for a hundred SMs.
constexpr std::uint64_t kSampledLinesTarget = 2048;
// How many tracked sectors an instruction's miss rate looks back on.
constexpr double kOutcomeMemory = 2048;
// Bytes over which the mix of reads and writes at the DRAM is taken: some rows of every channel.
constexpr double kMixMemory = 1 << 16;
// Cycles over which the time spent writing is taken: some rounds of a block.
constexpr double kWritingMemory = 1 << 13;

}  // namespace

ChipMemory::ChipMemory(const SmParameters& parameters, const AddressPatterns& patterns,
                       const Options& options)
    : parameters_(parameters),
      patterns_(patterns),
      share_(options.simulated_share),
      bus_{parameters.bus, traffic_.bus},
      nvlink_{parameters.nvlink, traffic_.nvlink} {
  const auto lines =
      static_cast<std::uint64_t>(std::max<std::int64_t>(options.l2_bytes / 128, parameters.l2_ways));
  while (lines / (sample_ * 2) >= kSampledLinesTarget) sample_ *= 2;
  ways_ = static_cast<std::size_t>(parameters.l2_ways);
  sets_ = std::max<std::uint64_t>(1, lines / sample_ / ways_);
  lines_.resize(sets_ * ways_);
  outcomes_.resize(patterns.size());
  slice_free_.resize(static_cast<std::size_t>(parameters.l2_slices), 0.0);
  slice_busy_.resize(slice_free_.size(), 0.0);
  polls_free_.resize(slice_free_.size(), 0.0);
  // The other SMs' bursts come at other times than these: what the share left unused for a while may be
  // caught up at once. So long a while as an access and a half takes; work that is in step with all SMs finds
  // no credit at its start.
  credit_ = 1.5 * static_cast<double>(parameters.dram_latency);
  write_back_ = options.write_back;
  if (options.spill_bytes > 0)
    spill_misses_ = std::max(0.0, 1 - static_cast<double>(options.l2_bytes) / options.spill_bytes);
  all_present_ = !options.present.empty();
  for (std::size_t i = 0; i < options.present.size(); ++i) {
    outcomes_[i].absent = 1 - options.present[i];
    if (patterns[static_cast<std::uint32_t>(i)].seen && outcomes_[i].absent > 0) all_present_ = false;
  }
}

// DRAM is read in accesses of several sectors.
std::uint8_t ChipMemory::fetched_with(int missing) const {
  const int sectors = parameters_.dram_access_sectors;
  const int access = (1 << sectors) - 1;
  int read = 0;
  for (int first = 0; first < kSectorsPerLine; first += sectors) {
    if ((missing >> first & access) != 0) read |= access << first;
  }
  return static_cast<std::uint8_t>(read);
}

void ChipMemory::touch(Outcome& outcome, std::uint64_t line, std::uint8_t sectors, bool store) {
  const std::uint64_t hash = mix(line);
  if (hash % sample_ != 0) return;
  const std::span<Line> set(&lines_[hash / sample_ % sets_ * ways_], ways_);
  const int count = __builtin_popcount(sectors);
  auto found = std::ranges::find(set, line, &Line::tag);
  if (found == set.end()) {
    found = std::ranges::min_element(set, {}, &Line::used);
    outcome.written_back += found->used == 0 ? count * outcome.absent * write_back_
                                             : static_cast<double>(__builtin_popcount(found->dirty));
    *found = Line{};
    found->tag = line;
  }
  found->used = ++clock_;
  outcome.sectors += count;
  outcome.missed += __builtin_popcount(sectors & ~found->valid);
  if (!store) {
    const std::uint8_t read = fetched_with(sectors & ~found->valid) & ~found->valid;
    outcome.fetched += __builtin_popcount(read);
    found->valid |= read;
  }
  found->valid |= sectors;
  if (store) found->dirty |= sectors;
  if (outcome.sectors > kOutcomeMemory) {
    outcome.sectors /= 2;
    outcome.missed /= 2;
    outcome.fetched /= 2;
    outcome.written_back /= 2;
  }
}

void ChipMemory::touch_all(std::uint32_t pattern_index, const BlockPlacement& placement, std::uint64_t first,
                           int count, bool store) {
  if (all_present_) return;  // nothing to find out
  const AddressPattern& pattern = patterns_[pattern_index];
  Outcome& outcome = outcomes_[pattern_index];
  const auto touch_run = [&](std::uint64_t sector) {
    for (int left = count; left > 0;) {
      const int in_line = std::min<int>(left, kSectorsPerLine - static_cast<int>(sector % kSectorsPerLine));
      const auto bits = static_cast<std::uint8_t>(((1u << in_line) - 1) << (sector % kSectorsPerLine));
      touch(outcome, sector / kSectorsPerLine, bits, store);
      sector += static_cast<std::uint64_t>(in_line);
      left -= in_line;
    }
  };
  for (const BlockIndex& peer : placement.peers) touch_run(pattern.moved(first, placement.traced, peer));
}

double ChipMemory::miss_rate(const Outcome& outcome) const {
  if (all_present_) return 0;
  if (outcome.sectors <= 0) return outcome.absent;
  return outcome.missed / outcome.sectors * outcome.absent;
}

double ChipMemory::fetch_rate(const Outcome& outcome) const {
  if (all_present_) return 0;
  if (outcome.sectors <= 0) return outcome.absent;
  return outcome.fetched / outcome.sectors * outcome.absent;
}

double ChipMemory::write_back_rate(const Outcome& outcome) const {
  if (all_present_) return 0;
  if (outcome.sectors <= 0) return outcome.absent * write_back_;
  return outcome.written_back / outcome.sectors;
}

Cycle ChipMemory::use_l2(double bytes, double bytes_per_cycle, double& free, double& busy, Cycle now) {
  const double service = bytes / (bytes_per_cycle * share_);
  const double start = std::max(free, static_cast<double>(now) - credit_);
  free = start + service;
  traffic_.l2_bytes += bytes;
  busy += service;
  return std::max<Cycle>(0, static_cast<Cycle>(start - static_cast<double>(now)));
}

void ChipMemory::use_dram(double read_bytes, double write_bytes, Cycle now) {
  recent_read_ += read_bytes;
  recent_write_ += write_bytes;
  const double recent = recent_read_ + recent_write_;
  const double writes = recent > 0 ? recent_write_ / recent : 0;
  if (recent > kMixMemory) {
    recent_read_ /= 2;
    recent_write_ /= 2;
  }
  const double write_cost = 1 / parameters_.dram_write_bytes_per_cycle;
  const double service = dram_cycles(parameters_, read_bytes, write_bytes, writes) / share_;
  dram_free_ = std::max(dram_free_, static_cast<double>(now) - credit_) + service;
  const double passed = std::max(0.0, static_cast<double>(now) - writing_at_);
  writing_at_ += passed;
  writing_ = std::min(1.0, writing_ * std::max(0.0, 1 - passed / kWritingMemory) +
                               write_bytes * write_cost / share_ / kWritingMemory);
  traffic_.dram_read_bytes += read_bytes;
  traffic_.dram_write_bytes += write_bytes;
  traffic_.dram_busy += service;
}

void ChipMemory::write_over(Link& link, double work, Cycle now) {
  const double service = work / share_;
  link.write_free = std::max(link.write_free, static_cast<double>(now) - credit_) + service;
  link.traffic.write_busy += service;
  link.traffic.write_work += work;
}

Cycle ChipMemory::load_over(Link& link, std::uint32_t pattern, const BlockPlacement& placement,
                            std::uint64_t first, int count, Cycle now) {
  const double bytes = count * kSectorBytes;
  Outcome& outcome = outcomes_[pattern];
  double rate = 1;
  Cycle asked = now;
  if (link.costs.in_l2) {
    touch_all(pattern, placement, first, count, false);
    rate = miss_rate(outcome);
    asked += use_l2(bytes, parameters_.l2_read_bytes_per_cycle, l2_read_free_, traffic_.l2_read_busy, now);
    traffic_.l2_sectors += count;
    traffic_.l2_missed_sectors += count * rate;
  }
  if (link.costs.ask > 0) write_over(link, link.costs.ask * rate, asked);
  const double work = link.costs.read[static_cast<std::size_t>(count)] * rate;
  const double service = work / share_;
  link.read_free = std::max(link.read_free, static_cast<double>(asked) - credit_) + service;
  link.traffic.read_bytes += bytes * rate;
  link.traffic.read_busy += service;
  link.traffic.read_work += work;
  outcome.carry += rate;
  if (outcome.carry < 1) return asked + parameters_.l2_latency;
  outcome.carry -= 1;
  return std::max(asked, static_cast<Cycle>(link.read_free)) + link.costs.latency;
}

// Nobody waits for an answer to a write, but the link takes one after the other.
Cycle ChipMemory::store_over(Link& link, int count, Cycle now) {
  const double bytes = count * kSectorBytes;
  Cycle sent = now;
  if (link.costs.in_l2) {
    sent += use_l2(bytes, parameters_.l2_write_bytes_per_cycle, l2_write_free_, traffic_.l2_write_busy, now);
    traffic_.l2_sectors += count;
  }
  write_over(link, link.costs.write[static_cast<std::size_t>(count)], sent);
  link.traffic.write_bytes += bytes;
  return sent + parameters_.l2_latency;
}

Cycle ChipMemory::load(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, int count,
                       Cycle now) {
  if (analysis::is_elsewhere(first)) return load_over(link_of(first), pattern, placement, first, count, now);
  touch_all(pattern, placement, first, count, false);
  Outcome& outcome = outcomes_[pattern];
  // Its tags may be among those that are not kept track of.
  const bool polled = !polled_.empty() && polled_.contains(line_of(pattern, placement, first));
  const double rate = polled ? 0 : miss_rate(outcome);
  const double bytes = count * kSectorBytes;
  const Cycle wait =
      use_l2(bytes, parameters_.l2_read_bytes_per_cycle, l2_read_free_, traffic_.l2_read_busy, now);
  traffic_.l2_sectors += count;
  traffic_.l2_missed_sectors += count * rate;
  Cycle done = now + wait + parameters_.l2_latency;
  outcome.carry += rate;
  // DRAM's share of the traffic is spread evenly; its latency falls on whole accesses.
  if (rate > 0) use_dram(bytes * fetch_rate(outcome), bytes * write_back_rate(outcome), now + wait);
  if (outcome.carry >= 1) {
    outcome.carry -= 1;
    const Cycle dram_wait = std::max<Cycle>(0, static_cast<Cycle>(dram_free_) - (now + wait));
    done = now + wait + dram_wait + parameters_.dram_latency +
           static_cast<Cycle>(writing_ * parameters_.dram_write_wait);
  }
  return done;
}

Cycle ChipMemory::store(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first,
                        int count, Cycle now) {
  if (analysis::is_elsewhere(first)) return store_over(link_of(first), count, now);
  touch_all(pattern, placement, first, count, true);
  const Outcome& outcome = outcomes_[pattern];
  const double bytes = count * kSectorBytes;
  const Cycle wait =
      use_l2(bytes, parameters_.l2_write_bytes_per_cycle, l2_write_free_, traffic_.l2_write_busy, now);
  traffic_.l2_sectors += count;
  // What is written whole need not be read; but it takes the place of something else.
  const double rate = write_back_rate(outcome);
  if (rate > 0) use_dram(0, bytes * rate, now + wait);
  return now + wait + parameters_.l2_latency;
}

Cycle ChipMemory::load_spilled(double bytes, Cycle now) {
  const Cycle wait =
      use_l2(bytes, parameters_.l2_read_bytes_per_cycle, l2_read_free_, traffic_.l2_read_busy, now);
  traffic_.l2_sectors += bytes / kSectorBytes;
  traffic_.l2_missed_sectors += bytes / kSectorBytes * spill_misses_;
  if (spill_misses_ > 0) use_dram(bytes * spill_misses_, 0, now + wait);
  const auto further = static_cast<double>(parameters_.dram_latency - parameters_.l2_latency) * spill_misses_;
  return now + wait + parameters_.l2_latency + static_cast<Cycle>(further);
}

Cycle ChipMemory::store_spilled(double bytes, Cycle now) {
  const Cycle wait =
      use_l2(bytes, parameters_.l2_write_bytes_per_cycle, l2_write_free_, traffic_.l2_write_busy, now);
  traffic_.l2_sectors += bytes / kSectorBytes;
  if (spill_misses_ > 0) use_dram(0, bytes * spill_misses_, now + wait);
  return now + wait + parameters_.l2_latency;
}

Cycle ChipMemory::atomic(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first,
                         int count, int operations, Cycle now) {
  const Cycle done = load(pattern, placement, first, count, now);
  if (analysis::is_elsewhere(first)) {
    // Over the bus read, changed and written back; over NVLink sent there, and the old value comes back.
    return std::max(done, store_over(link_of(first), count, now));
  }
  const AddressPattern& moves = patterns_[pattern];
  // Every SM does the same at its own addresses: what falls on one slice is done there one after the other.
  double own = 0;
  for (const BlockIndex& peer : placement.peers) {
    const std::size_t slice = slice_of(moves.moved(first, placement.traced, peer) / kSectorsPerLine);
    slice_free_[slice] = std::max(slice_free_[slice], static_cast<double>(now)) + operations;
    slice_busy_[slice] += operations;
    if (own == 0) own = slice_free_[slice];
    atomics_free_ = std::max(atomics_free_, slice_free_[slice]);
    traffic_.atomic_busy = std::max(traffic_.atomic_busy, slice_busy_[slice]);
  }
  return std::max(done, static_cast<Cycle>(own) + parameters_.l2_latency);
}

std::uint64_t ChipMemory::line_of(std::uint32_t pattern, const BlockPlacement& placement,
                                  std::uint64_t first) const {
  return patterns_[pattern].moved(first, placement.traced, placement.block) / kSectorsPerLine;
}

std::size_t ChipMemory::slice_of(std::uint64_t line) const { return mix(line) % slice_free_.size(); }

Cycle ChipMemory::atomics_done_at(std::uint32_t pattern, const BlockPlacement& placement,
                                  std::uint64_t first) const {
  return static_cast<Cycle>(slice_free_[slice_of(line_of(pattern, placement, first))]);
}

Cycle ChipMemory::poll(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first,
                       Cycle now) {
  const AddressPattern& moves = patterns_[pattern];
  Cycle own = now;
  bool is_first = true;
  for (const BlockIndex& peer : placement.peers) {
    double& free = polls_free_[slice_of(moves.moved(first, placement.traced, peer) / kSectorsPerLine)];
    free = std::max(free, static_cast<double>(now));
    if (std::exchange(is_first, false)) own = static_cast<Cycle>(free);
    free += 1;
  }
  return own;
}

Cycle ChipMemory::backlog(Cycle now) const {
  const double free = std::max(
      {l2_read_free_, l2_write_free_, dram_free_, atomics_free_, bus_.write_free, nvlink_.write_free});
  return std::max<Cycle>(0, static_cast<Cycle>(free) - now);
}

}  // namespace doppel::timing
