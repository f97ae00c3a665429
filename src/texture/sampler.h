// SPDX-License-Identifier: Apache-2.0
// How a texture is read (CUDA C++ Programming Guide, "Texture Fetching").
#pragma once

#include <array>
#include <cstdint>

namespace doppel::texture {

enum class AddressMode : std::uint8_t { Wrap, Clamp, Mirror, Border };

struct Sampler {
  std::array<AddressMode, 3> modes{AddressMode::Clamp, AddressMode::Clamp, AddressMode::Clamp};
  bool linear = false;
  bool linear_levels = false;
  bool normalized_coordinates = false;
  bool as_integers = false;  // whole numbers of 8 and 16 bits are not made floats in [0, 1] or [-1, 1]
  bool srgb = false;         // of 8-bit texels: made linear when they are read
  bool seamless = false;     // a cube's edges are filtered across
  int most_anisotropy = 1;
  float level_bias = 0, least_level = 0, most_level = 0;
  std::array<float, 4> border{};
};

}  // namespace doppel::texture
