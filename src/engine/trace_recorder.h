// SPDX-License-Identifier: Apache-2.0
// Writes the trace of a warp from what the traced build reports.
#pragma once

#include <cstdint>
#include <span>

#include "engine/block.h"
#include "ir/operation.h"
#include "texture/touched.h"

namespace doppel::engine {

void record_block(Warp& warp, std::uint32_t trace_block_id, std::uint32_t mask);
// A fetch or a surface's access; number: the operation's.
void record_texture(Warp& warp, std::uint32_t number, std::uint32_t mask, ir::Op op,
                    const texture::Touched& touched);
void record_access(Warp& warp, std::uint32_t instruction, std::uint32_t mask, std::uint32_t access_flags,
                   const std::uint64_t* addresses);
void record_wait(Warp& warp, std::uint32_t mask);
// The warp reads a clock at `now`, which is set forward by so much. loop: that it does so for, or null.
void record_clock(Warp& warp, std::uint32_t operation, const analysis::SpinLoop* loop, std::uint64_t now,
                  std::uint64_t skipped);
// A bulk copy's bytes in global memory.
struct BulkRange {
  std::uint64_t address = 0, bytes = 0;
};
void record_bulk(Warp& warp, std::uint32_t operation, std::uint32_t mask, std::span<const BulkRange> ranges);
// phase: BarrierPhases::Numbers.
void record_arrival(Warp& warp, std::uint32_t operation, std::uint32_t mask, std::uint32_t phase,
                    std::uint32_t arrivals);
void record_sleep(Warp& warp, std::uint32_t operation, std::uint32_t nanoseconds);

// Conflict-free passes that an access to shared memory takes: 32 banks of 4 bytes; lanes that read the same
// word share it; accesses of 8 and 16 bytes go by half and by quarter warps.
std::uint32_t shared_passes(std::uint32_t mask, std::uint32_t bytes_per_lane, const std::uint64_t* addresses);

}  // namespace doppel::engine
