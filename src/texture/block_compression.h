// SPDX-License-Identifier: Apache-2.0
// BC1 to BC5 (Khronos Data Format 1.3, chapter 18): a texel of a block, its interpolations in real numbers.
#pragma once

#include <array>
#include <cstddef>

#include "texture/format.h"

namespace doppel::texture {

// x, y: of the texel in the block, 0 to 3. Red, green, blue, alpha; 0, 0, 1 of those that it has not.
std::array<double, 4> block_texel(Element element, const std::byte* block, int x, int y);

}  // namespace doppel::texture
