// SPDX-License-Identifier: Apache-2.0
#include "device/memory_pool.h"

#include <algorithm>

#include "memory/address_space.h"

namespace doppel::device {

MemoryPool::Usage MemoryPool::usage() const {
  const std::lock_guard lock(mutex_);
  return usage_;
}

void MemoryPool::reset_used_high() {
  const std::lock_guard lock(mutex_);
  usage_.used_high = usage_.used;
}

void MemoryPool::reset_reserved_high() {
  const std::lock_guard lock(mutex_);
  usage_.reserved_high = usage_.reserved;
}

// Freed memory goes back to the card at once: there is nothing to trim.
void MemoryPool::trim(std::uint64_t) {}

Result<std::uint64_t> MemoryPool::allocate(std::uint64_t bytes) {
  auto address = device_.memory().allocate(bytes, 256, memory::AllocationKind::Pool);
  if (!address) return address;
  const std::lock_guard lock(mutex_);
  usage_.used += bytes;
  usage_.reserved += bytes;
  usage_.used_high = std::max(usage_.used_high, usage_.used);
  usage_.reserved_high = std::max(usage_.reserved_high, usage_.reserved);
  return address;
}

Result<void> MemoryPool::free(std::uint64_t address) {
  const auto found = device_.memory().find(address);
  auto freed = device_.memory().free(address);
  if (freed && found) {
    const std::lock_guard lock(mutex_);
    usage_.used -= std::min(usage_.used, found->size);
    usage_.reserved -= std::min(usage_.reserved, found->size);
  }
  return freed;
}

}  // namespace doppel::device
