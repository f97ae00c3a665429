// SPDX-License-Identifier: Apache-2.0
// What a kernel may touch beside its card's own memory, asked where generated code could not tell.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/fault.h"

namespace doppel::engine {

struct Warp;

// The first lane of the mask whose access is misaligned, or touches what the kernel has no right to. The
// addresses are those in the warp's context (RuntimeCallbacks::outside).
std::optional<Fault> find_wild_access(const Warp& warp, std::uint32_t mask, std::uint32_t function,
                                      std::uint32_t instruction, std::uint32_t access_flags);

// Whether a function of the runtime may touch what a lane gave it: the card's memory, what was mapped for it,
// the block's shared and the thread's local memory.
bool may_touch(const Warp& warp, int lane, std::uint64_t address, std::uint64_t bytes);

// The same of what a copy reads: the card's memory, what was mapped for it, the kernel's parameters.
bool may_read(const Warp& warp, std::uint64_t address, std::uint64_t bytes);

}  // namespace doppel::engine
