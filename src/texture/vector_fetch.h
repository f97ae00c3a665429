// SPDX-License-Identifier: Apache-2.0
// Fetches of a warp in the host's vectors: the bits that fetch_lane() gives.
#pragma once

#include "texture/object_table.h"

namespace doppel::texture {

// Null where the host has not what they need, or none suits. Of what fast_fetch_for() takes.
FastFetch avx2_fetch(const Image& image, const Sampler& sampler);
FastFetch avx512_fetch(const Image& image, const Sampler& sampler);

}  // namespace doppel::texture
