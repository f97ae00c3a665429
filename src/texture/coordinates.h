// SPDX-License-Identifier: Apache-2.0
// From a coordinate to texels (CUDA C++ Programming Guide, "Texture Fetching").
//
// A coordinate becomes texels by one multiplication in f32. A filter's fraction has 8 bits: the place in
// texels is rounded to the nearest 1/256, ties to even. What is no number is 0.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>

#include "texture/sampler.h"

namespace doppel::texture {

inline constexpr std::int32_t kFractionOne = 256;
inline constexpr std::int32_t kOutside = -1;  // in place of a texel: the border

// Farther from 0 than any texture is long, and small enough for fixed-point numbers.
inline constexpr float kFarthest = 1 << 22;

inline float bounded(float texels) {
  return std::isnan(texels) ? 0.0F : std::clamp(texels, -kFarthest, kFarthest);
}

// The place in texels along one dimension of `size`. Wrap and mirror fold a normalised coordinate into [0,
// 1]; of others they are clamp.
inline float to_texels(float coordinate, AddressMode mode, bool normalized, std::int32_t size) {
  if (!normalized) return bounded(coordinate);
  if (mode == AddressMode::Wrap || mode == AddressMode::Mirror) {
    const float whole = std::floor(coordinate);
    const float part = coordinate - whole;
    const bool odd = mode == AddressMode::Mirror && std::fmod(whole, 2.0F) != 0;
    coordinate = odd ? 1.0F - part : part;
  }
  return bounded(coordinate * static_cast<float>(size));
}

// A texel's number in the texture, or kOutside.
inline std::int32_t to_index(std::int64_t texel, AddressMode mode, bool normalized, std::int32_t size) {
  if (texel >= 0 && texel < size) return static_cast<std::int32_t>(texel);
  if (mode == AddressMode::Border) return kOutside;
  if (mode == AddressMode::Wrap && normalized) {
    const std::int64_t rest = texel % size;
    return static_cast<std::int32_t>(rest < 0 ? rest + size : rest);
  }
  if (mode == AddressMode::Mirror && normalized) {
    const std::int64_t period = 2 * std::int64_t{size};
    std::int64_t rest = texel % period;
    if (rest < 0) rest += period;
    return static_cast<std::int32_t>(rest < size ? rest : period - 1 - rest);
  }
  return texel < 0 ? 0 : size - 1;
}

// The two texels of a linear filter, and how much of the second: 0 to 255 of 256.
struct Pair {
  std::int64_t first = 0;
  std::int32_t fraction = 0;
};

inline Pair to_pair(float texels) {
  const auto fixed = static_cast<std::int64_t>(std::nearbyint(texels * kFractionOne)) - kFractionOne / 2;
  return {fixed >> 8, static_cast<std::int32_t>(fixed & 255)};
}

// The bits of a float as a filter gives them: of all NaNs one (PTX ISA 9.7.3).
constexpr std::uint32_t canonical_nan(std::uint32_t bits) {
  return (bits & 0x7fffffffU) > 0x7f800000U ? 0x7fffffffU : bits;
}

inline std::int64_t to_nearest(float texels) { return static_cast<std::int64_t>(std::floor(texels)); }

}  // namespace doppel::texture
