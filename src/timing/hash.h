// SPDX-License-Identifier: Apache-2.0
// Spreads numbers evenly over 64 bits (the finaliser of MurmurHash3).
#pragma once

#include <cstdint>

namespace doppel::timing {

inline std::uint64_t mix(std::uint64_t x) {
  x ^= x >> 33;
  x *= 0xff51afd7ed558ccdull;
  x ^= x >> 33;
  x *= 0xc4ceb9fe1a85ec53ull;
  x ^= x >> 33;
  return x;
}

}  // namespace doppel::timing
