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

// Whether a lane may read the byte, through a generic address. Behind it lies nothing but more of the same,
// and pages that cannot be touched.
bool may_read(const Warp& warp, int lane, std::uint64_t address);

}  // namespace doppel::engine
