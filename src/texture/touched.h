// SPDX-License-Identifier: Apache-2.0
// What a warp's fetch touches of memory, for the timing model.
#pragma once

#include <cstdint>
#include <vector>

#include "texture/image.h"
#include "texture/layout.h"

namespace doppel::texture {

struct Touched {
  std::vector<std::uint64_t> addresses;  // of texels as a card has them, not sorted
  std::uint32_t samples = 0;             // footprints of up to four texels of one level and slice
  bool filtered = false;                 // by more than one texel
  std::uint32_t texel_bytes = 0;

  // Byte x of row y.
  void add(const Level& level, std::uint64_t slice_address, std::uint64_t x, std::uint64_t y) {
    addresses.push_back(slice_address + block_linear(x, y, level.pitch, level.gobs));
  }
};

}  // namespace doppel::texture
