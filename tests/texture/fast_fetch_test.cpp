// SPDX-License-Identifier: Apache-2.0
// Every way to fetch a whole warp gives the bits of fetch_lane(): of each that this host can run.
#include "texture/fast_fetch.h"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "test_image.h"
#include "texture/general_fetch.h"
#include "texture/sample.h"
#include "texture/vector_fetch.h"

namespace doppel::fast_fetch_test {
namespace {

using texture::AddressMode;
using texture::Element;
using texture::FastFetch;
using texture::Format;
using texture::LaneWords;
using texture::Sampler;
using texture::Shape;
using texture_test::make_image;
using texture_test::TestImage;

constexpr std::size_t kLanes = 32;

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

struct Way {
  const char* name;
  FastFetch fetch;
};

std::vector<Way> ways(const texture::Image& image, const Sampler& sampler) {
  std::vector<Way> all{{"chosen", texture::fast_fetch_for(image, sampler)}};
  if (all[0].fetch == nullptr) return {};
  for (const Way& way : {Way{"general", texture::general_fetch_for(image, sampler)},
                         Way{"AVX2", texture::avx2_fetch(image, sampler)},
                         Way{"AVX-512", texture::avx512_fetch(image, sampler)}}) {
    if (way.fetch != nullptr) all.push_back(way);
  }
  return all;
}

// A warp's words, 0 where the form has none.
struct Words {
  std::uint32_t rows[5][kLanes] = {};
};

// The results of lanes in the mask, by each way; where the words are, as the engine asks for them.
void expect_bits_of_fetch_lane(const texture::Image& image, const Sampler& sampler, const Words& words,
                               std::uint32_t mask, const std::string& what) {
  texture::Texture texture{image, sampler, nullptr};
  ir::TextureForm form;
  form.geometry = image.geometry();
  const auto count = static_cast<std::size_t>(form.words());
  std::uint32_t wanted[4][kLanes] = {};
  for (std::size_t lane = 0; lane < kLanes; ++lane) {
    LaneWords one{};
    for (std::size_t row = 0; row < count; ++row) one[row] = words.rows[row][lane];
    const auto found = texture::fetch_lane(image, sampler, form, one, nullptr);
    for (std::size_t c = 0; c < 4; ++c) wanted[c][lane] = found[c];
  }
  for (const Way& way : ways(image, sampler)) {
    // Handles first, then the words; the results from the first byte on.
    std::uint32_t memory[2 + 5][kLanes] = {};
    std::memcpy(memory[2], words.rows, sizeof words.rows);
    way.fetch(texture, mask, memory + 2, memory, nullptr);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      if ((mask >> lane & 1) == 0) continue;
      for (std::size_t c = 0; c < 4; ++c) {
        ASSERT_EQ(memory[c][lane], wanted[c][lane])
            << what << ", " << way.name << ": component " << c << " of lane " << lane << " at words "
            << words.rows[0][lane] << ' ' << words.rows[1][lane] << ' ' << words.rows[2][lane];
      }
    }
  }
}

float some_coordinate(std::mt19937& random, int size, bool normalized, float spread) {
  static constexpr float kSpecial[] = {
      0.0F,       -0.0F,          0.5F,   1.0F,      -1.0F,    0.25F,        1e-30F,        -1e-30F,
      3e9F,       -7e8F,          1e30F,  -1e38F,    INFINITY, -INFINITY,    NAN,           16777217.0F,
      8388607.5F, -2147483648.0F, 1e-42F, 4194304.F, -4e6F,    0.998046875F, 2147483648.0F, 1.5F};
  if (random() % 16 == 0) return kSpecial[random() % std::size(kSpecial)];
  if (random() % 64 == 0) return std::bit_cast<float>(static_cast<std::uint32_t>(random()));
  const float unit = static_cast<float>(random()) / 4294967296.0F * spread - (spread - 1) / 2;
  float place = unit * static_cast<float>(size);
  // Often on a 1/512 of a texel, where roundings meet.
  if (random() % 2 == 0) place = std::rint(place * 512) / 512;
  return normalized ? place / static_cast<float>(size) : place;
}

struct Extent {
  Shape shape;
  int width, height, depth, layers;
};

using Case = std::tuple<Format, Extent, AddressMode, bool, bool>;
class FastFetches : public testing::TestWithParam<Case> {};

// Warps that lie inside, that reach beyond the ends, and whose lanes are anywhere; some lanes do not take
// part.
TEST_P(FastFetches, AreThoseOfOneThread) {
  const auto& [format, extent, mode, normalized, linear] = GetParam();
  const TestImage made =
      make_image(format, extent.shape, extent.width, extent.height, extent.depth, 11, 1, extent.layers);
  std::mt19937 random(static_cast<unsigned>(mode) * 8 + (linear ? 4 : 0) + (normalized ? 2 : 0));
  Sampler sampler;
  sampler.modes = {mode, mode, mode};
  sampler.normalized_coordinates = normalized;
  sampler.linear = linear;
  const int sizes[3] = {extent.width, extent.height, extent.depth};
  static constexpr std::array<float, 4> kBorders[] = {
      {0, 0, 0, 0}, {1, 0, 1, 1}, {0.25F, -0.5F, 1.5F, 0.75F}, {1, 1, 1, INFINITY}};
  for (int round = 0; round < 60; ++round) {
    sampler.border = kBorders[round % std::size(kBorders)];
    // One mode of each.
    if (round % 5 == 4) sampler.modes[1] = static_cast<AddressMode>(random() % 4);
    const bool within = round % 3 == 0;
    Words words;
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      std::size_t row = 0;
      if (extent.layers > 0)
        words.rows[row++][lane] = round % 2 == 0 ? 1 : static_cast<std::uint32_t>(random() % 7) - 2;
      for (const int size : sizes) {
        float at = some_coordinate(random, size, normalized, 3);
        if (within) {
          at = static_cast<float>(random()) / 4294967296.0F;
          at = 0.3F + 0.4F * at;
          if (!normalized) at *= static_cast<float>(size);
        }
        words.rows[row++][lane] = bits(at);
      }
    }
    const std::uint32_t mask = round % 4 == 0 ? 0xffffffff : static_cast<std::uint32_t>(random());
    expect_bits_of_fetch_lane(made.image, sampler, words, mask, "round " + std::to_string(round));
    if (HasFatalFailure()) return;
  }
}

