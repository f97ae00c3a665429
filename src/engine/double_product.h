// SPDX-License-Identifier: Apache-2.0
// Products of doubles with vectors of the host: each product and sum rounded once to nearest, in the order of
// k.
#pragma once

#include <cstddef>

#include "engine/product_run.h"

namespace doppel::engine {

// Of matrices of `rows` (8 or 16) by k, k by 8. D may lie where the others do.
using DoubleProduct = void (*)(int rows, int k, const std::byte* a, const std::byte* b, const std::byte* c,
                               std::byte* d);
using DoubleProductRun = void (*)(int rows, int k, const ProductRun& run);

}  // namespace doppel::engine
