// SPDX-License-Identifier: Apache-2.0
#include "texture/block_compression.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>

namespace doppel::texture {
namespace {

// Khronos Data Format 1.3, 18.1: red to blue, each of the four codes once in the first row.
TEST(BlockCompression, Bc1MixesThirds) {
  std::byte block[8];
  const std::uint16_t colors[2] = {0xf800, 0x001f};
  const std::uint32_t codes = 0b11'10'01'00;
  std::memcpy(block, colors, 4);
  std::memcpy(block + 4, &codes, 4);
  EXPECT_EQ(block_texel(Element::Bc1, block, 0, 0), (std::array<double, 4>{1, 0, 0, 1}));
  EXPECT_EQ(block_texel(Element::Bc1, block, 1, 0), (std::array<double, 4>{0, 0, 1, 1}));
  const auto third = block_texel(Element::Bc1, block, 2, 0);
  EXPECT_DOUBLE_EQ(third[0], 2.0 / 3);
  EXPECT_DOUBLE_EQ(third[2], 1.0 / 3);
  // The other way round code 3 is transparent black.
  const std::uint16_t swapped[2] = {0x001f, 0xf800};
  std::memcpy(block, swapped, 4);
  EXPECT_EQ(block_texel(Element::Bc1, block, 3, 0), (std::array<double, 4>{0, 0, 0, 0}));
  EXPECT_DOUBLE_EQ(block_texel(Element::Bc1, block, 2, 0)[0], 0.5);
}

TEST(BlockCompression, Bc4HasEightOrSixValues) {
  std::byte block[8] = {};
  block[0] = std::byte{255};
  block[1] = std::byte{0};
  block[2] = std::byte{0b00'010'001};  // codes 1, 2, 0
  EXPECT_EQ(block_texel(Element::Bc4U, block, 0, 0)[0], 0);
  EXPECT_DOUBLE_EQ(block_texel(Element::Bc4U, block, 1, 0)[0], 6.0 / 7);
  EXPECT_EQ(block_texel(Element::Bc4U, block, 2, 0)[0], 1);
  block[0] = std::byte{0};
  block[1] = std::byte{255};
  block[2] = std::byte{0b00'111'110};  // 6: least, 7: most
  EXPECT_EQ(block_texel(Element::Bc4U, block, 0, 0)[0], 0);
  EXPECT_EQ(block_texel(Element::Bc4U, block, 1, 0)[0], 1);
  block[0] = std::byte{0x81};  // -127
  block[1] = std::byte{0x7f};
  EXPECT_EQ(block_texel(Element::Bc4S, block, 0, 0)[0], -1);
  EXPECT_EQ(block_texel(Element::Bc4S, block, 1, 0)[0], 1);
}

}  // namespace
}  // namespace doppel::texture
