// SPDX-License-Identifier: Apache-2.0
// Where the levels and layers of an array lie in its memory, and where a card would have them.
//
// A card keeps an array in blocks, so that texels that are near in two dimensions are near in memory ("block
// linear", NVIDIA Tegra X1 TRM 20.1; Mesa, nvidia/nil). A group of bytes (GOB) is 64 bytes of 8 rows; within
// it a sector of 32 bytes is 16 bytes of two rows. Groups stand one below the other, up to 16 of them; these
// columns side by side. Here each row is stored in one piece, in as many bytes as the blocks take: copies and
// fetches are quick, and only what a trace tells is the card's address.
#pragma once

#include <cstdint>
#include <vector>

#include "texture/format.h"

namespace doppel::texture {

inline constexpr std::uint32_t kGobWidth = 64;  // bytes
inline constexpr std::uint32_t kGobHeight = 8;  // rows
inline constexpr std::uint32_t kMostGobs = 16;  // of a column

struct LevelLayout {
  std::uint64_t offset = 0;                        // of the level, from the array's first byte
  std::uint32_t width = 1, height = 1, depth = 1;  // texels; height 1 of one dimension
  std::uint64_t pitch = 0;  // bytes from row to row (of blocks, where they are compressed)
  std::uint64_t slice = 0;  // bytes from slice to slice of a volume
  std::uint32_t gobs = 0;   // groups of a column; 0: the rows lie one behind the other on a card, too
};

struct ArrayLayout {
  std::vector<LevelLayout> levels;
  std::uint64_t layer_bytes = 0;  // from layer to layer, or face to face
  std::uint64_t bytes = 0;
};

// Extents in texels; 0 where there is no such dimension. layers: at least 1, six for each cube.
ArrayLayout layout_of(const Format& format, std::uint64_t width, std::uint64_t height, std::uint64_t depth,
                      std::uint64_t layers, std::uint32_t levels);

// Where a card has byte x of row y of a slice, from the slice's first byte.
inline std::uint64_t block_linear(std::uint64_t x, std::uint64_t y, std::uint64_t pitch, std::uint32_t gobs) {
  if (gobs == 0) return y * pitch + x;
  const std::uint64_t column = x / kGobWidth, row = y / kGobHeight;
  const std::uint64_t gob = (row / gobs * (pitch / kGobWidth) + column) * gobs + row % gobs;
  const std::uint64_t in_x = x % kGobWidth, in_y = y % kGobHeight;
  return gob * kGobWidth * kGobHeight + in_x / 32 * 256 + in_y / 2 * 64 + in_x % 32 / 16 * 32 +
         in_y % 2 * 16 + in_x % 16;
}

}  // namespace doppel::texture
