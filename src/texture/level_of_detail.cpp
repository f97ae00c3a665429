// SPDX-License-Identifier: Apache-2.0
#include "texture/level_of_detail.h"

#include <algorithm>
#include <cmath>

namespace doppel::texture {
namespace {

// A gradient of a direction in texels of the face that it meets: of s = sc / ma, (sc' ma - sc ma') / 2 ma^2.
std::array<double, 3> on_face(const std::array<float, 3>& at, const std::array<float, 3>& gradient,
                              double size) {
  const std::array<double, 3> a{std::fabs(at[0]), std::fabs(at[1]), std::fabs(at[2])};
  const std::size_t major = a[0] >= a[1] && a[0] >= a[2] ? 0 : a[1] >= a[2] ? 1 : 2;
  const double ma = a[major];
  const double ma_gradient =
      std::signbit(at[major]) ? -static_cast<double>(gradient[major]) : static_cast<double>(gradient[major]);
  std::array<double, 3> result{};
  std::size_t k = 0;
  for (std::size_t i = 0; i < 3; ++i) {
    if (i == major) continue;
    result[k++] = (static_cast<double>(gradient[i]) * ma - static_cast<double>(at[i]) * ma_gradient) /
                  (2 * ma * ma) * size;
  }
  return result;
}

double length_in_texels(const Image& image, const Sampler& sampler, const DetailPlace& place, int which) {
  const auto& gradient = place.gradients[static_cast<std::size_t>(which)];
  const Level& base = image.levels[0];
  std::array<double, 3> texels{};
  if (image.shape == Shape::Cube) {
    texels = on_face(place.coordinates, gradient, base.width);
  } else {
    const std::array<double, 3> sizes{static_cast<double>(base.width), static_cast<double>(base.height),
                                      static_cast<double>(base.depth)};
    for (std::size_t i = 0; i < 3; ++i)
      texels[i] = static_cast<double>(gradient[i]) * (sampler.normalized_coordinates ? sizes[i] : 1.0);
  }
  return std::sqrt(texels[0] * texels[0] + texels[1] * texels[1] + texels[2] * texels[2]);
}

}  // namespace

std::array<float, 3> Detail::place(const std::array<float, 3>& middle, int sample) const {
  if (samples == 1) return middle;
  std::array<float, 3> result = middle;
  const float along = static_cast<float>(sample + 1) / static_cast<float>(samples + 1) - 0.5F;
  for (std::size_t i = 0; i < 3; ++i) result[i] += axis[i] * along;
  return result;
}

int Detail::nearest(int levels) const { return std::min(level + (fraction >= 128 ? 1 : 0), levels - 1); }

Detail level_of_detail(const Image& image, const Sampler& sampler, const ir::TextureForm& form,
                       const DetailPlace& place) {
  Detail detail;
  if (image.level_count == 1 && sampler.most_anisotropy <= 1) return detail;
  double lod = 0;
  if (form.level == ir::TextureLevel::Level) {
    lod = std::isnan(place.level) ? 0.0 : static_cast<double>(place.level);
    lod += static_cast<double>(sampler.level_bias);
  } else if (form.level == ir::TextureLevel::Gradient) {
    const double x = length_in_texels(image, sampler, place, 0);
    const double y = length_in_texels(image, sampler, place, 1);
    double longer = std::max(x, y);
    const double shorter = std::min(x, y);
    if (sampler.most_anisotropy > 1 && longer > 0 && std::isfinite(longer)) {
      const double ratio = shorter > 0 ? std::ceil(longer / shorter) : sampler.most_anisotropy;
      detail.samples = static_cast<int>(std::clamp<double>(ratio, 1, sampler.most_anisotropy));
      detail.axis = place.gradients[x >= y ? 0 : 1];
      longer /= detail.samples;
    }
    lod = longer > 0 ? std::log2(longer) : -1000.0;
    lod += static_cast<double>(sampler.level_bias);
    if (std::isnan(lod)) lod = 0;
  }
  const double most = std::min<double>(sampler.most_level, image.level_count - 1);
  lod = std::clamp(lod, std::min<double>(std::max(0.0F, sampler.least_level), most), std::max(0.0, most));
  const auto fixed = static_cast<int>(std::nearbyint(lod * 256));
  detail.level = fixed >> 8;
  detail.fraction = fixed & 255;
  if (!sampler.linear_levels) {
    detail.level = detail.nearest(image.level_count);
    detail.fraction = 0;
  }
  return detail;
}

}  // namespace doppel::texture
