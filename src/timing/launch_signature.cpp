// SPDX-License-Identifier: Apache-2.0
#include "timing/launch_signature.h"

#include <algorithm>
#include <bitset>
#include <cmath>
#include <map>

#include "timing/hash.h"
#include "timing/kernel_model.h"

namespace doppel::timing {
namespace {

using analysis::TraceEvent;

constexpr std::uint64_t kSectorsInLine = 4;
// Distinct lines are counted by the bits that their hashes set (Whang et al. 1990, "A linear-time
// probabilistic counting algorithm").
constexpr std::size_t kCountingBits = 1 << 13;

struct Summary {
  LaunchSignature::Access access;
  std::uint64_t low = UINT64_MAX, high = 0;
  std::bitset<kCountingBits> seen;

  LaunchSignature::Access finished() const {
    LaunchSignature::Access result = access;
    result.sectors /= result.requests;
    result.serial /= result.requests;
    result.span = static_cast<double>(high - low + 1);
    const double empty = std::max(1.0, static_cast<double>(kCountingBits - seen.count()));
    const double distinct = -static_cast<double>(kCountingBits) * std::log(empty / kCountingBits);
    result.distinct = result.lines > 0 ? std::min(1.0, distinct / result.lines) : 0;
    result.lines /= result.requests;
    result.pairs /= result.requests;
    result.over_bus /= result.requests;
    result.over_nvlink /= result.requests;
    return result;
  }
};

double relative(double a, double b) {
  const double most = std::max(std::abs(a), std::abs(b));
  return most > 0 ? std::abs(a - b) / most : 0;
}

// A launch that touches a range of twice the length may find as little as nothing more in a cache; most of
// the time it finds about the same.
constexpr double kOfSpan = 0.25;
constexpr double kOfWork = 0.25;
// A wait for a clock takes what it waits for, not about as much.
constexpr double kOfWaits = 10;
// What goes over a link is never like what does not.
constexpr double kOfBus = 1000;

double difference(const LaunchSignature::Access& a, const LaunchSignature::Access& b) {
  return std::max({relative(a.sectors, b.sectors), relative(a.serial, b.serial), relative(a.lines, b.lines),
                   relative(a.pairs, b.pairs), relative(a.distinct, b.distinct),
                   kOfSpan * std::abs(std::log2(a.span / b.span)), kOfBus * std::abs(a.over_bus - b.over_bus),
                   kOfBus * std::abs(a.over_nvlink - b.over_nvlink)});
}

// Of a grid's longest block: its work, or that of its longest warp, by the mean of all blocks.
double longest_of(std::span<const analysis::BlockWork> blocks) {
  double work = 0, warps = 0, most_work = 0, most_warp = 0;
  for (const analysis::BlockWork& block : blocks) {
    const auto of_block = static_cast<double>(block.instructions),
               of_warp = static_cast<double>(block.longest_warp);
    work += of_block;
    warps += of_warp;
    most_work = std::max(most_work, of_block);
    most_warp = std::max(most_warp, of_warp);
  }
  if (work <= 0 || warps <= 0) return 1;
  return std::max(most_work / work, most_warp / warps) * static_cast<double>(blocks.size());
}

}  // namespace

LaunchSignature signature_of(const KernelModel& model, const LaunchRun& run) {
  const auto& program = static_cast<const LoweredKernel&>(model).program();
  LaunchSignature signature;
  std::uint64_t hash = 0;
  const auto add = [&hash](std::uint64_t value) { hash = mix(hash ^ value) + 0x9e3779b97f4a7c15ull; };
  double warps = 0, lanes = 0;
  for (const analysis::BlockCount& count : run.counts) {
    add(count.warps);
    add(count.lanes);
    warps += static_cast<double>(count.warps);
    lanes += static_cast<double>(count.lanes);
  }
  for (const analysis::BlockCount& count : run.counts) {
    signature.shares.push_back(static_cast<double>(count.warps) / std::max(1.0, warps));
    signature.shares.push_back(static_cast<double>(count.lanes) / std::max(1.0, lanes));
  }
  signature.operations = grid_work(program, run.counts, model.kernel()).operations;
  if (run.traces.empty()) return signature;
  for (const analysis::BlockWork& block : run.work) {
    add(block.instructions ^ block.longest_warp << 32);
    add(block.waited_cycles);
    signature.longest_wait = std::max(signature.longest_wait, static_cast<double>(block.waited_cycles));
  }
  signature.longest = longest_of(run.work);
  std::map<std::uint32_t, Summary> summaries;
  for (const analysis::BlockTrace& block : run.traces) {
    add(block.block_index);
    for (const analysis::WarpTrace& warp : block.warps) {
      add(warp.events.size());
      for (const TraceEvent& event : warp.events) {
        add(std::uint64_t{event.id} << 32 | event.mask);
        add(static_cast<std::uint64_t>(event.count) << 32 | static_cast<std::uint64_t>(event.serial) << 8 |
            event.bytes_per_lane);
        if (event.kind == TraceEvent::Kind::Clock || event.kind == TraceEvent::Kind::Sleep) {
          const std::uint64_t waited =
              event.kind == TraceEvent::Kind::Clock ? warp.sectors[event.payload] : event.payload;
          add(waited);
          signature.waited += static_cast<double>(waited);
        }
        if (event.kind != TraceEvent::Kind::Access) continue;
        Summary& summary = summaries[event.id];
        summary.access.pattern = event.id;
        summary.access.requests += 1;
        summary.access.sectors += event.count;
        summary.access.serial += event.serial;
        if (event.space == analysis::AccessSpace::Shared) {
          summary.low = summary.high = 0;
          continue;
        }
        if (event.count == 0) continue;
        const std::uint64_t* const sectors = &warp.sectors[event.payload];
        if (summary.low > summary.high)
          summary.access.first_sector = sectors[0] / kSectorsInLine * kSectorsInLine;
        if (analysis::is_over_bus(sectors[0])) {
          add(analysis::kFirstBusSector);
          summary.access.over_bus += 1;
        } else if (analysis::is_over_nvlink(sectors[0])) {
          add(analysis::kFirstNvLinkSector);
          summary.access.over_nvlink += 1;
        }
        std::uint64_t last = UINT64_MAX, last_pair = UINT64_MAX;
        for (std::uint32_t i = 0; i < event.count; ++i) {
          add(sectors[i] - summary.access.first_sector);
          const std::uint64_t line = sectors[i] / kSectorsInLine, pair = sectors[i] / 2;
          if (pair != last_pair) summary.access.pairs += 1;
          last_pair = pair;
          if (line == last) continue;
          last = line;
          summary.access.lines += 1;
          summary.seen.set(mix(line) % kCountingBits);
        }
        summary.low = std::min(summary.low, sectors[0]);
        summary.high = std::max(summary.high, sectors[event.count - 1]);
      }
    }
  }
  signature.exact = std::max<std::uint64_t>(hash, 1);
  for (const auto& [pattern, summary] : summaries) signature.accesses.push_back(summary.finished());
  return signature;
}

double difference(const LaunchSignature& a, const LaunchSignature& b) {
  if (a.exact != 0 && a.exact == b.exact) return 0;
  double result = 0;
  if (a.operations > 0 && b.operations > 0)
    result += kOfWork * std::abs(std::log(a.operations / b.operations));
  for (std::size_t i = 0; i < std::min(a.shares.size(), b.shares.size()); ++i)
    result += std::abs(a.shares[i] - b.shares[i]) / 4;
  if (a.exact != 0 && b.exact != 0)
    result += kOfWaits * std::max(relative(a.waited, b.waited), relative(a.longest_wait, b.longest_wait));
  if (a.accesses.empty() || b.accesses.empty()) return result;
  result += relative(a.longest, b.longest);
  double of_a = 0, of_b = 0;
  for (const auto& access : a.accesses) of_a += access.requests;
  for (const auto& access : b.accesses) of_b += access.requests;
  auto left = a.accesses.begin();
  auto right = b.accesses.begin();
  while (left != a.accesses.end() || right != b.accesses.end()) {
    if (right == b.accesses.end() || (left != a.accesses.end() && left->pattern < right->pattern)) {
      result += (left++)->requests / of_a;
    } else if (left == a.accesses.end() || right->pattern < left->pattern) {
      result += (right++)->requests / of_b;
    } else {
      result += std::max(left->requests / of_a, right->requests / of_b) * difference(*left, *right);
      ++left;
      ++right;
    }
  }
  return result;
}

}  // namespace doppel::timing
