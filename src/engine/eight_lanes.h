// SPDX-License-Identifier: Apache-2.0
// Vectors of the columns of a row, or of eight rows, for code that any host runs: GCC and clang make them of
// what the function's target has.
#pragma once

#include <cstdint>
#include <limits>

// Functions that take vectors are inlined into those of which the target has them.
#pragma GCC diagnostic ignored "-Wpsabi"

namespace doppel::engine {
namespace {

using Ints __attribute__((vector_size(32))) = std::int32_t;
using Bits __attribute__((vector_size(32))) = std::uint32_t;
using Longs __attribute__((vector_size(64))) = std::int64_t;
using Floats __attribute__((vector_size(32))) = float;
using Doubles __attribute__((vector_size(64))) = double;
constexpr int kWide = 8;

// Element by element: GCC has ?: for vectors, but not in every version that clang has.
[[gnu::always_inline]] inline Ints where(Ints mask, Ints yes, Ints no) { return (mask & yes) | (~mask & no); }

// The sums times 2^power, of any power that occurs.
[[gnu::always_inline]] inline Doubles scaled(Doubles sums, Ints power) {
  return sums * (Doubles)((__builtin_convertvector(power, Longs) + 1023) << 52);
}

// Towards zero; beyond the range, infinite.
[[gnu::always_inline]] inline Bits to_f32(Doubles values) {
  const auto magnitude = [](Doubles of) {
    return (Doubles)((Longs)of & std::numeric_limits<std::int64_t>::max());
  };
  const Floats nearest = __builtin_convertvector(values, Floats);
  const Longs above = (Longs)(magnitude(__builtin_convertvector(nearest, Doubles)) > magnitude(values)) &
                      (Longs)(magnitude(values) < 0x1p128);
  return (Bits)((Ints)nearest + __builtin_convertvector(above, Ints));
}

}  // namespace
}  // namespace doppel::engine
