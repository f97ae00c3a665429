// SPDX-License-Identifier: Apache-2.0
#include "texture/vector_fetch.h"

#if defined(__x86_64__)

#include <immintrin.h>

#include <array>
#include <cstddef>
#include <cstring>
#include <type_traits>

#include "texture/coordinates.h"
#include "texture/general_fetch.h"

// Functions that take vectors are inlined into those of which the target has them; and GCC's own header has
// variables that nothing sets (gcc.gnu.org/PR105593).
#pragma GCC diagnostic ignored "-Wpsabi"
#if !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma"))), \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,fma")
#endif

#include "texture/vector_lanes_avx512.h"
//
#include "texture/vector_places.h"
//
#include "texture/vector_filters.h"
//
#include "texture/vector_texels.h"
//
#include "texture/vector_fetch_kernel.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

namespace doppel::texture {

FastFetch avx512_fetch(const Image& image, const Sampler& sampler) {
  static const bool can = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                          __builtin_cpu_supports("avx512dq") != 0 &&
                          __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("fma") != 0;
  return can ? vectors_of(image, sampler) : nullptr;
}

}  // namespace doppel::texture

#else

namespace doppel::texture {

FastFetch avx512_fetch(const Image&, const Sampler&) { return nullptr; }

}  // namespace doppel::texture

#endif
