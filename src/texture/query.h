// SPDX-License-Identifier: Apache-2.0
// txq, suq and istypep (PTX ISA 9.7.10.5, 9.7.11.4), in the numbers of PTX ISA 5.3.
#pragma once

#include <cstdint>

#include "ir/texture_form.h"
#include "texture/image.h"
#include "texture/sampler.h"

namespace doppel::texture {

// sampler: null of a surface. level: of .level.
std::uint32_t query_image(const Image& image, const Sampler* sampler, ir::TextureQuery query,
                          std::int32_t level);
std::uint32_t query_sampler(const Sampler& sampler, ir::TextureQuery query);
bool asks_sampler(ir::TextureQuery query);

}  // namespace doppel::texture
