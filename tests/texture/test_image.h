// SPDX-License-Identifier: Apache-2.0
// Images in the test's own memory, filled with numbers of a seed.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "texture/image.h"
#include "texture/layout.h"

namespace doppel::texture_test {

struct TestImage {
  texture::Image image;
  std::vector<std::byte> memory;

  // The first byte of a texel.
  const std::byte* texel(int x, int y = 0, int z = 0, int layer = 0, int level = 0) const;
};

// floats: values in [-1, 2] in place of any bits.
TestImage make_image(const texture::Format& format, texture::Shape shape, int width, int height, int depth,
                     unsigned seed, int levels = 1, int layers = 0);

}  // namespace doppel::texture_test
