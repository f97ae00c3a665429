// SPDX-License-Identifier: Apache-2.0
// The reference's address map. Addresses are numbers of its own, never host pointers, so that a stray one is
// always caught.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <vector>

namespace doppel::reference {

// Windows of the generic address space; inside one, the offset is the address in that space.
inline constexpr std::uint64_t kWindowSize = 1ull << 40;
inline constexpr std::uint64_t kGlobalBase = 1ull << 36;
inline constexpr std::uint64_t kSharedWindow = 1ull << 42;
inline constexpr std::uint64_t kLocalWindow = 2ull << 42;
inline constexpr std::uint64_t kParamWindow = 3ull << 42;
inline constexpr std::uint64_t kFunctionBase = 4ull << 42;  // of function i: base + 16 * i

class Memory {
 public:
  // Zero-filled. Gaps lie between allocations.
  std::uint64_t allocate(std::uint64_t size, std::uint64_t alignment);
  // The bytes at an address, or an empty span where they are not all inside one allocation.
  std::span<std::byte> find(std::uint64_t address, std::uint64_t size);

 private:
  std::map<std::uint64_t, std::vector<std::byte>> allocations_;  // by address
  std::uint64_t next_ = kGlobalBase;
};

std::uint64_t load_bits(const std::byte* from, int size);
void store_bits(std::byte* to, std::uint64_t value, int size);

}  // namespace doppel::reference
