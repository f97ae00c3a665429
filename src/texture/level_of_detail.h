// SPDX-License-Identifier: Apache-2.0
// The mip level of a fetch, and the samples of an anisotropic one.
//
// Of gradients the level is log2 of the longer footprint in texels, rounded to 1/256 (OpenGL 4.6, 8.14.1).
// Anisotropy is that of EXT_texture_filter_anisotropic: as many samples along the longer axis as it is times
// longer than the other, of equal weight. A card's own choice of samples is not published.
#pragma once

#include <array>
#include <cstdint>

#include "ir/texture_form.h"
#include "texture/image.h"
#include "texture/sampler.h"

namespace doppel::texture {

struct DetailPlace {
  std::array<float, 3> coordinates;
  std::array<std::array<float, 3>, 2> gradients;
  float level = 0;
};

struct Detail {
  int level = 0;
  int fraction = 0;  // of 256, towards the next level
  int samples = 1;
  std::array<float, 3> axis{};  // along which they lie

  std::array<float, 3> place(const std::array<float, 3>& middle, int sample) const;
  int nearest(int levels) const;
};

Detail level_of_detail(const Image& image, const Sampler& sampler, const ir::TextureForm& form,
                       const DetailPlace& place);

}  // namespace doppel::texture
