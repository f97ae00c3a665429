// SPDX-License-Identifier: Apache-2.0
// Between units.
#pragma once

#include <cstdint>

namespace doppel {

inline constexpr double kMicrosecondsPerSecond = 1e6;
inline constexpr double kSecondsPerMicrosecond = 1e-6;

// The next multiple of an alignment; 0 aligns nothing.
constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return alignment == 0 ? value : (value + alignment - 1) / alignment * alignment;
}

}  // namespace doppel
