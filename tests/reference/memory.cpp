// SPDX-License-Identifier: Apache-2.0
#include "reference/memory.h"

#include <algorithm>
#include <cstring>

namespace doppel::reference {

std::uint64_t Memory::allocate(std::uint64_t size, std::uint64_t alignment) {
  alignment = std::max<std::uint64_t>(alignment, 256);
  next_ = (next_ + alignment - 1) / alignment * alignment;
  const std::uint64_t address = next_;
  allocations_.emplace(address, std::vector<std::byte>(size));
  next_ += size + 4096;
  return address;
}

std::span<std::byte> Memory::find(std::uint64_t address, std::uint64_t size) {
  auto after = allocations_.upper_bound(address);
  if (after == allocations_.begin()) return {};
  auto& [start, bytes] = *std::prev(after);
  const std::uint64_t offset = address - start;
  if (offset > bytes.size() || size > bytes.size() - offset) return {};
  return std::span(bytes).subspan(offset, size);
}

std::uint64_t load_bits(const std::byte* from, int size) {
  std::uint64_t value = 0;
  std::memcpy(&value, from, static_cast<std::size_t>(size));
  return value;
}

void store_bits(std::byte* to, std::uint64_t value, int size) {
  std::memcpy(to, &value, static_cast<std::size_t>(size));
}

}  // namespace doppel::reference
