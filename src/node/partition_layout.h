// SPDX-License-Identifier: Apache-2.0
// What of a card's partitions (MIG) lies in the memory that processes share. Part of layout.h.
//
// An entry's number is its place. What says that it is in use is written last and cleared first, so that a
// process that is killed in the middle leaves an instance that is whole, or none.
#pragma once

#include <array>
#include <cstdint>
#include <type_traits>

#include "card/card.h"

namespace doppel::node {

inline constexpr std::size_t kMostGpuInstances = card::kMostPartitions;
inline constexpr std::size_t kMostComputeInstances = 8;  // of one GPU instance

// By the numbers of a GPU instance and a compute instance in it: a device. Both -1: the whole card.
struct Instance {
  std::int32_t gpu = -1, compute = -1;
  bool is_partition() const { return gpu >= 0; }
  friend bool operator==(const Instance&, const Instance&) = default;
  friend auto operator<=>(const Instance&, const Instance&) = default;
};

struct ComputeInstanceEntry {
  std::int32_t slices = 0;  // 0: the entry is free
  std::int32_t start = 0;   // the first of the GPU instance's slices that it has
};

struct GpuInstanceEntry {
  std::int32_t used = 0;
  std::int32_t profile = 0;          // its id (card::PartitionProfile)
  std::int32_t start = 0, size = 0;  // in slices of memory
  std::uint64_t bytes = 0;           // of memory
  double share = 0;                  // of the card's SMs, and with them of what the board draws
  std::array<ComputeInstanceEntry, kMostComputeInstances> compute{};
};

struct PartitionEntries {
  std::int32_t on = 0, pending = 0;  // MIG mode
  std::array<GpuInstanceEntry, kMostGpuInstances> gpu{};
};
static_assert(std::is_trivially_copyable_v<PartitionEntries>);

}  // namespace doppel::node
