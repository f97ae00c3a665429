// SPDX-License-Identifier: Apache-2.0
// A fetch of one thread: what every other way to fetch has to agree with, bit by bit.
//
// The sum of the guide's formula is made in double precision, of whole numbers where the format has them, and
// rounded to f32 once: exact but for sums of floats that need more than 53 bits. Texels whose weight is 0 do
// not count, whatever they hold. What is mixed to no number is the canonical NaN; a single texel of f32 keeps
// its bits.
#pragma once

#include <array>
#include <cstdint>

#include "ir/texture_form.h"
#include "texture/image.h"
#include "texture/sampler.h"
#include "texture/touched.h"

namespace doppel::texture {

// The operands of one thread, as the form has them (ir::TextureForm::words).
using LaneWords = std::array<std::uint32_t, 20>;

// Whether values are whole numbers as they stand, and not floats.
bool reads_integers(const Format& format, const Sampler& sampler);

// Bits of four floats or four whole numbers. touched: null where nobody asks.
std::array<std::uint32_t, 4> fetch_lane(const Image& image, const Sampler& sampler,
                                        const ir::TextureForm& form, const LaneWords& words,
                                        Touched* touched);

// One component of the four texels that a bilinear fetch would mix: (0,1), (1,1), (1,0), (0,0) (PTX ISA
// 9.7.10.4).
std::array<std::uint32_t, 4> gather_lane(const Image& image, const Sampler& sampler,
                                         const ir::TextureForm& form, const LaneWords& words,
                                         Touched* touched);

}  // namespace doppel::texture
