// SPDX-License-Identifier: Apache-2.0
// malloc and free of device code.
#pragma once

#include <cstdint>
#include <mutex>
#include <unordered_map>

namespace doppel::memory {
class AddressSpace;
}

namespace doppel::engine {

// One for each card's memory; allocations live on after the launch that made them.
class DeviceHeap {
 public:
  explicit DeviceHeap(memory::AddressSpace& memory) : memory_(memory) {}
  // 0 where more than `limit` bytes would be in use, or nothing is left.
  std::uint64_t allocate(std::uint64_t bytes, std::uint64_t limit);
  // False: not an address that allocate gave.
  bool free(std::uint64_t address);

 private:
  memory::AddressSpace& memory_;
  std::mutex mutex_;
  std::unordered_map<std::uint64_t, std::uint64_t> sizes_;
  std::uint64_t used_ = 0;
};

}  // namespace doppel::engine
