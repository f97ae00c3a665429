#include "timing/chip_memory.h"

#include <algorithm>
#include <cmath>

namespace doppel::timing {
namespace {

constexpr int kWays = 16;
constexpr int kSectorsPerLine = 4;
constexpr double kSectorBytes = 32;
// Lines kept track of, of all: enough for steady rates, few enough to repeat each access for a hundred SMs.
constexpr std::uint64_t kSampledLinesTarget = 4096;
// How many tracked sectors an instruction's miss rate looks back on.
constexpr double kOutcomeMemory = 2048;
// Bytes over which the mix of reads and writes at the DRAM is taken: some rows of every channel.
constexpr double kMixMemory = 1 << 16;

std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  x ^= x >> 33;
  return x;
}

}  // namespace

ChipMemory::ChipMemory(const SmParameters& parameters, const AddressPatterns& patterns,
                       const Options& options)
    : parameters_(parameters), patterns_(patterns), share_(options.simulated_share) {
  const auto lines = static_cast<std::uint64_t>(std::max<std::int64_t>(options.l2_bytes / 128, kWays));
  while (lines / (sample_ * 2) >= kSampledLinesTarget) sample_ *= 2;
  sets_ = std::max<std::uint64_t>(1, lines / sample_ / kWays);
  lines_.resize(sets_ * kWays);
  outcomes_.resize(patterns.size());
  slice_free_.resize(static_cast<std::size_t>(parameters.l2_slices), 0.0);
  // The other SMs' bursts come at other times than these: what the share left unused for a while may be
  // caught up at once. So long a while as most of an access takes; work that is in step with all SMs finds no
  // credit at its start.
  credit_ = 0.75 * static_cast<double>(parameters.dram_latency);
  fits_ = options.footprint_bytes > 0 && options.footprint_bytes <= static_cast<double>(options.l2_bytes);
}

void ChipMemory::touch(Outcome& outcome, std::uint64_t line, std::uint8_t sectors, bool store) {
  const std::uint64_t hash = mix(line);
  if (hash % sample_ != 0) return;
  Line* const set = &lines_[hash / sample_ % sets_ * kWays];
  Line* found = nullptr;
  for (int way = 0; way < kWays; ++way) {
    if (set[way].tag == line) {
      found = &set[way];
      break;
    }
  }
  if (found == nullptr) {
    found = std::min_element(set, set + kWays, [](const Line& a, const Line& b) { return a.used < b.used; });
    *found = Line{};
    found->tag = line;
  }
  found->used = ++clock_;
  const int count = __builtin_popcount(sectors);
  outcome.sectors += count;
  if (store) {
    outcome.dirtied += __builtin_popcount(sectors & ~found->dirty);
    found->dirty |= sectors;
  } else {
    outcome.missed += __builtin_popcount(sectors & ~found->valid);
  }
  found->valid |= sectors;
  if (outcome.sectors > kOutcomeMemory) {
    outcome.sectors /= 2;
    outcome.missed /= 2;
    outcome.dirtied /= 2;
  }
}

void ChipMemory::touch_all(std::uint32_t pattern_index, const BlockPlacement& placement, std::uint64_t first,
                           int count, bool store) {
  if (fits_) return;  // nothing to find out
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
  if (pattern.affine) {
    for (const BlockIndex& peer : placement.peers) {
      touch_run(first + static_cast<std::uint64_t>(pattern.shift(placement.traced, peer)));
    }
    return;
  }
  // Scattered: the block itself where it was traced, the others anywhere in what the samples spanned.
  const std::uint64_t span = pattern.seen ? pattern.last_sector - pattern.first_sector + 1 : 1;
  for (std::size_t i = 0; i < placement.peers.size(); ++i) {
    if (i == 0) {
      touch_run(first);
      continue;
    }
    scatter_ = mix(scatter_ + i);
    touch_run((pattern.first_sector + scatter_ % span) / static_cast<std::uint64_t>(count) *
              static_cast<std::uint64_t>(count));
  }
}

