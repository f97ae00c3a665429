// SPDX-License-Identifier: Apache-2.0
// Which parts of a range of addresses are taken: best fit, neighbours are joined when they are given back.
// Touches no memory.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>

namespace doppel::memory {

class ExtentAllocator {
 public:
  void add(std::uint64_t start, std::uint64_t bytes) { give_back(start, bytes); }
  // The smallest free extent that fits, the lowest of those. alignment: a power of two.
  std::optional<std::uint64_t> take(std::uint64_t bytes, std::uint64_t alignment);
  // That very place; false where part of it is taken.
  bool take_at(std::uint64_t start, std::uint64_t bytes);
  void give_back(std::uint64_t start, std::uint64_t bytes);

 private:
  void insert(std::uint64_t start, std::uint64_t bytes);
  void erase(std::map<std::uint64_t, std::uint64_t>::iterator extent);
  void carve(std::map<std::uint64_t, std::uint64_t>::iterator extent, std::uint64_t start,
             std::uint64_t bytes);
  std::map<std::uint64_t, std::uint64_t> by_start_;
  std::set<std::pair<std::uint64_t, std::uint64_t>> by_size_;  // (bytes, start)
};

}  // namespace doppel::memory
