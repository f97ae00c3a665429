// SPDX-License-Identifier: Apache-2.0
#include "device/device.h"

#include "device/context.h"
#include "device/host_clock.h"
#include "device/memory_pool.h"
#include "device/node_report.h"
#include "device/platform.h"
#include "device/virtual_memory.h"

namespace doppel::device {

Result<std::unique_ptr<Device>> Device::create(Platform& platform, int ordinal, ListedDevice listed) {
  std::unique_ptr<Device> device(new Device(platform, ordinal, std::move(listed)));
  auto space = memory::AddressSpace::create(static_cast<unsigned>(ordinal),
                                            static_cast<std::uint64_t>(device->card_.memory.bytes));
  if (!space) return tl::unexpected(space.error());
  device->memory_ = std::move(*space);
  if (NodeReport* node = platform.node()) device->memory_->share(node->pool(ordinal));
  device->virtual_memory_ = std::make_unique<VirtualMemory>(*device);
  return device;
}

Device::Device(Platform& platform, int ordinal, ListedDevice listed)
    : platform_(platform),
      ordinal_(ordinal),
      identity_(listed.identity),
      card_(std::move(listed.card)),
      l2_(card_.l2.bytes, card_.l2.ways) {}

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
