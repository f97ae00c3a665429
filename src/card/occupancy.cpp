// SPDX-License-Identifier: Apache-2.0
#include "card/occupancy.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

namespace doppel::card {
namespace {

std::int64_t round_up(std::int64_t value, std::int64_t unit) { return (value + unit - 1) / unit * unit; }

std::int64_t blocks_by_registers(const Card& card, const BlockResources& block,
                                 std::int64_t warps_per_block) {
  if (block.registers_per_thread <= 0) return std::numeric_limits<std::int64_t>::max();
  const std::int64_t per_warp =
      round_up(static_cast<std::int64_t>(block.registers_per_thread) * card.sm.warp_size,
               card.sm.register_allocation_unit);
  const std::int64_t granularity = card.sm.warp_allocation_granularity;
  const std::int64_t warps = card.sm.registers_per_block / per_warp / granularity * granularity;
  return warps / warps_per_block * (card.sm.registers / card.sm.registers_per_block);
}

}  // namespace

std::string_view name_of(OccupancyLimit limit) {
  switch (limit) {
    case OccupancyLimit::Warps:
      return "warps";
    case OccupancyLimit::Blocks:
      return "blocks";
    case OccupancyLimit::Registers:
      return "registers";
    case OccupancyLimit::SharedMemory:
      return "shared memory";
  }
  return "";
}

int most_registers(const Card& card, int threads, int blocks) {
  const std::int64_t warps = round_up(threads, card.sm.warp_size) / card.sm.warp_size;
  const int step = std::max(1, card.sm.register_allocation_unit / card.sm.warp_size);
  int registers = card.sm.max_registers_per_thread;
  while (registers > 0 && blocks_by_registers(card, {threads, registers, 0}, warps) < blocks)
    registers = (registers - 1) / step * step;
  return registers;
}

std::int64_t shared_bytes_taken(const Card& card, std::int64_t asked) {
  return round_up(asked + card.shared.reserved_bytes_per_block, card.shared.allocation_unit_bytes);
}

Occupancy occupancy(const Card& card, const BlockResources& block) {
  const std::int64_t warps_per_block = round_up(block.threads, card.sm.warp_size) / card.sm.warp_size;
  // In the order in which a tie is named.
  const std::array<std::pair<OccupancyLimit, std::int64_t>, 4> limits = {{
      {OccupancyLimit::Warps, card.sm.max_warps / warps_per_block},
      {OccupancyLimit::Blocks, card.sm.max_blocks},
      {OccupancyLimit::Registers, blocks_by_registers(card, block, warps_per_block)},
      {OccupancyLimit::SharedMemory, card.shared.bytes_per_sm / shared_bytes_taken(card, block.shared_bytes)},
  }};
  const auto least = std::ranges::min_element(limits, {}, [](const auto& limit) { return limit.second; });
  Occupancy out;
  out.limit = least->first;
  out.blocks_per_sm = static_cast<int>(least->second);
  out.warps_per_sm = static_cast<int>(least->second * warps_per_block);
  out.fraction = static_cast<double>(out.warps_per_sm) / card.sm.max_warps;
  return out;
}

}  // namespace doppel::card
