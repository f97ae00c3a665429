// SPDX-License-Identifier: Apache-2.0
#include "engine/device_heap.h"

#include "memory/address_space.h"

namespace doppel::engine {

std::uint64_t DeviceHeap::allocate(std::uint64_t bytes, std::uint64_t limit) {
  if (bytes == 0) return 0;
  const std::lock_guard lock(mutex_);
  if (bytes > limit || used_ > limit - bytes) return 0;
  const auto address = memory_.allocate(bytes, 256, memory::AllocationKind::Heap);
  if (!address) return 0;
  sizes_.emplace(*address, bytes);
  used_ += bytes;
  return *address;
}

bool DeviceHeap::free(std::uint64_t address) {
  if (address == 0) return true;
  const std::lock_guard lock(mutex_);
  const auto found = sizes_.find(address);
  if (found == sizes_.end()) return false;
  used_ -= found->second;
  sizes_.erase(found);
  return memory_.free(address).has_value();
}

}  // namespace doppel::engine
