// SPDX-License-Identifier: Apache-2.0
// How many blocks of a kernel one SM holds at once, and what limits that. The rules are those of the CUDA
// occupancy calculator: registers are given out per warp, shared memory per block, each in its allocation
// unit.
#pragma once

#include <cstdint>
#include <string_view>

#include "card/card.h"

namespace doppel::card {

struct BlockResources {
  int threads = 0;
  int registers_per_thread = 0;
  std::int64_t shared_bytes = 0;  // static and dynamic
};

enum class OccupancyLimit : std::uint8_t { Warps, Blocks, Registers, SharedMemory };
std::string_view name_of(OccupancyLimit limit);

struct Occupancy {
  int blocks_per_sm = 0;  // 0: the block does not fit at all
  int warps_per_sm = 0;
  double fraction = 0;  // warps_per_sm / the SM's most
  OccupancyLimit limit = OccupancyLimit::Warps;
};

// `block.threads` must be at least 1.
Occupancy occupancy(const Card& card, const BlockResources& block);

// The most registers that a thread may take so that `blocks` blocks of `threads` threads fit on an SM as far
// as registers go; at least 1 block, at least 1 thread. 0: not even with the fewest.
int most_registers(const Card& card, int threads, int blocks);

// Bytes of shared memory that one block takes of its SM: what it asks for, the driver's share, rounded up.
std::int64_t shared_bytes_taken(const Card& card, std::int64_t asked);

}  // namespace doppel::card
