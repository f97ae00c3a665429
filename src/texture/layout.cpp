// SPDX-License-Identifier: Apache-2.0
#include "texture/layout.h"

#include <algorithm>

namespace doppel::texture {
namespace {

std::uint64_t round_up(std::uint64_t value, std::uint64_t unit) { return (value + unit - 1) / unit * unit; }

constexpr std::uint64_t kLevelAlignment = 512;

// The fewest groups, in powers of two, that hold all rows.
std::uint32_t groups_for(std::uint64_t rows) {
  std::uint32_t gobs = 1;
  while (gobs < kMostGobs && std::uint64_t{gobs} * kGobHeight < rows) gobs *= 2;
  return gobs;
}

}  // namespace

ArrayLayout layout_of(const Format& format, std::uint64_t width, std::uint64_t height, std::uint64_t depth,
                      std::uint64_t layers, std::uint32_t levels) {
  ArrayLayout layout;
  const auto block = static_cast<std::uint64_t>(format.block());
  std::uint64_t at = 0;
  for (std::uint32_t i = 0; i < levels; ++i) {
    LevelLayout level;
    level.offset = at;
    level.width = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, width >> i));
    level.height = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, height >> i));
    level.depth = static_cast<std::uint32_t>(std::max<std::uint64_t>(1, depth >> i));
    const std::uint64_t columns = (level.width + block - 1) / block;
    std::uint64_t rows = (level.height + block - 1) / block;
    level.pitch = round_up(columns * static_cast<std::uint64_t>(format.bytes()), kGobWidth);
    if (height != 0) {
      level.gobs = groups_for(rows);
      rows = round_up(rows, std::uint64_t{level.gobs} * kGobHeight);
    }
    level.slice = level.pitch * rows;
    at += round_up(level.slice * level.depth, kLevelAlignment);
    layout.levels.push_back(level);
  }
  layout.layer_bytes = at;
  layout.bytes = at * std::max<std::uint64_t>(1, layers);
  return layout;
}

}  // namespace doppel::texture
