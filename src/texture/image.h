// SPDX-License-Identifier: Apache-2.0
// What a texture or surface reads: texels in memory, by level, layer and coordinates.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "ir/texture_form.h"
#include "texture/format.h"

namespace doppel::texture {

inline constexpr int kMostLevels = 18;  // of 2^17 texels

// A texel's address: base + layer * layer_bytes + z * slice + y * pitch + x * texel.
struct Level {
  std::uint64_t base = 0;
  std::int32_t width = 1, height = 1, depth = 1;
  std::uint64_t pitch = 0, slice = 0;
  std::uint32_t gobs = 0;  // as LevelLayout::gobs
};

enum class Shape : std::uint8_t { D1, D2, D3, Cube };

struct Image {
  Format format;
  Shape shape = Shape::D2;
  bool layered = false;
  bool buffer = false;  // linear memory: read by whole numbers only, and zero outside
  bool pitched = false;
  std::int32_t layers = 1;  // of a layered one; of cubes whole cubes
  std::uint64_t layer_bytes = 0;
  int level_count = 1;
  std::array<Level, kMostLevels> levels{};
  // Of an array: keeps the memory; and whether the program has destroyed it, so that nobody may read it.
  std::shared_ptr<const void> memory;
  std::shared_ptr<const std::atomic<bool>> destroyed;

  // Of the forms that read it as what it is.
  ir::TextureGeometry geometry() const {
    using ir::TextureGeometry;
    switch (shape) {
      case Shape::D1:
        return layered ? TextureGeometry::A1 : TextureGeometry::D1;
      case Shape::D2:
        return layered ? TextureGeometry::A2 : TextureGeometry::D2;
      case Shape::D3:
        return TextureGeometry::D3;
      case Shape::Cube:
        return layered ? TextureGeometry::ACube : TextureGeometry::Cube;
    }
    return TextureGeometry::None;
  }
  bool is_usable() const { return destroyed == nullptr || !destroyed->load(std::memory_order_relaxed); }
};

}  // namespace doppel::texture
