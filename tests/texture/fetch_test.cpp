// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <string>
#include <tuple>

#include "reference_fetch.h"
#include "test_image.h"
#include "texture/fast_fetch.h"
#include "texture/half.h"
#include "texture/sample.h"

namespace doppel::texture_test {
namespace {

using ir::TextureForm;
using ir::TextureGeometry;
using texture::AddressMode;
using texture::Element;
using texture::Format;
using texture::LaneWords;
using texture::Sampler;
using texture::Shape;

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }
float real(std::uint32_t value) { return std::bit_cast<float>(value); }

// What 1.0 is in whole numbers that are read as [0, 1] or [-1, 1].
long double unit_of(const Format& format) {
  switch (format.element) {
    case Element::U8:
      return 255;
    case Element::S8:
      return 127;
    case Element::U16:
      return 65535;
    case Element::S16:
      return 32767;
    default:
      return 1;
  }
}

// A component of a texel, in these units.
long double component(const Format& format, const std::byte* texel, int c) {
  const auto read = [&]<typename T>(T) {
    T value;
    std::memcpy(&value, texel + static_cast<std::size_t>(c) * sizeof(T), sizeof(T));
    return value;
  };
  switch (format.element) {
    case Element::U8:
      return read(std::uint8_t{});
    case Element::S8:
      return std::fmax(-127.0L, read(std::int8_t{}));
    case Element::U16:
      return read(std::uint16_t{});
    case Element::S16:
      return std::fmax(-32767.0L, read(std::int16_t{}));
    case Element::F16:
      return static_cast<long double>(texture::from_half(read(std::uint16_t{})));
    default:
      return static_cast<long double>(read(float{}));
  }
}

Mode mode_of(AddressMode mode) { return static_cast<Mode>(mode); }

constexpr float kSpecial[] = {0.0F, -0.0F, 0.5F,  1.0F,     -1.0F,     0.25F, 1e-30F,      0.998046875F,
                              3e9F, -7e8F, 1e30F, INFINITY, -INFINITY, NAN,   16777217.0F, 8388607.5F};

using Case = std::tuple<Format, Shape, AddressMode, bool, bool>;

class Fetch : public testing::TestWithParam<Case> {
 protected:
  static std::vector<float> coordinates(std::mt19937& random, const std::vector<int>& size, bool normalized) {
    std::vector<float> at;
    for (const int each : size) {
      if (random() % 8 == 0) {
        at.push_back(kSpecial[random() % std::size(kSpecial)]);
        continue;
      }
      const float unit = static_cast<float>(random()) / 4294967296.0F * 3 - 1;
      // Often on a 1/512 of a texel, where roundings meet.
      float place = unit * static_cast<float>(each);
      if (random() % 2 == 0) place = std::rint(place * 512) / 512;
      at.push_back(normalized ? place / static_cast<float>(each) : place);
    }
    return at;
  }
};

// Every format, shape, address mode and filter: one thread's fetch and the warp's against the guide.
TEST_P(Fetch, IsTheGuidesFormula) {
  const auto& [format, shape, mode, normalized, linear] = GetParam();
  const std::vector<int> size = shape == Shape::D1   ? std::vector{37}
                                : shape == Shape::D2 ? std::vector{19, 13}
                                                     : std::vector{11, 6, 5};
  const TestImage made =
      make_image(format, shape, size[0], size.size() > 1 ? size[1] : 1, size.size() > 2 ? size[2] : 1, 7);
  Sampler sampler;
  sampler.modes = {mode, mode, mode};
  sampler.normalized_coordinates = normalized;
  sampler.linear = linear;
  sampler.border = {0.25F, -0.5F, 1.5F, 0.75F};
  TextureForm form;
  form.geometry = shape == Shape::D1   ? TextureGeometry::D1
                  : shape == Shape::D2 ? TextureGeometry::D2
                                       : TextureGeometry::D3;
  texture::Texture texture{made.image, sampler, nullptr};
  texture.fast = texture::fast_fetch_for(made.image, sampler);
  std::mt19937 random(static_cast<unsigned>(mode) * 8 + (linear ? 4 : 0) + (normalized ? 2 : 0));
  for (int round = 0; round < 24; ++round) {
    std::uint32_t words[4][32] = {}, fast[4][32] = {};
    std::vector<std::vector<float>> at;
    for (std::size_t lane = 0; lane < 32; ++lane) {
      at.push_back(coordinates(random, size, normalized));
      for (std::size_t d = 0; d < size.size(); ++d) words[d][lane] = bits(at.back()[d]);
    }
    const std::uint32_t mask = round % 3 == 0 ? 0xffffffff : static_cast<std::uint32_t>(random());
    if (texture.fast != nullptr) texture.fast(texture, mask, words, fast, nullptr);
    for (std::size_t lane = 0; lane < 32; ++lane) {
      LaneWords one{};
      for (std::size_t d = 0; d < size.size(); ++d) one[d] = words[d][lane];
      const auto found = texture::fetch_lane(made.image, sampler, form, one, nullptr);
      for (int c = 0; c < 4; ++c) {
        const auto i = static_cast<std::size_t>(c);
        float wanted = c == 3 ? 1.0F : 0.0F;
        ReferenceTexture reference;
        reference.size = size;
        reference.modes.assign(size.size(), mode_of(mode));
        reference.normalized = normalized;
        reference.linear = linear;
        reference.unit = unit_of(format);
        reference.border = static_cast<long double>(sampler.border[i]);
        reference.texel = [&, c = c](const std::vector<int>& index) {
          return c < format.channels ? component(format,
                                                 made.texel(index[0], index.size() > 1 ? index[1] : 0,
                                                            index.size() > 2 ? index[2] : 0),
                                                 c)
                                     : (c == 3 ? unit_of(format) : 0.0L);
        };
        wanted = reference_fetch(reference, at[lane]);
        ASSERT_EQ(real(found[i]), wanted)
            << "component " << c << " at " << at[lane][0] << ", round " << round;
        // What a format has not is 0 and 1, but where the border counts.
        if (texture.fast != nullptr && (mask >> lane & 1) != 0) {
          ASSERT_EQ(fast[i][lane], found[i]) << "component " << c << " at " << at[lane][0];
        }
      }
    }
  }
}

const Format kFormats[] = {
    {Element::U8, 1},  {Element::U8, 2},  {Element::U8, 4},  {Element::S8, 4},  {Element::U16, 1},
    {Element::S16, 2}, {Element::F16, 4}, {Element::F32, 1}, {Element::F32, 2}, {Element::F32, 4},
};

INSTANTIATE_TEST_SUITE_P(Texture, Fetch,
                         testing::Combine(testing::ValuesIn(kFormats),
                                          testing::Values(Shape::D1, Shape::D2, Shape::D3),
                                          testing::Values(AddressMode::Wrap, AddressMode::Clamp,
                                                          AddressMode::Mirror, AddressMode::Border),
                                          testing::Bool(), testing::Bool()),
                         [](const auto& all) { return "case" + std::to_string(all.index); });

LaneWords words_of(std::initializer_list<float> values) {
  LaneWords words{};
  std::size_t i = 0;
  for (const float each : values) words[i++] = bits(each);
  return words;
}

TEST(TextureFetch, ATexelOfNoWeightDoesNotCount) {
  TestImage made = make_image({Element::F32, 1}, Shape::D1, 4, 1, 1, 1);
  auto* const texels = reinterpret_cast<float*>(made.image.levels[0].base);
  texels[0] = INFINITY;
  texels[1] = 3;
  texels[2] = NAN;
  Sampler sampler;
  sampler.linear = true;
  TextureForm form;
  form.geometry = TextureGeometry::D1;
  EXPECT_EQ(real(texture::fetch_lane(made.image, sampler, form, words_of({1.5F}), nullptr)[0]), 3);
}

TEST(TextureFetch, WholeNumbersAreReadAsTheyStand) {
  const TestImage made = make_image({Element::S16, 2}, Shape::D2, 5, 3, 1, 3);
  Sampler sampler;
  sampler.as_integers = true;
  TextureForm form;
  form.geometry = TextureGeometry::D2;
  std::int16_t texel[2];
  std::memcpy(texel, made.texel(4, 2), 4);
  const auto found = texture::fetch_lane(made.image, sampler, form, words_of({9.5F, 2.25F}), nullptr);
  EXPECT_EQ(static_cast<std::int32_t>(found[0]), texel[0]);
  EXPECT_EQ(static_cast<std::int32_t>(found[1]), texel[1]);
  EXPECT_EQ(found[2], 0u);
  EXPECT_EQ(found[3], 1u);
}

TEST(TextureFetch, LayersAreClamped) {
  const TestImage made = make_image({Element::U8, 1}, Shape::D2, 4, 4, 1, 5, 1, 3);
  Sampler sampler;
  sampler.as_integers = true;
  TextureForm form;
  form.geometry = TextureGeometry::A2;
  for (const auto& [layer, meant] : {std::pair{1, 1}, std::pair{7, 2}, std::pair{-4, 0}}) {
    LaneWords words = words_of({0, 2.0F, 3.0F});
    words[0] = static_cast<std::uint32_t>(layer);
    EXPECT_EQ(texture::fetch_lane(made.image, sampler, form, words, nullptr)[0],
              static_cast<std::uint32_t>(*made.texel(2, 3, 0, meant)));
  }
}

TEST(TextureFetch, OffsetsAreTexels) {
  const TestImage made = make_image({Element::U8, 1}, Shape::D2, 8, 8, 1, 5);
  Sampler sampler;
  sampler.as_integers = true;
  TextureForm form;
  form.geometry = TextureGeometry::D2;
  form.offsets = true;
  LaneWords words = words_of({3.5F, 4.5F});
  words[2] = static_cast<std::uint32_t>(-2);
  words[3] = 3;
  EXPECT_EQ(texture::fetch_lane(made.image, sampler, form, words, nullptr)[0],
            static_cast<std::uint32_t>(*made.texel(1, 7)));
}

TEST(TextureFetch, PlainMemoryIsZeroOutside) {
  TestImage made = make_image({Element::U8, 1}, Shape::D1, 8, 1, 1, 5);
  made.image.buffer = true;
  Sampler sampler;
  sampler.as_integers = true;
  TextureForm form;
  form.geometry = TextureGeometry::D1;
  form.texels = true;
  for (const int at : {-1, 8, 1 << 30, INT32_MIN}) {
    LaneWords words{};
    words[0] = static_cast<std::uint32_t>(at);
    for (const std::uint32_t each : texture::fetch_lane(made.image, sampler, form, words, nullptr))
      EXPECT_EQ(each, 0u);
  }
  LaneWords words{};
  words[0] = 7;
  EXPECT_EQ(texture::fetch_lane(made.image, sampler, form, words, nullptr)[0],
            static_cast<std::uint32_t>(*made.texel(7)));
}

// PTX ISA 9.7.10.4: the four texels of the bilinear footprint, counterclockwise from the lower left.
TEST(TextureFetch, GatherTakesTheFourTexels) {
  const TestImage made = make_image({Element::U8, 4}, Shape::D2, 8, 8, 1, 9);
  Sampler sampler;
  sampler.as_integers = true;
  TextureForm form;
  form.geometry = TextureGeometry::D2;
  form.component = ir::TextureComponent::Blue;
  const auto found = texture::gather_lane(made.image, sampler, form, words_of({3.0F, 5.0F}), nullptr);
  const int places[4][2] = {{2, 5}, {3, 5}, {3, 4}, {2, 4}};
  for (std::size_t i = 0; i < 4; ++i)
    EXPECT_EQ(found[i], static_cast<std::uint32_t>(made.texel(places[i][0], places[i][1])[2])) << i;
}

// The level is rounded to 1/256; between two their sums are mixed before the one rounding to f32.
TEST(TextureFetch, LevelsAreMixed) {
  const TestImage made = make_image({Element::U8, 1}, Shape::D2, 16, 16, 1, 21, 5);
  Sampler sampler;
  sampler.normalized_coordinates = true;
  sampler.linear = true;
  sampler.linear_levels = true;
  sampler.most_level = 10;
  TextureForm form;
  form.geometry = TextureGeometry::D2;
  form.level = ir::TextureLevel::Level;
  std::mt19937 random(4);
  const auto unrounded = [&](int level, float x, float y) {
    const int size = 16 >> level;
    long double sum = 0;
    const long double px =
        std::rint(static_cast<long double>(x * static_cast<float>(size)) * 256) / 256 - 0.5L;
    const long double py =
        std::rint(static_cast<long double>(y * static_cast<float>(size)) * 256) / 256 - 0.5L;
    const long double fx = px - std::floor(px), fy = py - std::floor(py);
    for (int j = 0; j < 2; ++j) {
      for (int i = 0; i < 2; ++i) {
        const int at_x = std::min(size - 1, std::max(0, static_cast<int>(std::floor(px)) + i));
        const int at_y = std::min(size - 1, std::max(0, static_cast<int>(std::floor(py)) + j));
        sum += (i != 0 ? fx : 1 - fx) * (j != 0 ? fy : 1 - fy) *
               static_cast<long double>(std::to_integer<int>(*made.texel(at_x, at_y, 0, 0, level))) / 255;
      }
    }
    return sum;
  };
  for (int i = 0; i < 200; ++i) {
    const float x = static_cast<float>(random() % 1000) / 1000,
                y = static_cast<float>(random() % 1000) / 1000;
    const float lod = static_cast<float>(random() % 6000) / 1000 - 1;
    sampler.level_bias = static_cast<float>(random() % 3) * 0.25F;
    const long double level =
        std::rint(std::fmin(std::fmax(static_cast<long double>(lod) + sampler.level_bias, 0), 4) * 256) / 256;
    const int low = static_cast<int>(std::floor(level));
    const long double part = level - low;
    const auto wanted = static_cast<float>((1 - part) * unrounded(low, x, y) +
                                           (part == 0 ? 0 : part * unrounded(std::min(low + 1, 4), x, y)));
    const auto found = texture::fetch_lane(made.image, sampler, form, words_of({x, y, lod}), nullptr);
    ASSERT_EQ(real(found[0]), wanted) << x << ", " << y << " at level " << lod;
  }
}

TEST(TextureFetch, GradientsChooseTheLevel) {
  TestImage made = make_image({Element::F32, 1}, Shape::D2, 64, 64, 1, 2, 7);
  for (int level = 0; level < 7; ++level) {
    for (int y = 0; y < 64 >> level; ++y) {
      for (int x = 0; x < 64 >> level; ++x) {
        const auto value = static_cast<float>(level);
        std::memcpy(const_cast<std::byte*>(made.texel(x, y, 0, 0, level)), &value, 4);
      }
    }
  }
  Sampler sampler;
  sampler.normalized_coordinates = true;
  sampler.linear = sampler.linear_levels = true;
  sampler.most_level = 100;
  TextureForm form;
  form.geometry = TextureGeometry::D2;
  form.level = ir::TextureLevel::Gradient;
  const auto level = [&](float dx, float dy) {
    return real(
        texture::fetch_lane(made.image, sampler, form, words_of({0.5F, 0.5F, dx, 0, 0, dy}), nullptr)[0]);
  };
  EXPECT_EQ(level(1.0F / 64, 0), 0);
  EXPECT_EQ(level(4.0F / 64, 1.0F / 64), 2);
  EXPECT_EQ(level(1.0F / 64, 16.0F / 64), 4);
  EXPECT_EQ(level(0, 0), 0);
  EXPECT_EQ(level(100, 0), 6);
  // Four samples along the longer axis: the level of the shorter.
  sampler.most_anisotropy = 16;
  EXPECT_EQ(level(4.0F / 64, 1.0F / 64), 0);
  sampler.most_anisotropy = 2;
  EXPECT_EQ(level(4.0F / 64, 1.0F / 64), 1);
}

TEST(TextureFetch, CubesAreReadByDirection) {
  TestImage made = make_image({Element::U8, 1}, Shape::Cube, 4, 4, 1, 8);
  Sampler sampler;
  sampler.as_integers = true;
  TextureForm form;
  form.geometry = TextureGeometry::Cube;
  // CUDA C++ Programming Guide, table of cubemap faces: the direction, the face, and where on it.
  struct Direction {
    float x, y, z;
    int face, s, t;
  };
  const Direction directions[] = {
      {1, -0.75F, 0.25F, 0, 1, 3}, {-1, 0.25F, -0.75F, 1, 0, 1}, {0.25F, 1, 0.75F, 2, 2, 3},
      {0.25F, -1, 0.75F, 3, 2, 0}, {-0.75F, 0.25F, 1, 4, 0, 1},  {-0.75F, 0.25F, -1, 5, 3, 1},
  };
  for (const Direction& each : directions) {
    const auto found =
        texture::fetch_lane(made.image, sampler, form, words_of({each.x, each.y, each.z}), nullptr);
    EXPECT_EQ(found[0], static_cast<std::uint32_t>(*made.texel(each.s, each.t, 0, each.face)))
        << "face " << each.face;
  }
}

TEST(TextureFetch, SeamlessCubesMeetAtTheirEdges) {
  TestImage made = make_image({Element::F32, 1}, Shape::Cube, 8, 8, 1, 8);
  for (int face = 0; face < 6; ++face) {
    for (int y = 0; y < 8; ++y) {
      for (int x = 0; x < 8; ++x) {
        const auto value = static_cast<float>(face);
        std::memcpy(const_cast<std::byte*>(made.texel(x, y, 0, face)), &value, 4);
      }
    }
  }
  Sampler sampler;
  sampler.linear = true;
  TextureForm form;
  form.geometry = TextureGeometry::Cube;
  // On the edge of +x and +y.
  const auto at_edge = [&] {
    return real(texture::fetch_lane(made.image, sampler, form, words_of({1, 1, 0}), nullptr)[0]);
  };
  EXPECT_EQ(at_edge(), 0);
  sampler.seamless = true;
  EXPECT_EQ(at_edge(), 1);  // half of face 0, half of face 2
  // At the corner of three the mean of the three.
  EXPECT_NEAR(real(texture::fetch_lane(made.image, sampler, form, words_of({1, 1, 1}), nullptr)[0]),
              (0 + 2 + 4 + (0 + 2 + 4) / 3.0) / 4, 1e-5);
}

TEST(TextureFetch, SrgbIsMadeLinearBeforeFiltering) {
  TestImage made = make_image({Element::U8, 4}, Shape::D1, 2, 1, 1, 1);
  auto* const texels = reinterpret_cast<std::uint8_t*>(made.image.levels[0].base);
  const std::uint8_t values[8] = {0, 10, 188, 0, 255, 10, 188, 255};
  std::memcpy(texels, values, 8);
  Sampler sampler;
  sampler.linear = true;
  sampler.srgb = true;
  TextureForm form;
  form.geometry = TextureGeometry::D1;
  const auto found = texture::fetch_lane(made.image, sampler, form, words_of({1.0F}), nullptr);
  EXPECT_EQ(real(found[0]), 0.5F);
  EXPECT_NEAR(real(found[1]), 10 / 255.0 / 12.92, 1e-8);
  EXPECT_NEAR(real(found[2]), std::pow((188 / 255.0 + 0.055) / 1.055, 2.4), 1e-7);
  EXPECT_EQ(real(found[3]), 0.5F);  // alpha is linear
}

}  // namespace
}  // namespace doppel::texture_test
