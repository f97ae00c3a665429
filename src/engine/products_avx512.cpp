// SPDX-License-Identifier: Apache-2.0
#include "engine/vector_products.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "engine/float_memo.h"

// Functions that take vectors are inlined into those of which the target has them; and GCC's own header has
// variables that nothing sets (gcc.gnu.org/PR105593).
#pragma GCC diagnostic ignored "-Wpsabi"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,f16c"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,f16c")
#endif

#define DOPPEL_DOTS 0
#include "engine/wide_lanes_avx512.h"
//
#include "engine/double_run_avx512.h"
#include "engine/float_product_kernel.h"
//
#include "engine/whole_product_kernel.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace doppel::engine {

VectorProducts avx512_products() {
  const bool can = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (!can) return {};
  return {multiply_floats_in_vectors, multiply_run_in_vectors, multiply_whole_in_vectors,
          avx2_products().doubles, multiply_double_run_wide};
}

}  // namespace doppel::engine

#else

namespace doppel::engine {

VectorProducts avx512_products() { return {}; }

}  // namespace doppel::engine

#endif
