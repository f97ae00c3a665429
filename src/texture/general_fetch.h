// SPDX-License-Identifier: Apache-2.0
// Fetches of a whole warp on any host: loops over the lanes that compilers make vectors of. They give the
// bits that fetch_lane() gives.
#pragma once

#include "texture/object_table.h"

namespace doppel::texture {

// Of what fast_fetch_for() takes.
FastFetch general_fetch_for(const Image& image, const Sampler& sampler);

}  // namespace doppel::texture
