// SPDX-License-Identifier: Apache-2.0
#include "texture/surface.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>

#include "texture/half.h"

namespace doppel::texture {
namespace {

using ir::SurfaceBounds;

// Brings a coordinate inside where the form clamps; false: it lies outside.
bool bring_inside(std::int64_t& at, std::int64_t last, SurfaceBounds bounds) {
  if (at >= 0 && at <= last) return true;
  if (bounds != SurfaceBounds::Clamp || last < 0) return false;
  at = std::clamp<std::int64_t>(at, 0, last);
  return true;
}

template <typename T>
void put(std::uint64_t address, int i, T value) {
  std::memcpy(reinterpret_cast<void*>(address + static_cast<std::uint64_t>(i) * sizeof(T)), &value,
              sizeof(T));
}

template <typename T>
T clamped_signed(std::uint32_t bits) {
  const auto value = static_cast<std::int32_t>(bits);
  return static_cast<T>(
      std::clamp<std::int32_t>(value, std::numeric_limits<T>::min(), std::numeric_limits<T>::max()));
}

template <typename T>
T clamped_unsigned(std::uint32_t bits) {
  return static_cast<T>(std::min<std::uint32_t>(bits, std::numeric_limits<T>::max()));
}

// A float in [0, 1] or [-1, 1] to the nearest whole number of the format; NaN to 0.
double normalized(std::uint32_t bits, double one, bool is_signed) {
  const auto value = static_cast<double>(std::bit_cast<float>(bits));
  if (std::isnan(value)) return 0;
  return std::nearbyint(std::clamp(value, is_signed ? -1.0 : 0.0, 1.0) * one);
}

}  // namespace

SurfacePlace surface_place(const Image& image, const ir::TextureForm& form, const std::uint32_t* coordinates,
                           std::uint32_t bytes, Touched* touched) {
  using Kind = SurfacePlace::Kind;
  const Level& level = image.levels[0];
  const auto outside = [&] {
    return SurfacePlace{form.bounds == SurfaceBounds::Trap ? Kind::Outside : Kind::Nowhere, 0};
  };
  const auto texel = static_cast<std::int64_t>(image.format.bytes());
  std::int64_t layer = 0;
  int at = 0;
  if (form.is_layered()) {
    layer = static_cast<std::int32_t>(coordinates[at++]);
  }
  std::int64_t x = static_cast<std::int32_t>(coordinates[at]);
  std::int64_t y = form.dimensions() > 1 ? static_cast<std::int32_t>(coordinates[at + 1]) : 0;
  std::int64_t z = form.dimensions() > 2 ? static_cast<std::int32_t>(coordinates[at + 2]) : 0;
  const std::int64_t row = level.width * texel;
  // A cube's faces are layers to a surface.
  const std::int64_t layers = std::int64_t{image.layers} * (image.shape == Shape::Cube ? 6 : 1);
  if (form.formatted) {
    if (!bring_inside(x, level.width - 1, form.bounds)) return outside();
    x *= texel;
  } else {
    if (!bring_inside(x, row - static_cast<std::int64_t>(bytes), form.bounds)) return outside();
    if (x % static_cast<std::int64_t>(bytes) != 0) return {Kind::Misaligned, 0};
  }
  if (!bring_inside(y, level.height - 1, form.bounds) || !bring_inside(z, level.depth - 1, form.bounds) ||
      !bring_inside(layer, layers - 1, form.bounds))
    return outside();
  const std::uint64_t slice = level.base + static_cast<std::uint64_t>(layer) * image.layer_bytes +
                              static_cast<std::uint64_t>(z) * level.slice;
  if (touched != nullptr) {
    touched->samples += 1;
    touched->add(level, slice, static_cast<std::uint64_t>(x), static_cast<std::uint64_t>(y));
  }
  return {Kind::Inside, slice + static_cast<std::uint64_t>(y) * level.pitch + static_cast<std::uint64_t>(x)};
}

void store_formatted(const Format& format, std::uint64_t address, const std::uint32_t* values, int count) {
  for (int i = 0; i < std::min<int>(count, format.channels); ++i) {
    const std::uint32_t value = values[i];
    switch (format.element) {
      case Element::U8:
        put(address, i,
            format.normalized ? static_cast<std::uint8_t>(normalized(value, format.one(), false))
                              : clamped_unsigned<std::uint8_t>(value));
        break;
      case Element::S8:
        put(address, i,
            format.normalized ? static_cast<std::int8_t>(normalized(value, format.one(), true))
                              : clamped_signed<std::int8_t>(value));
        break;
      case Element::U16:
        put(address, i,
            format.normalized ? static_cast<std::uint16_t>(normalized(value, format.one(), false))
                              : clamped_unsigned<std::uint16_t>(value));
        break;
      case Element::S16:
        put(address, i,
            format.normalized ? static_cast<std::int16_t>(normalized(value, format.one(), true))
                              : clamped_signed<std::int16_t>(value));
        break;
      case Element::F16:
        put(address, i, to_half(std::bit_cast<float>(value)));
        break;
      default:
        put(address, i, value);
        break;
    }
  }
}

}  // namespace doppel::texture
