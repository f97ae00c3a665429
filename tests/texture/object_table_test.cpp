// SPDX-License-Identifier: Apache-2.0
#include "texture/object_table.h"

#include <gtest/gtest.h>

#include <set>

namespace doppel::texture {
namespace {

Texture texture_of_width(int width) {
  Texture texture;
  texture.image.levels[0].width = width;
  return texture;
}

TEST(ObjectTable, AHandleIsNeverUsedAgain) {
  ObjectTable table;
  std::set<std::uint64_t> handles;
  for (int i = 0; i < 5000; ++i) {
    const std::uint64_t handle = table.add_texture(texture_of_width(i));
    EXPECT_TRUE(handles.insert(handle).second);
    ASSERT_NE(table.texture(handle), nullptr);
    EXPECT_EQ(table.texture(handle)->image.levels[0].width, i);
    if (i % 3 != 0) {
      EXPECT_TRUE(table.remove(handle));
      EXPECT_EQ(table.texture(handle), nullptr);
      EXPECT_FALSE(table.remove(handle));
    }
  }
}

TEST(ObjectTable, KindsAreApart) {
  ObjectTable table;
  const std::uint64_t texture = table.add_texture(texture_of_width(1));
  const std::uint64_t surface = table.add_surface({});
  EXPECT_EQ(table.surface(texture), nullptr);
  EXPECT_EQ(table.texture(surface), nullptr);
  EXPECT_NE(table.surface(surface), nullptr);
  for (const std::uint64_t invented :
       {std::uint64_t{0}, ~std::uint64_t{0}, texture + 1, texture ^ (std::uint64_t{1} << 40)}) {
    EXPECT_EQ(table.texture(invented), nullptr);
    EXPECT_EQ(table.surface(invented), nullptr);
    EXPECT_FALSE(table.remove(invented));
  }
}

TEST(ObjectTable, WhatAReaderFoundStays) {
  ObjectTable table;
  const auto memory = std::make_shared<int>(5);
  Texture texture = texture_of_width(3);
  texture.image.memory = memory;
  const std::uint64_t handle = table.add_texture(std::move(texture));
  {
    const ObjectTable::Reader reader(table);
    const Texture* const found = table.texture(handle);
    table.remove(handle);
    EXPECT_EQ(found->image.levels[0].width, 3);
    EXPECT_EQ(memory.use_count(), 2);
  }
  EXPECT_EQ(memory.use_count(), 1);
}

TEST(ObjectTable, AnotherTextureMayStandBehindAHandle) {
  ObjectTable table;
  const std::uint64_t handle = table.add_texture(texture_of_width(3));
  EXPECT_TRUE(table.replace_texture(handle, texture_of_width(4)));
  EXPECT_EQ(table.texture(handle)->image.levels[0].width, 4);
  EXPECT_FALSE(table.replace_surface(handle, {}));
}

}  // namespace
}  // namespace doppel::texture
