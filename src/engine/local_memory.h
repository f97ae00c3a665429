// SPDX-License-Identifier: Apache-2.0
// Local memory of a warp, kept from warp to warp; taken from the host page by page as it is touched.
#pragma once

#include <cstddef>

namespace doppel::engine {

class LocalMemory {
 public:
  LocalMemory() = default;
  ~LocalMemory();
  LocalMemory(const LocalMemory&) = delete;
  LocalMemory& operator=(const LocalMemory&) = delete;

  // Room for so many bytes, whose content is not kept. False: the host has no memory.
  bool fit(std::size_t bytes) { return bytes <= bytes_ || grow(bytes); }
  std::byte* base() const { return base_; }

 private:
  bool grow(std::size_t bytes);
  std::byte* base_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace doppel::engine
