// SPDX-License-Identifier: Apache-2.0
#include "device/device.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "device/context.h"
#include "device/host_clock.h"
#include "device/memory_faults.h"
#include "device/memory_pool.h"
#include "device/node_report.h"
#include "device/platform.h"
#include "device/virtual_memory.h"

namespace doppel::device {

Result<std::unique_ptr<Device>> Device::create(Platform& platform, int ordinal, ListedDevice listed) {
  std::unique_ptr<Device> device(new Device(platform, ordinal, std::move(listed)));
  auto space = memory::AddressSpace::create(static_cast<unsigned>(ordinal),
                                            static_cast<std::uint64_t>(device->card().memory.bytes));
  if (!space) return tl::unexpected(space.error());
  device->memory_ = std::move(*space);
  if (NodeReport* node = platform.node()) device->memory_->share(node->pool(ordinal));
  device->virtual_memory_ = std::make_unique<VirtualMemory>(*device);
  device->memory_faults_ = std::make_unique<MemoryFaults>(*device, platform.node());
  return device;
}

Device::Device(Platform& platform, int ordinal, ListedDevice listed)
    : platform_(platform),
      ordinal_(ordinal),
      identity_(std::move(listed.identity)),
      l2_(listed.card.l2.bytes, listed.card.l2.ways) {
  all_settings_.push_back(std::make_unique<const Settings>(std::move(listed.card), 0));
  settings_ = all_settings_.back().get();
}

const Device::Settings& Device::look_at_settings() {
  NodeReport* const node = platform_.node();
  const std::uint64_t changes = node != nullptr ? node->settings_changes(ordinal_) : 0;
  if (changes == settings_seen_.load(std::memory_order_acquire)) return *settings_;
  const std::lock_guard lock(settings_mutex_);
  std::optional<card::Card> next = node->card_now(ordinal_);
  if (!next) return *settings_;
  const auto known = std::ranges::find_if(all_settings_, [&](const auto& each) {
    return each->card.power.limit_w == next->power.limit_w &&
           each->card.clocks.sustained_mhz == next->clocks.sustained_mhz;
  });
  const auto place = static_cast<std::size_t>(known - all_settings_.begin());
  if (known == all_settings_.end())
    all_settings_.push_back(std::make_unique<const Settings>(*std::move(next), static_cast<int>(place)));
  settings_.store(all_settings_[place].get(), std::memory_order_release);
  settings_seen_.store(changes, std::memory_order_release);
  return *all_settings_[place];
}

Device::~Device() {
  if (primary_ != nullptr) primary_->destroy();
}

// Any place that is no other device's: one bus for each card, from 1 on.
PciAddress Device::pci() const { return {0, identity_.place + 1, 0}; }

Result<std::shared_ptr<Context>> Device::retain_primary() {
  const std::lock_guard lock(mutex_);
  if (primary_ == nullptr) {
    if (NodeReport* node = platform_.node()) {
      if (auto used = node->uses(ordinal_); !used) return tl::unexpected(used.error());
    }
    primary_ = std::make_shared<Context>(*this, primary_flags_);
    platform_.clock().advance_context_us(platform_.host().start.context_us);
  }
  ++primary_count_;
  return primary_;
}

Result<void> Device::release_primary() {
  std::shared_ptr<Context> last;
  {
    const std::lock_guard lock(mutex_);
    if (primary_count_ == 0) return fail(Error::Kind::InvalidContext, "the primary context is not retained");
    if (--primary_count_ == 0) last = std::move(primary_);
  }
  if (last != nullptr) last->destroy();
  return {};
}

Result<void> Device::reset_primary() {
  std::shared_ptr<Context> old;
  {
    const std::lock_guard lock(mutex_);
    old = std::move(primary_);
    primary_count_ = 0;
    primary_flags_ = 0;
  }
  if (old != nullptr) old->destroy();
  return {};
}

bool Device::primary_active() const {
  const std::lock_guard lock(mutex_);
  return primary_ != nullptr;
}

unsigned Device::primary_flags() const {
  const std::lock_guard lock(mutex_);
  return primary_flags_;
}

Result<void> Device::set_primary_flags(unsigned flags) {
  const std::lock_guard lock(mutex_);
  primary_flags_ = flags;
  if (primary_ != nullptr) primary_->set_flags(flags);
  return {};
}

std::shared_ptr<Context> Device::primary() const {
  const std::lock_guard lock(mutex_);
  return primary_;
}

Result<std::shared_ptr<Context>> Device::create_context(unsigned flags) {
  if (NodeReport* node = platform_.node()) {
    if (auto used = node->uses(ordinal_); !used) return tl::unexpected(used.error());
  }
  platform_.clock().advance_context_us(platform_.host().start.context_us);
  return std::make_shared<Context>(*this, flags);
}

std::shared_ptr<MemoryPool> Device::default_pool() {
  const std::lock_guard lock(mutex_);
  if (default_pool_ == nullptr) default_pool_ = std::make_shared<MemoryPool>(*this);
  return default_pool_;
}

std::shared_ptr<MemoryPool> Device::current_pool() {
  {
    const std::lock_guard lock(mutex_);
    if (current_pool_ != nullptr) return current_pool_;
  }
  return default_pool();
}

void Device::set_current_pool(std::shared_ptr<MemoryPool> pool) {
  const std::lock_guard lock(mutex_);
  current_pool_ = std::move(pool);
}

bool Device::can_access_peer(const Device& other) const { return this != &other; }

void Device::join_by_nvlink(Device& one, Device& other) {
  one.nvlink_peer_ = &other;
  other.nvlink_peer_ = &one;
}

void Device::note_globaltimer(std::uint64_t latest_ns) {
  std::uint64_t before = latest_globaltimer_ns_;
  while (before < latest_ns && !latest_globaltimer_ns_.compare_exchange_weak(before, latest_ns)) {
  }
}

}  // namespace doppel::device