const Format kFormats[] = {{Element::U8, 1},  {Element::U8, 2},  {Element::U8, 4},
                           {Element::F32, 1}, {Element::F32, 2}, {Element::F32, 4}};
const Extent kExtents[] = {{Shape::D1, 37, 1, 1, 0}, {Shape::D1, 21, 1, 1, 4}, {Shape::D2, 19, 13, 1, 0},
                           {Shape::D2, 1, 1, 1, 0},  {Shape::D2, 2, 64, 1, 0}, {Shape::D2, 9, 7, 1, 5},
                           {Shape::D3, 11, 6, 5, 0}, {Shape::D3, 2, 3, 1, 0}};

INSTANTIATE_TEST_SUITE_P(Texture, FastFetches,
                         testing::Combine(testing::ValuesIn(kFormats), testing::ValuesIn(kExtents),
                                          testing::Values(AddressMode::Wrap, AddressMode::Clamp,
                                                          AddressMode::Mirror, AddressMode::Border),
                                          testing::Bool(), testing::Bool()),
                         [](const auto& all) { return "case" + std::to_string(all.index); });

// All sums that two texels of bytes and a fraction give, and all that one, two or three of 255 do.
TEST(FastFetch, DividesEverySumOfBytes) {
  TestImage made = make_image({Element::U8, 4}, Shape::D2, 256, 256, 1, 1);
  for (int y = 0; y < 256; ++y) {
    for (int x = 0; x < 256; ++x) {
      auto* const texel = const_cast<std::byte*>(made.texel(x, y));
      const int values[4] = {x, y, (x & 1) * 255, (y & 1) * 255};
      for (int c = 0; c < 4; ++c) texel[c] = static_cast<std::byte>(values[c]);
    }
  }
  Sampler sampler;
  sampler.linear = true;
  for (int fy = 0; fy < 256; ++fy) {
    for (int fx = 0; fx < 256; fx += static_cast<int>(kLanes)) {
      Words words;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        const auto at = [](int whole, int fraction) {
          return bits(static_cast<float>(whole) + 0.5F + static_cast<float>(fraction) / 256);
        };
        words.rows[0][lane] = at((fy * 31 + fx) % 255, fx + static_cast<int>(lane));
        words.rows[1][lane] = at((fx * 17 + fy) % 255, fy);
      }
      expect_bits_of_fetch_lane(made.image, sampler, words, 0xffffffff, "fraction " + std::to_string(fy));
      if (HasFatalFailure()) return;
    }
  }
}

