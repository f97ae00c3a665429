// SPDX-License-Identifier: Apache-2.0
// The image that bench-on-card and bench-opencl turn, and by how much.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace bench {

inline constexpr float kCosine = 0.8F;
inline constexpr float kSine = 0.6F;

// Four bytes a pixel, row after row.
inline std::vector<unsigned char> image(std::size_t side) {
  std::vector<unsigned char> pixels(side * side * 4);
  for (std::size_t i = 0; i < pixels.size(); ++i)
    pixels[i] = static_cast<unsigned char>(i * 2654435761U >> 21U & 255U);
  return pixels;
}

// Its bytes are spread evenly from 0 to 255, and so what is mixed of them has its mean in the middle.
inline bool is_mean_of_image(double mean) { return std::abs(mean - 0.5) < 0.01; }

}  // namespace bench
