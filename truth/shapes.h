// SPDX-License-Identifier: Apache-2.0
// What a prediction and a measurement of our own kernels have in common: names and shapes of the launches.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

#include "support/dim3.h"

namespace doppel::truth {

struct SgemmStep {
  const char* kernel;
  unsigned tile;  // of C a block, its width and height
  Dim3 block;
};
inline constexpr std::array<SgemmStep, 6> kSgemmSteps{{{"sgemm_step_1", 32, {32, 32, 1}},
                                                       {"sgemm_step_2", 32, {1024, 1, 1}},
                                                       {"sgemm_step_3", 32, {1024, 1, 1}},
                                                       {"sgemm_step_4", 64, {512, 1, 1}},
                                                       {"sgemm_step_5", 128, {256, 1, 1}},
                                                       {"sgemm_step_6", 128, {256, 1, 1}}}};
inline constexpr unsigned kSgemmSize = 4096;

struct Stream {
  const char* name;  // its kernel is stream_NAME
  int arrays;        // that the measurement counts
};
inline constexpr std::array<Stream, 6> kStreams{
    {{"init", 1}, {"read", 1}, {"scale", 2}, {"triad", 4}, {"3pt", 2}, {"5pt", 2}}};
inline constexpr unsigned kStreamCount = 256 * 1024 * 1024 + 2;  // doubles an array

inline constexpr unsigned kChaseLine = 128;
inline constexpr unsigned kChaseLoads = 65536;

// A single cycle through all lines in an order without a pattern (Sattolo's): the line that follows each.
inline std::vector<std::uint64_t> chase_order(std::uint64_t lines) {
  std::vector<std::uint64_t> order(lines);
  std::iota(order.begin(), order.end(), std::uint64_t{0});
  std::uint64_t state = 12345;
  for (std::uint64_t i = lines - 1; i > 0; --i) {
    state = state * 6364136223846793005ull + 1442695040888963407ull;
    std::swap(order[i], order[(state >> 33) % i]);
  }
  return order;
}

inline constexpr unsigned kCacheBlock = 512;  // kernels/cache.cu has it too

// Floats in each half of a buffer of so many kB, and how often it is read.
struct CacheShape {
  unsigned count;
  unsigned turns;
};
inline CacheShape cache_shape(double kb) {
  const auto count = static_cast<unsigned>(kb * 1024 / 2 / sizeof(float) / kCacheBlock) * kCacheBlock;
  return {count, std::max(2U, 2'000'000 / count)};
}

}  // namespace doppel::truth
