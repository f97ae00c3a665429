// SPDX-License-Identifier: Apache-2.0
#include "card/partition.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace doppel::card {
namespace {

int part(int whole, double fraction) { return std::max(1, static_cast<int>(std::lround(whole * fraction))); }

int sms_of_tpc(const Card& whole) {
  return whole.chip.tpc_count > 0 ? whole.sm_count / whole.chip.tpc_count : 1;
}

L2 part_of(const L2& whole, double fraction) {
  L2 l2 = whole;
  // In whole sets of lines, as the cache is made of.
  const std::int64_t set = std::int64_t{whole.line_bytes} * whole.ways;
  l2.bytes = static_cast<std::int64_t>(static_cast<double>(whole.bytes) * fraction) / set * set;
  l2.slices = part(whole.slices, fraction);
  l2.read_bytes_per_cycle *= fraction;
  l2.write_bytes_per_cycle *= fraction;
  l2.max_persisting_bytes =
      static_cast<std::int64_t>(static_cast<double>(whole.max_persisting_bytes) * fraction);
  l2.max_access_window_bytes = std::min(whole.max_access_window_bytes, l2.bytes);
  return l2;
}

Memory part_of(const Memory& whole, const PartitionProfile& profile) {
  Memory memory = whole;
  memory.bytes = memory.board_bytes = profile.memory_mib << 20;
  memory.channels = part(whole.channels, profile.bandwidth_fraction);
  memory.bus_width_bits = whole.bus_width_bits / whole.channels * memory.channels;
  return memory;
}

Power part_of(const Power& whole, double fraction) {
  Power power = whole;
  for (double* each : {&power.limit_w, &power.max_limit_w, &power.idle_w, &power.awake_w, &power.active_w})
    *each *= fraction;
  return power;
}

}  // namespace

const PartitionProfile* partition_profile(const Card& card, int id) {
  const auto found = std::ranges::find(card.partitions, id, &PartitionProfile::id);
  return found != card.partitions.end() ? &*found : nullptr;
}

int most_partitions(const Card& card) {
  int most = 0;
  for (const PartitionProfile& each : card.partitions) {
    most = std::max(most, each.max_instances);
    // A partition may be shared by so many compute instances, which are devices, too.
    most = std::max(most, each.slices);
  }
  return most;
}

std::string partition_name(const PartitionProfile& profile, int slices) {
  return slices == profile.slices ? profile.name : fmt::format("{}c.{}", slices, profile.name);
}

int sm_count_of(const Card& whole, const PartitionProfile& profile, int slices) {
  if (slices >= profile.slices) return profile.sm_count;
  const int pair = sms_of_tpc(whole);
  return std::max(pair, profile.sm_count * slices / profile.slices / pair * pair);
}

std::optional<Card> partition_by_name(const Card& whole, const std::string& name) {
  for (const PartitionProfile& profile : whole.partitions) {
    for (int slices = 1; slices <= profile.slices; ++slices) {
      if (partition_name(profile, slices) == name) return partition_of(whole, profile, slices);
    }
  }
  return std::nullopt;
}

Card partition_of(const Card& whole, const PartitionProfile& profile, int slices) {
  Card card = whole;
  card.name = fmt::format("{} MIG {}", whole.name, partition_name(profile, slices));
  card.sm_count = sm_count_of(whole, profile, slices);
  card.chip.gpc_count = 0;  // which of them it has SMs of is not known
  card.chip.tpc_count = whole.chip.tpc_count > 0 ? card.sm_count / sms_of_tpc(whole) : 0;
  card.l2 = part_of(whole.l2, profile.l2_fraction);
  card.memory = part_of(whole.memory, profile);
  card.nvlink = NvLink{};
  card.engines.copy = profile.copy_engines;
  card.engines.nvenc = profile.nvenc;
  card.engines.nvdec = profile.nvdec;
  card.engines.jpeg = profile.jpeg;
  card.engines.optical_flow = profile.optical_flow;
  card.power = part_of(whole.power, static_cast<double>(card.sm_count) / whole.sm_count);
  card.management.bar1_bytes =
      static_cast<std::int64_t>(static_cast<double>(whole.management.bar1_bytes) * profile.memory_fraction);
  card.partitions.clear();
  return card;
}

}  // namespace doppel::card
