// SPDX-License-Identifier: Apache-2.0
// One texel in memory to numbers. Components that a format has not are 0, and 1 in place of alpha.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "texture/format.h"

namespace doppel::texture {

// In units of Format::one(): whole numbers of normalised formats, values of the others. srgb: red, green and
// blue of 8 bits are made linear first. x, y: of the texel in its block.
std::array<double, 4> read_numbers(const Format& format, bool srgb, const std::byte* at, int x, int y);
// What a number of read_numbers() is to be divided by.
double unit_of(const Format& format, bool srgb);

// Whole numbers, extended to 32 bits by their sign.
std::array<std::uint32_t, 4> read_integers(const Format& format, const std::byte* at);

// The linear value of an sRGB component (IEC 61966-2-1), rounded to f32.
float linear_of_srgb(double value);

}  // namespace doppel::texture
