// SPDX-License-Identifier: Apache-2.0
// Extent of a grid or block, as launches give it.
#pragma once

#include <compare>
#include <cstdint>

namespace doppel {

struct Dim3 {
  std::uint32_t x = 1, y = 1, z = 1;
  std::uint64_t count() const { return std::uint64_t{x} * y * z; }
  auto operator<=>(const Dim3&) const = default;
};

}  // namespace doppel
