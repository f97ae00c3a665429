// SPDX-License-Identifier: Apache-2.0
#include "report/why.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "report/quantities.h"

namespace doppel::report {
namespace {

using Kernel = device::KernelRecord;

double product(const std::array<unsigned, 3>& dims) {
  return static_cast<double>(dims[0]) * dims[1] * dims[2];
}

// What of the card the grid fills; empty where it is enough.
std::string filling(const Kernel& k, const card::Card& card) {
  const double blocks = product(k.grid);
  if (blocks < card.sm_count) return fmt::format("the grid fills {:.0f} of {} SMs", blocks, card.sm_count);
  const double tail = k.waves - std::floor(k.waves);
  constexpr double kFewWaves = 5;
  constexpr double kShortTail = 0.5;
  constexpr double kNoTail = 0.01;
  if (k.waves > 1 && k.waves < kFewWaves && tail > kNoTail && tail < kShortTail) {
    return fmt::format("the grid's {} blocks run in {:.0f} waves, the last of which fills {} of the card",
                       count_text(blocks), std::ceil(k.waves), percent_text(tail));
  }
  return "";
}

double share_of(const Kernel& k, const std::string& unit) {
  const auto found =
      std::find_if(k.utilisation.begin(), k.utilisation.end(), [&](const auto& u) { return u.unit == unit; });
  return found == k.utilisation.end() ? 0 : found->share;
}

std::string of_latency(const Kernel& k, const card::Card& card) {
  // As many as an SM can hold of this kernel, or as few as the grid has for it.
  const double of_block = std::ceil(product(k.block) / card.sm.warp_size);
  const double of_grid = of_block * std::ceil(product(k.grid) / card.sm_count);
  const double warps = std::max(1.0, std::min(std::round(k.occupancy * card.sm.max_warps), of_grid));
  std::string out =
      fmt::format("its warps mostly wait for results: {:.0f} of {} warps an SM are too few to hide it", warps,
                  card.sm.max_warps);
  if (of_grid > warps && !k.occupancy_limit.empty() && k.occupancy < 1) {
    if (k.occupancy_limit == "registers")
      out += fmt::format(" ({} registers a thread leave no room for more)", k.registers);
    else if (k.occupancy_limit == "shared memory")
      out += fmt::format(" ({} of shared memory a block leave no room for more)", bytes_text(k.shared_bytes));
    else if (k.occupancy_limit == "blocks")
      out += fmt::format(" (an SM takes {} blocks, and these are small)", card.sm.max_blocks);
  }
  return out;
}

std::string of_dram(const Kernel& k, const card::Card& card) {
  const double per_second = k.time_us > 0 ? static_cast<double>(k.dram_bytes) / k.time_us * 1e6 : 0;
  const double peak = card.memory.peak_bytes_per_second();
  return fmt::format("memory moves {} GB/s, {} of the card's {}, and nothing else is as busy",
                     figures(per_second / 1e9), percent_text(per_second / peak), figures(peak / 1e9));
}

// What holds it up.
std::string holding(const Kernel& k, const card::Card& card) {
  if (k.bound == "launch")
    return "most of its time is the start of the launch: it has too little work to fill it";
  if (k.bound == "latency") return of_latency(k, card);
  if (k.bound == "DRAM") return of_dram(k, card);
  const double share = share_of(k, k.bound);
  const std::string busy =
      share > 0 ? fmt::format("busy {} of the time", percent_text(share)) : "what it waits for";
  if (k.bound == "issue")
    return fmt::format("the SMs issue instructions {}",
                       share > 0 ? percent_text(share) + " of the time" : "without a pause");
  if (k.bound == "PCIe")
    return fmt::format("the bus is {}: it reads or writes memory of the host or of another card", busy);
  if (k.bound == "NVLink") return fmt::format("NVLink is {}: it reads or writes another card's memory", busy);
  if (k.bound == "L2")
    return fmt::format("the L2 cache is {}; {} of what is asked of it hits", busy, percent_text(k.l2_hit));
  if (k.bound == "L1")
    return fmt::format("the L1 caches are {}; {} of what is asked of them hits", busy,
                       percent_text(k.l1_hit));
  if (k.bound == "shared memory") return fmt::format("shared memory is {}", busy);
  if (k.bound == "load/store") return fmt::format("the path of loads and stores is {}", busy);
  if (k.bound.empty()) return "";
  return fmt::format("the units for {} are {}", k.bound, busy);
}

}  // namespace

std::string why(const Kernel& kernel, const card::Card& card) {
  const std::string held = holding(kernel, card);
  if (held.empty()) return "";
  const std::string filled = filling(kernel, card);
  std::string out = filled.empty() ? held : fmt::format("{}, and {}", filled, held);
  if (kernel.power_bound)
    out += fmt::format("; the power limit lowered the clock to {:.0f} MHz", kernel.clock_mhz);
  out[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(out[0])));
  return out + ".";
}

}  // namespace doppel::report
