// SPDX-License-Identifier: Apache-2.0
#include "engine/float_product.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

// Functions that take vectors are inlined into those of which the target has them; and GCC's own header has
// variables that nothing sets (gcc.gnu.org/PR105593).
#pragma GCC diagnostic ignored "-Wpsabi"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,f16c")
#endif

#include "engine/wide_lanes_avx2.h"
//
#include "engine/float_product_kernel.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace doppel::engine {

FloatProduct float_product_avx2() {
  const bool can = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
  return can ? multiply_floats_in_vectors : nullptr;
}

}  // namespace doppel::engine

#else

namespace doppel::engine {

FloatProduct float_product_avx2() { return nullptr; }

}  // namespace doppel::engine

#endif
