// SPDX-License-Identifier: Apache-2.0
#include "api/common/handles.h"

#include <gtest/gtest.h>

namespace doppel::api {
namespace {

using Numbers = HandleTable<std::uint64_t, int>;

TEST(Handles, AnObjectKeepsItsHandleWhileItIsInTheTable) {
  Numbers table;
  const auto object = std::make_shared<int>(1);
  const std::uint64_t handle = table.add(object);
  EXPECT_EQ(table.add(object), handle);
  EXPECT_EQ(table.find(handle), object);
}

TEST(Handles, NoHandleIsUsedTwice) {
  Numbers table;
  Numbers other;
  const auto object = std::make_shared<int>(1);
  const std::uint64_t handle = table.add(object);
  EXPECT_EQ(table.remove(handle), object);
  EXPECT_EQ(table.find(handle), nullptr);
  EXPECT_EQ(table.remove(handle), nullptr);
  EXPECT_NE(table.add(object), handle);
  EXPECT_NE(other.add(object), table.add(object));
  EXPECT_EQ(other.find(table.add(object)), nullptr);
}

TEST(Handles, ObjectsAreRemovedByCondition) {
  Numbers table;
  const std::uint64_t odd = table.add(std::make_shared<int>(1));
  const std::uint64_t even = table.add(std::make_shared<int>(2));
  table.remove_if([](int number) { return number % 2 != 0; });
  EXPECT_EQ(table.find(odd), nullptr);
  EXPECT_NE(table.find(even), nullptr);
}

}  // namespace
}  // namespace doppel::api
