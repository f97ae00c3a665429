// SPDX-License-Identifier: Apache-2.0
// What a warp's fetch touches of memory, for the timing model.
#pragma once

#include <cstdint>
#include <vector>

#include "texture/image.h"
#include "texture/layout.h"

namespace doppel::texture {

struct Touched {
  std::vector<std::uint64_t> addresses;  // of texels as a card has them, one of a sector mostly, not sorted
  std::uint32_t samples = 0;             // footprints of up to four texels of one level and slice
  bool filtered = false;                 // by more than one texel
  std::uint32_t texel_bytes = 0;

  // Byte x of row y.
  void add(const Level& level, std::uint64_t slice_address, std::uint64_t x, std::uint64_t y) {
    const std::uint64_t address = slice_address + block_linear(x, y, level.pitch, level.gobs);
    // Neighbours mostly share their sectors of 32 bytes.
    const std::size_t count = addresses.size();
    for (std::size_t back = 1; back <= 8 && back <= count; ++back) {
      if ((addresses[count - back] ^ address) < 32) return;
    }
    addresses.push_back(address);
  }
};

}  // namespace doppel::texture
