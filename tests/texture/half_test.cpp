// SPDX-License-Identifier: Apache-2.0
#include "texture/half.h"

#include <gtest/gtest.h>

#include <cmath>

namespace doppel::texture {
namespace {

TEST(Half, EveryOneComesBack) {
  for (std::uint32_t i = 0; i < 0x10000; ++i) {
    const auto half = static_cast<std::uint16_t>(i);
    const float value = from_half(half);
    if (std::isnan(value)) {
      EXPECT_EQ(to_half(value), 0x7fff);
      continue;
    }
    EXPECT_EQ(to_half(value), half) << i;
    if ((half & 0x7c00) == 0x7c00) continue;
    EXPECT_EQ(std::ldexp(static_cast<double>(half & 0x3ff) + ((half & 0x7c00) != 0 ? 1024 : 0),
                         std::max(1, half >> 10 & 31) - 25) *
                  ((half & 0x8000) != 0 ? -1 : 1),
              static_cast<double>(value));
  }
}

TEST(Half, RoundsToNearestEven) {
  for (std::uint32_t i = 0; i < 0x7bff; ++i) {
    const double low = static_cast<double>(from_half(static_cast<std::uint16_t>(i)));
    const double high = static_cast<double>(from_half(static_cast<std::uint16_t>(i + 1)));
    const auto middle = static_cast<float>((low + high) / 2);
    EXPECT_EQ(to_half(middle), i + (i & 1));
    EXPECT_EQ(to_half(std::nextafter(middle, 0.0F)), i);
    EXPECT_EQ(to_half(std::nextafter(middle, 1e9F)), i + 1);
  }
  EXPECT_EQ(to_half(65519.99F), 0x7bff);
  EXPECT_EQ(to_half(65520.0F), 0x7c00);
  EXPECT_EQ(to_half(-1e30F), 0xfc00);
}

}  // namespace
}  // namespace doppel::texture
