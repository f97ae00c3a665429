// SPDX-License-Identifier: Apache-2.0
#include "timing/address_pattern.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <map>

namespace doppel::timing {
namespace {

using analysis::AccessSpace;
using analysis::BlockTrace;
using analysis::TraceEvent;
using analysis::WarpTrace;

// First sectors of the first executions of each instruction in one warp.
constexpr std::size_t kExecutionsCompared = 16;
struct FirstSectors {
  std::map<std::uint32_t, std::vector<std::uint64_t>> by_instruction;
};

bool has_sectors(const TraceEvent& event) {
  return event.kind == TraceEvent::Kind::Access && event.count > 0 &&
         (event.space == AccessSpace::Global || event.space == AccessSpace::Local);
}

template <typename Visit>
void for_each_access(const WarpTrace& warp, Visit visit) {
  for (const TraceEvent& event : warp.events) {
    if (has_sectors(event)) visit(event.id, event);
  }
}

FirstSectors first_sectors(const WarpTrace& warp) {
  FirstSectors result;
  for_each_access(warp, [&](std::uint32_t index, const TraceEvent& event) {
    auto& list = result.by_instruction[index];
    if (list.size() < kExecutionsCompared) list.push_back(warp.sectors[event.payload]);
  });
  return result;
}

struct Difference {
  bool constant = false;
  double sectors = 0;
};

// The one distance between all executions that both blocks have; a sector more or less is rounding of
// unaligned addresses.
Difference difference(const std::vector<FirstSectors>& from, const std::vector<FirstSectors>& to,
                      std::uint32_t index) {
  bool any = false;
  std::int64_t low = INT64_MAX, high = INT64_MIN;
  double sum = 0;
  int count = 0;
  for (std::size_t warp = 0; warp < std::min(from.size(), to.size()); ++warp) {
    const auto a = from[warp].by_instruction.find(index);
    const auto b = to[warp].by_instruction.find(index);
    if (a == from[warp].by_instruction.end() || b == to[warp].by_instruction.end()) continue;
    for (std::size_t i = 0; i < std::min(a->second.size(), b->second.size()); ++i) {
      const auto distance = static_cast<std::int64_t>(b->second[i] - a->second[i]);
      low = std::min(low, distance);
      high = std::max(high, distance);
      sum += static_cast<double>(distance);
      ++count;
      any = true;
    }
  }
  if (!any || high - low > 1) return {};
  return {true, sum / count};
}

// The shortest length, not below `least`, of which all these are multiples, but for a sector of rounding;
// `least` where there is none.
double period(const std::vector<double>& multiples, double least) {
  constexpr double kMostTurns = 1 << 18;
  const double longest = *std::ranges::max_element(multiples);
  for (double turns = std::min(std::floor(longest / least), kMostTurns); turns >= 1; turns -= 1) {
    const double length = longest / turns;
    const bool fits = std::ranges::all_of(multiples, [&](double multiple) {
      return std::abs(multiple - std::round(multiple / length) * length) <= 2;
    });
    if (fits) return length;
  }
  return least;
}

std::uint64_t linear(const BlockIndex& block, const Dim3& grid) {
  return static_cast<std::uint64_t>(block.x) +
         std::uint64_t{grid.x} * (static_cast<std::uint64_t>(block.y) +
                                  std::uint64_t{grid.y} * static_cast<std::uint64_t>(block.z));
}

}  // namespace

bool AddressPattern::goes_up() const {
  if (!affine || wraps || stride_x < 0 || stride_y < 0 || stride_z < 0) return false;
  const double reach[] = {stride_x * (grid.x - 1.0), stride_y * (grid.y - 1.0), stride_z * (grid.z - 1.0)};
  const double whole = reach[0] + reach[1] + reach[2];
  const int slowest = grid.z > 1 ? 2 : grid.y > 1 ? 1 : 0;
  return whole > static_cast<double>(block_sectors) && reach[slowest] > whole / 2;
}

AddressPatterns::AddressPatterns(std::span<const BlockTrace> traces, const Dim3& grid,
                                 std::span<const std::uint32_t> instruction_base)
    : instruction_base_(instruction_base.begin(), instruction_base.end()) {
  patterns_.resize(instruction_base_.empty() ? 0 : instruction_base_.back());
  std::map<std::uint64_t, const BlockTrace*> by_index;
  for (const BlockTrace& trace : traces) {
    by_index[trace.block_index] = &trace;
    std::map<std::uint32_t, std::pair<std::uint64_t, std::uint64_t>> spans;  // of this block
    for (const WarpTrace& warp : trace.warps) {
      for_each_access(warp, [&](std::uint32_t index, const TraceEvent& event) {
        const std::uint64_t first = warp.sectors[event.payload];
        const std::uint64_t last = warp.sectors[event.payload + event.count - 1];
        AddressPattern& pattern = patterns_[index];
        pattern.seen = true;
        pattern.grid = grid;
        pattern.touched += event.count;
        const auto [span, is_new] = spans.try_emplace(index, first, last);
        if (!is_new)
          span->second = {std::min(span->second.first, first), std::max(span->second.second, last)};
      });
    }
    for (const auto& [index, span] : spans) {
      AddressPattern& pattern = patterns_[index];
      pattern.first_sector = std::min(pattern.first_sector, span.first);
      pattern.last_sector = std::max(pattern.last_sector, span.second);
      pattern.block_sectors = std::max(pattern.block_sectors, span.second - span.first + 1);
    }
  }
  // A block whose neighbours along every axis were sampled, too: plan_samples sees to it. The later one is
  // the better one: away from the edge where boundary conditions change the code's path.
  const auto neighbour = [&](const BlockIndex& block, int axis) -> const BlockTrace* {
    BlockIndex other = block;
    (axis == 0 ? other.x : axis == 1 ? other.y : other.z) += 1;
    if (other.x >= grid.x || other.y >= grid.y || other.z >= grid.z) return nullptr;
    const auto found = by_index.find(linear(other, grid));
    return found == by_index.end() ? nullptr : found->second;
  };
  const std::uint32_t extent[3] = {grid.x, grid.y, grid.z};
  const BlockTrace* base = nullptr;
  const BlockTrace* next[3] = {};
  for (const auto& [index, trace] : by_index) {
    const BlockIndex block = block_index(index, grid);
    const BlockTrace* candidate[3] = {};
    bool complete = true;
    for (int axis = 0; axis < 3; ++axis) {
      if (extent[axis] == 1) continue;
      candidate[axis] = neighbour(block, axis);
      complete = complete && candidate[axis] != nullptr;
    }
    if (!complete) continue;
    base = trace;
    std::copy(candidate, candidate + 3, next);
  }
  if (base == nullptr) {
    find_scattered(by_index);
    return;
  }
  const auto collect = [&](const BlockTrace& trace) {
    std::vector<FirstSectors> result;
    for (std::size_t warp = 0; warp < std::min<std::size_t>(trace.warps.size(), 4); ++warp) {
      result.push_back(first_sectors(trace.warps[warp]));
    }
    return result;
  };
  const std::vector<FirstSectors> from = collect(*base);
  std::vector<FirstSectors> to[3];
  for (int axis = 0; axis < 3; ++axis) {
    if (next[axis] != nullptr) to[axis] = collect(*next[axis]);
  }
  for (std::uint32_t index = 0; index < patterns_.size(); ++index) {
    AddressPattern& pattern = patterns_[index];
    if (!pattern.seen) continue;
    double stride[3] = {};
    bool affine = true;
    for (int axis = 0; axis < 3 && affine; ++axis) {
      if (next[axis] == nullptr) continue;
      const Difference found = difference(from, to[axis], index);
      affine = found.constant;
      stride[axis] = found.sectors;
    }
    if (!affine) continue;
    pattern.affine = true;
    pattern.stride_x = stride[0];
    pattern.stride_y = stride[1];
    pattern.stride_z = stride[2];
  }
  find_wraps(traces, *base, grid);
  find_scattered(by_index);
}

void AddressPatterns::find_scattered(const std::map<std::uint64_t, const BlockTrace*>& by_index) {
  constexpr std::uint64_t kSectorsPerLine = 4;
  std::map<std::uint32_t, std::vector<std::uint64_t>> lines;  // of one block, by pattern
  for (const auto& [index, trace] : by_index) {
    for (auto& [pattern, list] : lines) list.clear();
    for (const WarpTrace& warp : trace->warps) {
      for_each_access(warp, [&](std::uint32_t pattern, const TraceEvent& event) {
        if (patterns_[pattern].affine) return;
        auto& list = lines[pattern];
        for (std::uint32_t i = 0; i < event.count; ++i) {
          const std::uint64_t line = warp.sectors[event.payload + i] / kSectorsPerLine;
          if (list.empty() || list.back() != line) list.push_back(line);
        }
      });
    }
    for (auto& [pattern, list] : lines) {
      std::ranges::sort(list);
      list.erase(std::ranges::unique(list).begin(), list.end());
      patterns_[pattern].scattered.add_block(index, list);
    }
  }
  for (const auto& [pattern, list] : lines) patterns_[pattern].scattered.finish();
}

void AddressPatterns::find_wraps(std::span<const BlockTrace> traces, const BlockTrace& base,
                                 const Dim3& grid) {
  if (base.warps.empty()) return;
  const FirstSectors from = first_sectors(base.warps.front());
  const BlockIndex base_index = block_index(base.block_index, grid);
  std::map<std::uint32_t, std::vector<double>>
      misses;  // by pattern: where the stride leads to, past what is so
  for (const BlockTrace& trace : traces) {
    if (&trace == &base || trace.warps.empty()) continue;
    const BlockIndex index = block_index(trace.block_index, grid);
    for (const auto& [pattern, sectors] : first_sectors(trace.warps.front()).by_instruction) {
      const auto here = from.by_instruction.find(pattern);
      if (!patterns_[pattern].affine || here == from.by_instruction.end()) continue;
      const auto off = static_cast<std::int64_t>(here->second.front() - sectors.front()) +
                       patterns_[pattern].shift(base_index, index);
      if (std::abs(off) > 1) misses[pattern].push_back(std::abs(static_cast<double>(off)));
    }
  }
  for (const auto& [index, offs] : misses) {
    AddressPattern& pattern = patterns_[index];
    pattern.wraps = true;
    const auto seen = static_cast<double>(pattern.last_sector - pattern.first_sector + 1);
    pattern.last_sector =
        pattern.first_sector + static_cast<std::uint64_t>(std::llround(period(offs, seen))) - 1;
  }
}

std::vector<MemoryRange> AddressPatterns::ranges(const Dim3& grid, const std::vector<bool>& writes) const {
  constexpr double kSectorBytes = 32;
  std::vector<MemoryRange> ranges;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    const AddressPattern& pattern = patterns_[i];
    ranges.emplace_back();
    // What comes over a link is in no L2 when a launch starts, and leaves nothing there.
    if (!pattern.seen || analysis::is_elsewhere(pattern.first_sector) ||
        analysis::is_elsewhere(pattern.last_sector))
      continue;
    const auto first = static_cast<double>(pattern.first_sector);
    double end = static_cast<double>(pattern.last_sector) + 1;
    if (pattern.affine && !pattern.wraps) {
      // The grid's first block was sampled, its last one may have had nothing to do.
      const double reach = std::abs(pattern.stride_x) * (grid.x - 1.0) +
                           std::abs(pattern.stride_y) * (grid.y - 1.0) +
                           std::abs(pattern.stride_z) * (grid.z - 1.0);
      end = std::max(end, first + reach + static_cast<double>(pattern.block_sectors));
    }
    ranges.back() = {static_cast<std::uint64_t>(first * kSectorBytes),
                     static_cast<std::uint64_t>(end * kSectorBytes), writes[i], pattern.goes_up()};
  }
  return ranges;
}

}  // namespace doppel::timing
