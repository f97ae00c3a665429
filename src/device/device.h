// SPDX-License-Identifier: Apache-2.0
// One card of the process.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>
#include <vector>

#include "card/card.h"
#include "device/device_list.h"
#include "engine/engine.h"
#include "memory/address_space.h"
#include "support/result.h"
#include "texture/object_table.h"
#include "timing/l2_history.h"

namespace doppel::device {

class Context;
class MemoryPool;
class Platform;
class MemoryFaults;
class VirtualMemory;

struct PciAddress {
  int domain = 0, bus = 0, device = 0;
};

class Device {
 public:
  static Result<std::unique_ptr<Device>> create(Platform& platform, int ordinal, ListedDevice listed);
  ~Device();

  Platform& platform() const { return platform_; }
  int ordinal() const { return ordinal_; }
  // Every number that an attribute query answers; as it was last set (look_at_settings). Each stays valid for
  // as long as the device.
  const card::Card& card() const { return settings_.load(std::memory_order_acquire)->card; }
  struct Settings {
    card::Card card;
    int number = 0;  // the same for the same ones
  };
  // Before a launch: a power limit or locked clocks that somebody has set on the node hold from then on.
  const Settings& look_at_settings();
  memory::AddressSpace& memory() const { return *memory_; }
  VirtualMemory& virtual_memory() const { return *virtual_memory_; }
  MemoryFaults& memory_faults() const { return *memory_faults_; }
  texture::ObjectTable& textures() const { return *textures_; }
  // Of the operations placed so far. The timeline's: only used while an operation is placed.
  timing::L2History& l2() { return l2_; }
  // The latest that a kernel which has ended read of %globaltimer: those behind it go on from there.
  std::uint64_t latest_globaltimer_ns() const { return latest_globaltimer_ns_; }
  void note_globaltimer(std::uint64_t latest_ns);
  // Of this double: the same in every process, another for each ordinal; of a card of a node, by its number
  // there. A MIG device has one of its own.
  const Uuid& uuid() const { return identity_.uuid; }
  const Uuid& card_uuid() const { return identity_.card_uuid; }
  std::size_t listed() const { return identity_.listed; }  // its card's place in the process's list
  const std::string& partition() const { return identity_.partition; }  // "1g.24gb"; empty: the whole card
  PciAddress pci() const;

  // The primary context: made by the first retain; destroyed by the last release.
  Result<std::shared_ptr<Context>> retain_primary();
  Result<void> release_primary();  // InvalidContext where it is not retained
  Result<void> reset_primary();    // destroys it whatever the count, which stays
  bool primary_active() const;
  unsigned primary_flags() const;
  Result<void> set_primary_flags(unsigned flags);
  std::shared_ptr<Context> primary() const;  // null where inactive

  Result<std::shared_ptr<Context>> create_context(unsigned flags);

  std::shared_ptr<MemoryPool> default_pool();
  std::shared_ptr<MemoryPool> current_pool();
  void set_current_pool(std::shared_ptr<MemoryPool> pool);

  // Two doubles in one process reach each other: over NVLink where a bridge joins them, else over PCIe.
  bool can_access_peer(const Device& other) const;
  // Mapped memory and pools are shared by location, not by context (cuMemSetAccess, cuMemPoolSetAccess): from
  // when any of this card's is shared with a card, that card's kernels reach it.
  void share_with(int ordinal) { shared_with_.fetch_or(std::uint64_t{1} << (ordinal & 63)); }
  bool shares_with(int ordinal) const { return (shared_with_.load() >> (ordinal & 63) & 1) != 0; }
  // Before the first context: a bridge joins two cards of one model.
  static void join_by_nvlink(Device& one, Device& other);
  const Device* nvlink_peer() const { return nvlink_peer_; }  // null: nothing is at the other end
  bool linked_by_nvlink(const Device& other) const { return nvlink_peer_ == &other; }
  // The other cards of the process, as traces name them: known when all are there.
  std::span<const engine::Peer> peers() const { return peers_; }
  void set_peers(std::vector<engine::Peer> peers) { peers_ = std::move(peers); }

 private:
  Device(Platform& platform, int ordinal, ListedDevice listed);
  Platform& platform_;
  int ordinal_;
  DeviceIdentity identity_;
  Device* nvlink_peer_ = nullptr;
  std::vector<engine::Peer> peers_;
  std::atomic<std::uint64_t> shared_with_{0};
  std::atomic<std::uint64_t> latest_globaltimer_ns_{0};
  std::atomic<const Settings*> settings_;
  std::mutex settings_mutex_;
  std::vector<std::unique_ptr<const Settings>> all_settings_;  // by number
  std::atomic<std::uint64_t> settings_seen_{0};                // of the node's changes
  std::unique_ptr<memory::AddressSpace> memory_;
  std::unique_ptr<VirtualMemory> virtual_memory_;
  std::unique_ptr<MemoryFaults> memory_faults_;
  std::unique_ptr<texture::ObjectTable> textures_ = std::make_unique<texture::ObjectTable>();
  timing::L2History l2_;
  mutable std::mutex mutex_;
  std::shared_ptr<Context> primary_;
  int primary_count_ = 0;
  unsigned primary_flags_ = 0;
  std::shared_ptr<MemoryPool> default_pool_, current_pool_;
};

}  // namespace doppel::device
