// SPDX-License-Identifier: Apache-2.0
#include "texture/surface.h"

#include <gtest/gtest.h>

#include <bit>
#include <cstring>

#include "test_image.h"

namespace doppel::texture_test {
namespace {

using ir::SurfaceBounds;
using ir::TextureForm;
using ir::TextureGeometry;
using texture::Element;
using texture::Shape;
using texture::SurfacePlace;

TextureForm form_of(TextureGeometry geometry, SurfaceBounds bounds, bool formatted = false) {
  TextureForm form;
  form.geometry = geometry;
  form.bounds = bounds;
  form.formatted = formatted;
  return form;
}

std::uint32_t word(int value) { return static_cast<std::uint32_t>(value); }

TEST(Surface, BytesOfARow) {
  const TestImage made = make_image({Element::U8, 4}, Shape::D2, 10, 6, 1, 1);
  const auto at = [&](int x, int y, SurfaceBounds bounds, std::uint32_t bytes = 4) {
    const std::uint32_t coordinates[] = {word(x), word(y)};
    return texture::surface_place(made.image, form_of(TextureGeometry::D2, bounds), coordinates, bytes,
                                  nullptr);
  };
  const auto address = [&](int x, int y) { return reinterpret_cast<std::uint64_t>(made.texel(x, y)); };
  EXPECT_EQ(at(12, 5, SurfaceBounds::Trap).address, address(3, 5));
  EXPECT_EQ(at(36, 5, SurfaceBounds::Trap).address, address(9, 5));
  for (const auto& [x, y] : {std::pair{40, 0}, std::pair{-4, 0}, std::pair{0, 6}, std::pair{0, -1}}) {
    EXPECT_EQ(at(x, y, SurfaceBounds::Trap).kind, SurfacePlace::Kind::Outside);
    EXPECT_EQ(at(x, y, SurfaceBounds::Zero).kind, SurfacePlace::Kind::Nowhere);
    EXPECT_EQ(at(x, y, SurfaceBounds::Clamp).kind, SurfacePlace::Kind::Inside);
  }
  EXPECT_EQ(at(400, 99, SurfaceBounds::Clamp).address, address(9, 5));
  EXPECT_EQ(at(-400, -9, SurfaceBounds::Clamp).address, address(0, 0));
  EXPECT_EQ(at(2, 0, SurfaceBounds::Zero).kind, SurfacePlace::Kind::Misaligned);
  EXPECT_EQ(at(36, 0, SurfaceBounds::Zero, 8).kind, SurfacePlace::Kind::Nowhere);
}

TEST(Surface, LayersAndFaces) {
  const TestImage made = make_image({Element::F32, 1}, Shape::D2, 4, 4, 1, 1, 1, 3);
  const auto at = [&](int layer, SurfaceBounds bounds) {
    const std::uint32_t coordinates[] = {word(layer), word(8), word(1), 0};
    return texture::surface_place(made.image, form_of(TextureGeometry::A2, bounds), coordinates, 4, nullptr);
  };
  EXPECT_EQ(at(2, SurfaceBounds::Trap).address, reinterpret_cast<std::uint64_t>(made.texel(2, 1, 0, 2)));
  EXPECT_EQ(at(3, SurfaceBounds::Trap).kind, SurfacePlace::Kind::Outside);
  EXPECT_EQ(at(9, SurfaceBounds::Clamp).address, reinterpret_cast<std::uint64_t>(made.texel(2, 1, 0, 2)));
}

TEST(Surface, FormattedStoresClampToTheFormat) {
  const auto stored = [](const texture::Format& format, std::uint32_t value) {
    std::uint32_t memory = 0xcdcdcdcd;
    texture::store_formatted(format, reinterpret_cast<std::uint64_t>(&memory), &value, 1);
    return memory;
  };
  EXPECT_EQ(stored({Element::U8, 1}, 300), 0xcdcdcdffu);
  EXPECT_EQ(stored({Element::S8, 1}, word(-200)), 0xcdcdcd80u);
  EXPECT_EQ(stored({Element::S16, 1}, word(40000)), 0xcdcd7fffu);
  EXPECT_EQ(stored({Element::F16, 1}, std::bit_cast<std::uint32_t>(1.5F)), 0xcdcd3e00u);
  EXPECT_EQ(stored({Element::U8, 1, true}, std::bit_cast<std::uint32_t>(0.5F)), 0xcdcdcd80u);
  EXPECT_EQ(stored({Element::U32, 1}, 77), 77u);
}

}  // namespace
}  // namespace doppel::texture_test
