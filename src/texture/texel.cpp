// SPDX-License-Identifier: Apache-2.0
#include "texture/texel.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "texture/block_compression.h"
#include "texture/half.h"

namespace doppel::texture {
namespace {

template <typename T>
T component(const std::byte* at, int i) {
  T value;
  std::memcpy(&value, at + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
  return value;
}

// -1.0 has two numbers: the lowest counts as the one above it.
double signed_number(int value, int lowest) { return std::max(value, lowest + 1); }

double number(const Format& format, const std::byte* at, int i) {
  switch (format.element) {
    case Element::U8:
      return component<std::uint8_t>(at, i);
    case Element::S8:
      return signed_number(component<std::int8_t>(at, i), -128);
    case Element::U16:
      return component<std::uint16_t>(at, i);
    case Element::S16:
      return signed_number(component<std::int16_t>(at, i), -32768);
    case Element::F16:
      return static_cast<double>(from_half(component<std::uint16_t>(at, i)));
    case Element::F32:
      return static_cast<double>(component<float>(at, i));
    case Element::U32:
      return component<std::uint32_t>(at, i);
    case Element::S32:
      return component<std::int32_t>(at, i);
    default:
      return 0;
  }
}

const std::array<float, 256>& srgb_table() {
  static const std::array<float, 256> table = [] {
    std::array<float, 256> made{};
    for (int i = 0; i < 256; ++i) made[static_cast<std::size_t>(i)] = linear_of_srgb(i / 255.0);
    return made;
  }();
  return table;
}

}  // namespace

float linear_of_srgb(double value) {
  const double linear = value <= 0.04045 ? value / 12.92 : std::pow((value + 0.055) / 1.055, 2.4);
  return static_cast<float>(linear);
}

double unit_of(const Format& format, bool srgb) { return srgb ? 1 : format.one(); }

std::array<double, 4> read_numbers(const Format& format, bool srgb, const std::byte* at, int x, int y) {
  if (format.is_compressed()) {
    auto result = block_texel(format.element, at, x, y);
    if (srgb) {
      for (std::size_t i = 0; i < 3; ++i) result[i] = static_cast<double>(linear_of_srgb(result[i]));
    }
    return result;
  }
  if (format.element == Element::U10) {
    const auto bits = component<std::uint32_t>(at, 0);
    return {(bits & 1023) / 1023.0, (bits >> 10 & 1023) / 1023.0, (bits >> 20 & 1023) / 1023.0,
            (bits >> 30) / 3.0};
  }
  if (srgb) {
    std::array<double, 4> result{0, 0, 0, 1};
    for (int i = 0; i < format.channels; ++i) {
      const auto value = component<std::uint8_t>(at, i);
      result[static_cast<std::size_t>(i)] = i == 3 ? value / 255.0 : static_cast<double>(srgb_table()[value]);
    }
    return result;
  }
  std::array<double, 4> result{0, 0, 0, format.one()};
  for (int i = 0; i < format.channels; ++i) result[static_cast<std::size_t>(i)] = number(format, at, i);
  return result;
}

std::array<std::uint32_t, 4> read_integers(const Format& format, const std::byte* at) {
  std::array<std::uint32_t, 4> result{0, 0, 0, 1};
  for (int i = 0; i < format.channels; ++i) {
    std::uint32_t& to = result[static_cast<std::size_t>(i)];
    switch (format.element) {
      case Element::U8:
        to = component<std::uint8_t>(at, i);
        break;
      case Element::S8:
        to = static_cast<std::uint32_t>(std::int32_t{component<std::int8_t>(at, i)});
        break;
      case Element::U16:
        to = component<std::uint16_t>(at, i);
        break;
      case Element::S16:
        to = static_cast<std::uint32_t>(component<std::int16_t>(at, i));
        break;
      default:
        to = component<std::uint32_t>(at, i);
        break;
    }
  }
  return result;
}

}  // namespace doppel::texture
