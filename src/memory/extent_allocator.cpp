// SPDX-License-Identifier: Apache-2.0
#include "memory/extent_allocator.h"

#include <iterator>

namespace doppel::memory {

void ExtentAllocator::insert(std::uint64_t start, std::uint64_t bytes) {
  by_start_.emplace(start, bytes);
  by_size_.emplace(bytes, start);
}

void ExtentAllocator::erase(std::map<std::uint64_t, std::uint64_t>::iterator extent) {
  by_size_.erase({extent->second, extent->first});
  by_start_.erase(extent);
}

void ExtentAllocator::carve(std::map<std::uint64_t, std::uint64_t>::iterator extent, std::uint64_t start,
                            std::uint64_t bytes) {
  const std::uint64_t extent_start = extent->first;
  const std::uint64_t extent_end = extent_start + extent->second;
  erase(extent);
  if (start > extent_start) insert(extent_start, start - extent_start);
  if (start + bytes < extent_end) insert(start + bytes, extent_end - start - bytes);
}

std::optional<std::uint64_t> ExtentAllocator::take(std::uint64_t bytes, std::uint64_t alignment) {
  for (auto candidate = by_size_.lower_bound({bytes, 0}); candidate != by_size_.end(); ++candidate) {
    const auto [extent_bytes, extent_start] = *candidate;
    const std::uint64_t start = (extent_start + alignment - 1) & ~(alignment - 1);
    if (start + bytes > extent_start + extent_bytes) continue;
    carve(by_start_.find(extent_start), start, bytes);
    return start;
  }
  return std::nullopt;
}

bool ExtentAllocator::take_at(std::uint64_t start, std::uint64_t bytes) {
  auto extent = by_start_.upper_bound(start);
  if (extent == by_start_.begin()) return false;
  --extent;
  if (start + bytes > extent->first + extent->second) return false;
  carve(extent, start, bytes);
  return true;
}

void ExtentAllocator::give_back(std::uint64_t start, std::uint64_t bytes) {
  const auto next = by_start_.lower_bound(start);
  if (next != by_start_.end() && start + bytes == next->first) {
    bytes += next->second;
    erase(next);
  }
  auto after = by_start_.lower_bound(start);
  if (after != by_start_.begin()) {
    const auto before = std::prev(after);
    if (before->first + before->second == start) {
      start = before->first;
      bytes += before->second;
      erase(before);
    }
  }
  insert(start, bytes);
}

}  // namespace doppel::memory
