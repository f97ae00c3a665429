// SPDX-License-Identifier: Apache-2.0
// Fetches of a whole warp, made for one format, number of dimensions and filter. They give the bits that
// fetch_lane() gives.
#pragma once

#include "texture/object_table.h"

namespace doppel::texture {

// For plain fetches of the base level; null where none suits.
FastFetch fast_fetch_for(const Image& image, const Sampler& sampler);

}  // namespace doppel::texture