// Infinities, subnormal numbers and NaNs of all kinds, beside each other and where they have no weight.
TEST(FastFetch, TakesTexelsThatAreNoNumbers) {
  static constexpr std::uint32_t kOdd[] = {0x7f800000, 0xff800000, 0x7fc00001, 0xffc12345, 0x7f800001,
                                           0xffa00000, 0x00000001, 0x807fffff, 0x80000000, 0x7f7fffff};
  for (const int channels : {1, 2, 4}) {
    for (const Shape shape : {Shape::D2, Shape::D3}) {
      const Format format{Element::F32, static_cast<std::uint8_t>(channels)};
      TestImage made = make_image(format, shape, 12, 12, shape == Shape::D3 ? 5 : 1, 3);
      std::mt19937 random(static_cast<unsigned>(channels));
      for (std::size_t i = 0; i + 4 <= made.memory.size(); i += 4) {
        if (random() % 4 == 0) std::memcpy(&made.memory[i], &kOdd[random() % std::size(kOdd)], 4);
      }
      for (const bool linear : {false, true}) {
        Sampler sampler;
        sampler.linear = linear;
        for (int round = 0; round < 100; ++round) {
          Words words;
          for (auto& row : words.rows) {
            for (std::uint32_t& word : row) {
              const float place = static_cast<float>(random() % 4096) / 341;
              word = bits(random() % 2 == 0 ? std::floor(place) + 0.5F : place);
            }
          }
          expect_bits_of_fetch_lane(made.image, sampler, words, round % 2 == 0 ? 0xffffffff : 0x0ff0f00f,
                                    std::to_string(channels) + " channels");
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// Images that begin in the middle of a word and end with a page.
TEST(FastFetch, TouchesOnlyTheImage) {
  constexpr std::size_t kPage = 4096;
  auto* const pages = static_cast<std::byte*>(
      mmap(nullptr, 3 * kPage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(pages, MAP_FAILED);
  for (std::size_t i = 0; i < kPage; ++i) pages[kPage + i] = static_cast<std::byte>(i * 37);
  ASSERT_EQ(mprotect(pages, kPage, PROT_NONE), 0);
  ASSERT_EQ(mprotect(pages + 2 * kPage, kPage, PROT_NONE), 0);
  for (const int channels : {1, 2, 4}) {
    for (const Element element : {Element::U8, Element::F32}) {
      texture::Image image;
      image.format = {element, static_cast<std::uint8_t>(channels)};
      const auto texel = static_cast<std::uint64_t>(image.format.bytes());
      texture::Level& level = image.levels[0];
      level.width = 5;
      level.height = 3;
      level.pitch = 8 * texel;
      level.slice = 3 * level.pitch;
      const std::uint64_t bytes = 2 * level.pitch + 5 * texel;
      for (const std::uint64_t base : {std::uint64_t{0}, texel, kPage - bytes}) {
        level.base = reinterpret_cast<std::uint64_t>(pages + kPage) + base;
        for (const bool linear : {false, true}) {
          Sampler sampler;
          sampler.linear = linear;
          std::mt19937 random(5);
          for (int round = 0; round < 20; ++round) {
            Words words;
            const float spread = round % 2 == 0 ? 1.0F : 3.0F;
            for (std::size_t lane = 0; lane < kLanes; ++lane) {
              words.rows[0][lane] = bits(some_coordinate(random, 5, false, spread));
              words.rows[1][lane] = bits(some_coordinate(random, 3, false, spread));
            }
            expect_bits_of_fetch_lane(image, sampler, words, 0xffffffff,
                                      std::to_string(channels) + " channels");
            if (HasFatalFailure()) return;
          }
        }
      }
    }
  }
  munmap(pages, 3 * kPage);
}

// What a trace is told: the sectors of all lanes, each once, and how many footprints were read.
TEST(FastFetch, TellsWhatItTouches) {
  for (const Extent& extent : kExtents) {
    for (const bool linear : {false, true}) {
      const TestImage made = make_image({Element::U8, 4}, extent.shape, extent.width, extent.height,
                                        extent.depth, 11, 1, extent.layers);
      Sampler sampler;
      sampler.linear = linear;
      std::mt19937 random(9);
      Words words;
      const int sizes[3] = {extent.width, extent.height, extent.depth};
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        std::size_t row = 0;
        if (extent.layers > 0) words.rows[row++][lane] = static_cast<std::uint32_t>(random() % 7) - 2;
        for (const int size : sizes) words.rows[row++][lane] = bits(some_coordinate(random, size, false, 2));
      }
      const std::uint32_t mask = 0x7fff5555;
      ir::TextureForm form;
      form.geometry = made.image.geometry();
      texture::Touched wanted, found;
      for (std::size_t lane = 0; lane < kLanes; ++lane) {
        LaneWords one{};
        for (std::size_t row = 0; row < 4; ++row) one[row] = words.rows[row][lane];
        if ((mask >> lane & 1) != 0) texture::fetch_lane(made.image, sampler, form, one, &wanted);
      }
      std::uint32_t results[4][kLanes];
      const texture::Texture texture{made.image, sampler, nullptr};
      texture::fast_fetch_for(made.image, sampler)(texture, mask, words.rows, results, &found);
      const auto sectors = [](const texture::Touched& touched) {
        std::set<std::uint64_t> all;
        for (const std::uint64_t each : touched.addresses) all.insert(each / 32);
        return all;
      };
      EXPECT_EQ(sectors(found), sectors(wanted));
      EXPECT_EQ(found.samples, wanted.samples);
      EXPECT_EQ(found.filtered, wanted.filtered);
      EXPECT_EQ(found.texel_bytes, 4u);
    }
  }
}

}  // namespace
}  // namespace doppel::fast_fetch_test
