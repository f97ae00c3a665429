// SPDX-License-Identifier: Apache-2.0
#include "texture/fast_fetch.h"

#include "texture/general_fetch.h"
#include "texture/sample.h"
#include "texture/vector_fetch.h"

namespace doppel::texture {

FastFetch fast_fetch_for(const Image& image, const Sampler& sampler) {
  const Format& format = image.format;
  if (image.shape == Shape::Cube || image.buffer || image.level_count != 1 || format.srgb || sampler.srgb ||
      sampler.most_anisotropy > 1)
    return nullptr;
  if (reads_integers(format, sampler)) return nullptr;
  const bool whole_words = image.levels[0].pitch % static_cast<std::uint64_t>(format.bytes()) == 0 &&
                           image.levels[0].base % static_cast<std::uint64_t>(format.bytes()) == 0;
  // Places of texels are counted with 32 bits.
  const std::uint64_t all = image.layered
                                ? image.layer_bytes * static_cast<std::uint64_t>(image.layers)
                                : image.levels[0].slice * static_cast<std::uint64_t>(image.levels[0].depth);
  const std::uint64_t texels = all / static_cast<std::uint64_t>(format.bytes());
  if (!whole_words || texels > INT32_MAX) return nullptr;
  if (format.element != Element::U8 && format.element != Element::F32) return nullptr;
  FastFetch in_vectors = avx512_fetch(image, sampler);
  if (in_vectors == nullptr) in_vectors = avx2_fetch(image, sampler);
  return in_vectors != nullptr ? in_vectors : general_fetch_for(image, sampler);
}

}  // namespace doppel::texture