double ChipMemory::miss_rate(const Outcome& outcome) const {
  if (fits_) return 0;
  if (outcome.sectors <= 0) return 1;
  return outcome.missed / outcome.sectors;
}

Cycle ChipMemory::use_l2(double bytes, Cycle now) {
  const double service = bytes / (parameters_.l2_bytes_per_cycle * share_);
  const double start = std::max(l2_free_, static_cast<double>(now) - credit_);
  l2_free_ = start + service;
  traffic_.l2_bytes += bytes;
  traffic_.l2_busy += service;
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
  // Turning the bus costs most where reads and writes are even: the card gives the rate of such a copy.
  const double read_cost = 1 / parameters_.dram_read_bytes_per_cycle;
  const double write_cost = 1 / parameters_.dram_write_bytes_per_cycle;
  const double turn = std::max(0.0, 1 / parameters_.dram_copy_bytes_per_cycle - (read_cost + write_cost) / 2);
  const double service = (read_bytes * read_cost + write_bytes * write_cost +
                          (read_bytes + write_bytes) * turn * 4 * writes * (1 - writes)) /
                         share_;
  dram_free_ = std::max(dram_free_, static_cast<double>(now) - credit_) + service;
  traffic_.dram_read_bytes += read_bytes;
  traffic_.dram_write_bytes += write_bytes;
  traffic_.dram_busy += service;
}

Cycle ChipMemory::load(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first, int count,
                       Cycle now) {
  touch_all(pattern, placement, first, count, false);
  Outcome& outcome = outcomes_[pattern];
  const double rate = miss_rate(outcome);
  const double bytes = count * kSectorBytes;
  const Cycle wait = use_l2(bytes, now);
  traffic_.l2_sectors += count;
  traffic_.l2_missed_sectors += count * rate;
  Cycle done = now + wait + parameters_.l2_latency;
  outcome.carry += rate;
  // DRAM's share of the traffic is spread evenly; its latency falls on whole accesses.
  if (rate > 0) use_dram(bytes * rate, 0, now + wait);
  if (outcome.carry >= 1) {
    outcome.carry -= 1;
    const Cycle dram_wait = std::max<Cycle>(0, static_cast<Cycle>(dram_free_) - (now + wait));
    done = now + wait + dram_wait + parameters_.dram_latency;
  }
  return done;
}

Cycle ChipMemory::store(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first,
                        int count, Cycle now) {
  touch_all(pattern, placement, first, count, true);
  const Outcome& outcome = outcomes_[pattern];
  const double bytes = count * kSectorBytes;
  const Cycle wait = use_l2(bytes, now);
  traffic_.l2_sectors += count;
  // Each sector that becomes dirty leaves to DRAM once, sooner or later, unless all of it stays.
  const double rate = fits_ ? 0 : outcome.sectors > 0 ? outcome.dirtied / outcome.sectors : 1;
  if (rate > 0) use_dram(0, bytes * rate, now + wait);
  return now + wait + parameters_.l2_latency;
}

Cycle ChipMemory::atomic(std::uint32_t pattern, const BlockPlacement& placement, std::uint64_t first,
                         int count, int serial, Cycle now) {
  Cycle done = load(pattern, placement, first, count, now);
  const AddressPattern& moves = patterns_[pattern];
  const std::uint64_t sector =
      first + (moves.affine ? static_cast<std::uint64_t>(moves.shift(placement.traced, placement.block)) : 0);
  double& free = slice_free_[mix(sector / kSectorsPerLine) % slice_free_.size()];
  const double service = std::max(1, serial) / share_;
  const double start = std::max(free, static_cast<double>(now));
  free = start + service;
  traffic_.atomic_busy += service / static_cast<double>(slice_free_.size());
  return std::max(done, static_cast<Cycle>(free) + parameters_.l2_latency);
}

Cycle ChipMemory::backlog(Cycle now) const {
  const double free = std::max(l2_free_, dram_free_);
  return std::max<Cycle>(0, static_cast<Cycle>(free) - now);
}

}  // namespace doppel::timing
