// SPDX-License-Identifier: Apache-2.0
#include "texture/block_compression.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace doppel::texture {
namespace {

std::uint64_t word(const std::byte* at, std::size_t bytes) {
  std::uint64_t value = 0;
  std::memcpy(&value, at, bytes);
  return value;
}

using Color = std::array<double, 3>;

Color color_565(std::uint64_t bits) {
  return {static_cast<double>(bits >> 11 & 31) / 31, static_cast<double>(bits >> 5 & 63) / 63,
          static_cast<double>(bits & 31) / 31};
}

Color mixed(const Color& a, const Color& b, double share_of_b) {
  Color result;
  for (std::size_t i = 0; i < 3; ++i) result[i] = a[i] * (1 - share_of_b) + b[i] * share_of_b;
  return result;
}

// 18.1: with a first colour that is not the greater, a third way between and black, which may be transparent.
std::array<double, 4> color_texel(const std::byte* block, int texel, bool always_four) {
  const std::uint64_t first = word(block, 2), second = word(block + 2, 2);
  const auto code = static_cast<int>(word(block + 4, 4) >> (2 * texel) & 3);
  const Color a = color_565(first), b = color_565(second);
  Color color{};
  double alpha = 1;
  if (code < 2) {
    color = code == 0 ? a : b;
  } else if (always_four || first > second) {
    color = mixed(a, b, code == 2 ? 1.0 / 3 : 2.0 / 3);
  } else if (code == 2) {
    color = mixed(a, b, 0.5);
  } else {
    alpha = 0;
  }
  return {color[0], color[1], color[2], alpha};
}

// 18.3: eight values between two, or six, and the range's ends.
double single_texel(const std::byte* block, int texel, bool is_signed) {
  const double least = is_signed ? -1 : 0;
  const auto end = [&](std::size_t i) {
    if (!is_signed) return static_cast<double>(word(block + i, 1)) / 255;
    return std::max(-1.0, static_cast<double>(static_cast<std::int8_t>(word(block + i, 1))) / 127);
  };
  const double a = end(0), b = end(1);
  const bool eight =
      is_signed ? static_cast<std::int8_t>(word(block, 1)) > static_cast<std::int8_t>(word(block + 1, 1))
                : word(block, 1) > word(block + 1, 1);
  const auto code = static_cast<int>(word(block + 2, 6) >> (3 * texel) & 7);
  if (code == 0) return a;
  if (code == 1) return b;
  if (eight) return ((8 - code) * a + (code - 1) * b) / 7;
  if (code < 6) return ((6 - code) * a + (code - 1) * b) / 5;
  return code == 6 ? least : 1.0;
}

}  // namespace

std::array<double, 4> block_texel(Element element, const std::byte* block, int x, int y) {
  const int texel = 4 * y + x;
  switch (element) {
    case Element::Bc1:
      return color_texel(block, texel, false);
    case Element::Bc2: {
      auto result = color_texel(block + 8, texel, true);
      result[3] = static_cast<double>(word(block, 8) >> (4 * texel) & 15) / 15;
      return result;
    }
    case Element::Bc3: {
      auto result = color_texel(block + 8, texel, true);
      result[3] = single_texel(block, texel, false);
      return result;
    }
    case Element::Bc4U:
    case Element::Bc4S:
      return {single_texel(block, texel, element == Element::Bc4S), 0, 0, 1};
    case Element::Bc5U:
    case Element::Bc5S: {
      const bool is_signed = element == Element::Bc5S;
      return {single_texel(block, texel, is_signed), single_texel(block + 8, texel, is_signed), 0, 1};
    }
    default:
      return {};
  }
}

}  // namespace doppel::texture
