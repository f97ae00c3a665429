// SPDX-License-Identifier: Apache-2.0
// MIG of one card of a node: its mode, GPU instances, and the compute instances in them, which are the
// devices that programs use. They last until they are destroyed, whatever processes come and go.
//
// Names and rules are NVIDIA's (Multi-Instance GPU User Guide, NVML API reference): an instance takes the
// memory slices of its placement and engines of the card, and cannot be made where these are taken.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "card/card.h"
#include "node/node.h"
#include "support/result.h"

namespace doppel::node {

struct MigMode {
  bool now = false;
  bool pending = false;  // what it will be when it can be changed
};

struct GpuInstance {
  int id = 0;
  const card::PartitionProfile* profile = nullptr;  // of the card that Partitions was made with
  int start = 0, size = 0;                          // in slices of memory
  std::uint64_t bytes = 0;                          // of memory
};

struct ComputeInstance {
  Instance id;
  const card::PartitionProfile* profile = nullptr;  // of its GPU instance
  int slices = 0, start = 0;                        // of that one's
};

// A view for one use: the card's file and the node must outlive it. Every function is done at once, or not at
// all; NotReady where a process that was stopped holds the node's lock; NotFound where there is no such
// instance; NotSupported where the card has no partitions; NotEnabled where it is not in MIG mode.
class Partitions {
 public:
  Partitions(Node& node, int card, const card::Card& hardware)
      : node_(node), card_(card), hardware_(hardware) {}

  Result<MigMode> mode() const;
  // False: not yet, because a process uses the card, or instances are there; it is pending until somebody
  // asks again.
  Result<bool> set_mode(bool on, std::int64_t now_ns);

  // By their numbers. None where the mode is off.
  Result<std::vector<GpuInstance>> gpu_instances() const;
  Result<GpuInstance> gpu_instance(int id) const;
  // How many more of that profile there is room for.
  Result<int> room_for(const card::PartitionProfile& profile) const;
  // Its number. At `start`, else at the first place that is free. InvalidArgument: the profile has no such
  // placement. LimitExceeded: there is no room.
  Result<int> create(const card::PartitionProfile& profile, std::optional<int> start, std::int64_t now_ns);
  // NotPermitted: it has compute instances, or a process uses it.
  Result<void> destroy(int id, std::int64_t now_ns);

  // All of the card, by their numbers: the MIG devices in their order.
  Result<std::vector<ComputeInstance>> compute_instances() const;
  Result<int> room_for_compute(int gpu_instance, int slices) const;
  // InvalidArgument: such instances have not so many slices, or cannot begin there. LimitExceeded: no room.
  Result<Instance> create_compute(int gpu_instance, int slices, std::optional<int> start,
                                  std::int64_t now_ns);
  // NotPermitted: a process uses it.
  Result<void> destroy_compute(Instance id, std::int64_t now_ns);

 private:
  // The lock, with the card in it, where it can have partitions.
  Result<SharedFile::Lock> lock() const;
  CardEntry& entry(const SharedFile::Lock& lock) const;
  // With instances: in MIG mode.
  Result<SharedFile::Lock> lock_enabled() const;
  Result<GpuInstanceEntry*> find(CardEntry& card, int id) const;
  bool has_room(const CardEntry& card, const card::PartitionProfile& profile, int start) const;
  GpuInstance describe(const GpuInstanceEntry& entry, int id) const;
  // Whether a living process is on it; -1: any.
  bool in_use(Shared& shared, int gpu, int compute, std::int64_t now_ns) const;
  void tell(const SharedFile::Lock& lock, Instance instance) const;

  Node& node_;
  int card_;
  const card::Card& hardware_;
};

// NVML's event of a change (nvmlEventMigConfigChange).
inline constexpr std::uint64_t kMigChanged = 0x100;

}  // namespace doppel::node
