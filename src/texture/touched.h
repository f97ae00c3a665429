// SPDX-License-Identifier: Apache-2.0
// What a warp's fetch touches of memory, for the timing model.
#pragma once

#include <array>
#include <cstddef>
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

  void clear() {
    addresses.clear();
    samples = texel_bytes = 0;
    filtered = false;
    recent_.fill({});
  }

  // Byte x of row y. Neighbours mostly share their sectors: those of the last few are passed over.
  void add(const Level& level, std::uint64_t slice_address, std::uint64_t x, std::uint64_t y) {
    // In blocks a sector is 16 bytes of two rows.
    const bool blocks = level.gobs != 0;
    const Sector sector{slice_address, blocks ? (y >> 1) << 32 | x >> 4 : y << 32 | x >> 5};
    for (const Sector& each : recent_) {
      if (each == sector) return;
    }
    recent_[next_++ % recent_.size()] = sector;
    addresses.push_back(slice_address + block_linear(x, y, level.pitch, level.gobs));
  }

 private:
  struct Sector {
    std::uint64_t slice = ~std::uint64_t{0}, place = 0;
    bool operator==(const Sector&) const = default;
  };
  std::array<Sector, 8> recent_{};
  std::size_t next_ = 0;
};

}  // namespace doppel::texture
