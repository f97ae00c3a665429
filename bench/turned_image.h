// SPDX-License-Identifier: Apache-2.0
// The images that bench-on-card and bench-opencl turn, and how they are read: a row for each work.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstring>
#include <vector>

namespace bench {

inline constexpr float kCosine = 0.8F;
inline constexpr float kSine = 0.6F;

enum class Texels { Bytes4, Float, Float4 };
enum class Beyond { Clamp, Wrap, Mirror, Border };  // what is read outside of the image

// The result is as wide as an image; a volume, whose depth is not 0, is a cube of that side, cut by a plane.
// Layers are not 0 of a layered image, and are read by bands of 16 columns.
struct Turn {
  const char* work;
  Texels texels;
  Beyond beyond;
  bool normalized;
  bool linear;
  std::size_t layers = 0;
  std::size_t depth = 0;

  std::size_t components() const { return texels == Texels::Float ? 1 : 4; }
  std::size_t texel_bytes() const { return texels == Texels::Float4 ? 16 : 4; }
  // Of the image in its dimensions; 0 where it has no third.
  std::size_t width(std::size_t side) const { return depth != 0 ? depth : side; }
  std::size_t planes() const { return depth != 0 ? depth : layers; }
};

inline constexpr Turn kTurns[] = {
    {"turn-image", Texels::Bytes4, Beyond::Clamp, false, true},
    {"turn-image-normalized", Texels::Bytes4, Beyond::Clamp, true, true},
    {"turn-image-wrap", Texels::Bytes4, Beyond::Wrap, true, true},
    {"turn-image-mirror", Texels::Bytes4, Beyond::Mirror, true, true},
    {"turn-image-border", Texels::Bytes4, Beyond::Border, false, true},
    {"turn-image-nearest", Texels::Bytes4, Beyond::Clamp, false, false},
    {"turn-image-layers", Texels::Bytes4, Beyond::Clamp, false, true, 4},
    {"turn-image-volume", Texels::Bytes4, Beyond::Clamp, true, true, 0, 128},
    {"turn-float", Texels::Float, Beyond::Clamp, false, true},
    {"turn-float-nearest", Texels::Float, Beyond::Clamp, false, false},
    {"turn-float-volume", Texels::Float, Beyond::Clamp, true, true, 0, 128},
    {"turn-float4", Texels::Float4, Beyond::Clamp, false, true},
    {"turn-float4-wrap", Texels::Float4, Beyond::Wrap, true, true},
    {"turn-float4-nearest", Texels::Float4, Beyond::Clamp, false, false},
};

// Null: no such work.
inline const Turn* find_turn(const char* work) {
  for (const Turn& each : kTurns) {
    if (std::strcmp(each.work, work) == 0) return &each;
  }
  return nullptr;
}

// Texels row after row, plane after plane; floats lie in [0, 1].
inline std::vector<unsigned char> texels_of(const Turn& turn, std::size_t side) {
  const std::size_t planes = turn.planes() != 0 ? turn.planes() : 1;
  std::vector<unsigned char> bytes(turn.width(side) * turn.width(side) * planes * turn.texel_bytes());
  const auto value = [](std::size_t i) { return static_cast<unsigned char>(i * 2654435761U >> 21U & 255U); };
  if (turn.texels == Texels::Bytes4) {
    for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = value(i);
    return bytes;
  }
  for (std::size_t i = 0; i < bytes.size() / sizeof(float); ++i) {
    const float number = static_cast<float>(value(i)) / 255.0F;
    std::memcpy(&bytes[i * sizeof number], &number, sizeof number);
  }
  return bytes;
}

// Values are spread evenly from 0 to 1, and so what is mixed of them has its mean in the middle, but for what
// lies beyond a border, which is 0.
inline bool is_mean_of_turned(const Turn& turn, std::size_t side, const std::vector<float>& out) {
  double sum = 0;
  for (const float each : out) sum += static_cast<double>(each);
  double inside = 1;
  if (turn.beyond == Beyond::Border) {
    inside = 0;
    const float half = 0.5F * static_cast<float>(side);
    for (std::size_t i = 0; i < side * side; ++i) {
      const float x = static_cast<float>(i % side) - half, y = static_cast<float>(i / side) - half;
      if (std::abs(kCosine * x - kSine * y) < half && std::abs(kSine * x + kCosine * y) < half) inside += 1;
    }
    inside /= static_cast<double>(side * side);
  }
  return std::abs(sum / static_cast<double>(out.size()) - 0.5 * inside) < 0.01;
}

}  // namespace bench
