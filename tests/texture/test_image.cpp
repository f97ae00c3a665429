// SPDX-License-Identifier: Apache-2.0
#include "test_image.h"

#include <algorithm>
#include <cstring>
#include <random>

namespace doppel::texture_test {

using texture::Element;
using texture::Shape;

TestImage make_image(const texture::Format& format, Shape shape, int width, int height, int depth,
                     unsigned seed, int levels, int layers) {
  TestImage made;
  const auto extent = [](int value) { return static_cast<std::uint64_t>(value); };
  const int planes = std::max(1, layers) * (shape == Shape::Cube ? 6 : 1);
  const texture::ArrayLayout layout = texture::layout_of(
      format, extent(width), extent(shape == Shape::D1 ? 0 : height), extent(shape == Shape::D3 ? depth : 0),
      extent(planes), static_cast<std::uint32_t>(levels));
  made.memory.resize(layout.bytes + 512);
  std::mt19937 random(seed);
  if (format.element == Element::F32) {
    for (std::size_t i = 0; i + 4 <= made.memory.size(); i += 4) {
      const float value = static_cast<float>(random()) / 1431655765.0F - 1.0F;
      std::memcpy(&made.memory[i], &value, 4);
    }
  } else {
    for (std::byte& each : made.memory) each = static_cast<std::byte>(random() >> 9);
    // Finite numbers only.
    if (format.element == Element::F16) {
      for (std::size_t i = 1; i < made.memory.size(); i += 2) made.memory[i] &= std::byte{0xbf};
    }
  }
  texture::Image& image = made.image;
  image.format = format;
  image.shape = shape;
  image.layered = layers > 0;
  image.layers = std::max(1, layers);
  image.layer_bytes = layout.layer_bytes;
  image.level_count = levels;
  const auto base = (reinterpret_cast<std::uint64_t>(made.memory.data()) + 511) / 512 * 512;
  for (std::size_t i = 0; i < layout.levels.size(); ++i) {
    const texture::LevelLayout& from = layout.levels[i];
    image.levels[i] = {base + from.offset,
                       static_cast<std::int32_t>(from.width),
                       static_cast<std::int32_t>(from.height),
                       static_cast<std::int32_t>(from.depth),
                       from.pitch,
                       from.slice,
                       from.gobs};
  }
  return made;
}

const std::byte* TestImage::texel(int x, int y, int z, int layer, int level) const {
  const texture::Level& at = image.levels[static_cast<std::size_t>(level)];
  return reinterpret_cast<const std::byte*>(at.base) + static_cast<std::uint64_t>(layer) * image.layer_bytes +
         static_cast<std::uint64_t>(z) * at.slice + static_cast<std::uint64_t>(y) * at.pitch +
         static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(image.format.bytes());
}

}  // namespace doppel::texture_test
