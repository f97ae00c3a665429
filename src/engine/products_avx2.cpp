// SPDX-License-Identifier: Apache-2.0
#include "engine/vector_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "engine/float_memo.h"

// Functions that take vectors are inlined into those of which the target has them; and GCC's own header has
// variables that nothing sets (gcc.gnu.org/PR105593).
#pragma GCC diagnostic ignored "-Wpsabi"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,f16c,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,f16c,fma")
#endif

#define DOPPEL_DOTS 0
#include "engine/wide_lanes_avx2.h"
//
#include "engine/double_product_kernel.h"
#include "engine/float_product_kernel.h"
//
#include "engine/whole_product_kernel.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace doppel::engine {

VectorProducts avx2_products() {
  const bool can =
      __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c") && __builtin_cpu_supports("fma");
  if (!can) return {};
  return {multiply_floats_in_vectors, multiply_run_in_vectors, multiply_whole_in_vectors,
          multiply_doubles_in_vectors, multiply_double_run};
}

}  // namespace doppel::engine

#else

namespace doppel::engine {

VectorProducts avx2_products() { return {}; }

}  // namespace doppel::engine

#endif
