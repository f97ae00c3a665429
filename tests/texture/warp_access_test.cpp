// SPDX-License-Identifier: Apache-2.0
#include "texture/warp_access.h"

#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <cstring>
#include <vector>

#include "test_image.h"
#include "texture/fast_fetch.h"
#include "texture/sample.h"

namespace doppel::warp_access_test {
namespace {

using texture::AccessFault;
using texture::Element;
using texture::LaneWords;
using texture::Sampler;
using texture::Shape;
using texture::Texture;
using texture::WarpRequest;
using texture_test::make_image;
using texture_test::TestImage;

constexpr std::size_t kLanes = 32;

// Two textures of the same memory, which differ in their filter, and places in them.
class WarpAccess : public testing::Test {
 protected:
  WarpAccess() {
    for (std::size_t i = 0; i < 2; ++i) {
      samplers_[i].linear = i == 1;
      handles_[i] = table_.add_texture(
          {image_.image, samplers_[i], texture::fast_fetch_for(image_.image, samplers_[i])});
    }
    request_.form.geometry = ir::TextureGeometry::D2;
    request_.type = ir::Type::F32;
    request_.mask = 0xffffffff;
  }

  static float place(std::size_t lane, std::size_t dimension) {
    return static_cast<float>(lane * (dimension == 0 ? 5 : 3) % 17) * 0.75F;
  }

  // The lane's handle is number_of(lane); 2 is one that stands for nothing. one_handle: only the first is
  // there.
  template <typename NumberOf>
  std::optional<AccessFault> fetch(NumberOf number_of, bool one_handle) {
    request_.one_handle = one_handle;
    memory_.assign(texture::operand_bytes(request_) + 512, std::byte{0x5a});
    for (std::size_t lane = 0; lane < (one_handle ? 1 : kLanes); ++lane)
      std::memcpy(&memory_[lane * 8], &handles_[number_of(lane)], 8);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      for (std::size_t d = 0; d < 2; ++d) {
        const float at = place(lane, d);
        std::memcpy(&memory_[256 + d * 128 + lane * 4], &at, 4);
      }
    }
    request_.operands = memory_.data();
    return texture::access_textures(&table_, request_, nullptr);
  }

  std::uint32_t result(std::size_t row, std::size_t lane) const {
    std::uint32_t value = 0;
    std::memcpy(&value, &memory_[row * 128 + lane * 4], 4);
    return value;
  }

  void expect_texture(std::size_t lane, std::size_t number) {
    LaneWords words{};
    for (std::size_t d = 0; d < 2; ++d) words[d] = std::bit_cast<std::uint32_t>(place(lane, d));
    const auto wanted = texture::fetch_lane(image_.image, samplers_[number], request_.form, words, nullptr);
    for (std::size_t c = 0; c < 4; ++c) EXPECT_EQ(result(c, lane), wanted[c]) << "lane " << lane;
  }

  TestImage image_ = make_image({Element::U8, 4}, Shape::D2, 9, 11, 1, 4);
  std::array<Sampler, 2> samplers_;
  texture::ObjectTable table_;
  std::array<std::uint64_t, 3> handles_{0, 0, 0x123};
  WarpRequest request_;
  std::vector<std::byte> memory_;
};

TEST_F(WarpAccess, OneHandleIsThatOfAllLanes) {
  for (std::size_t number = 0; number < 2; ++number) {
    for (const bool one_handle : {false, true}) {
      for (const std::uint32_t mask : {0xffffffffU, 0x00f00f01U, 0x80000000U}) {
        request_.mask = mask;
        ASSERT_FALSE(fetch([&](std::size_t) { return number; }, one_handle));
        for (std::size_t lane = 0; lane < kLanes; ++lane) {
          if ((mask >> lane & 1) != 0) expect_texture(lane, number);
        }
      }
    }
  }
}

TEST_F(WarpAccess, LanesMayHaveTexturesOfTheirOwn) {
  ASSERT_FALSE(fetch([](std::size_t lane) { return lane % 3 == 0 ? 1 : 0; }, false));
  for (std::size_t lane = 0; lane < kLanes; ++lane) expect_texture(lane, lane % 3 == 0 ? 1 : 0);
}

TEST_F(WarpAccess, AHandleOfNothingIsAFault) {
  for (const bool one_handle : {false, true}) {
    request_.mask = 0xfffffff0;
    const auto fault = fetch([](std::size_t) { return 2; }, one_handle);
    ASSERT_TRUE(fault);
    EXPECT_EQ(fault->lane, 4);
    EXPECT_EQ(fault->handle, 0x123u);
  }
}

TEST_F(WarpAccess, ADestroyedTextureIsAFault) {
  ASSERT_TRUE(table_.remove(handles_[0]));
  for (const bool one_handle : {false, true}) EXPECT_TRUE(fetch([](std::size_t) { return 0; }, one_handle));
}

TEST_F(WarpAccess, AnotherGeometryIsAFault) {
  request_.form.geometry = ir::TextureGeometry::D3;
  for (const bool one_handle : {false, true}) EXPECT_TRUE(fetch([](std::size_t) { return 0; }, one_handle));
}

// Behind the results of a fetch that asks for it, whether all texels were there.
TEST_F(WarpAccess, AllTexelsAreThere) {
  request_.form.resident = true;
  for (const bool one_handle : {false, true}) {
    ASSERT_FALSE(fetch([](std::size_t) { return 1; }, one_handle));
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      expect_texture(lane, 1);
      EXPECT_EQ(result(4, lane), 0xffffffffu);
    }
  }
}

}  // namespace
}  // namespace doppel::warp_access_test
