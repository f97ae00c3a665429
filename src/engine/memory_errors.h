// SPDX-License-Identifier: Apache-2.0
// What the check bits of the card's memory find before a kernel's access is made (Launch::finds_error). Only
// where somebody has planted errors: such a launch runs its traced code, which tells of every access.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "engine/announced_access.h"
#include "engine/fault.h"
#include "engine/trace_recorder.h"
#include "texture/touched.h"

namespace doppel::engine {

// The first lane's fault, if there is one. flags: as RuntimeCallbacks::trace_access has them.
std::optional<Fault> find_memory_error(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                       std::uint32_t flags);
// Of one lane's copy in bulk, and of a fetch.
std::optional<Fault> find_memory_error(Warp& warp, int lane, Site site, std::span<const BulkRange> ranges,
                                       bool store);
std::optional<Fault> find_memory_error(Warp& warp, std::uint32_t mask, Site site,
                                       const texture::Touched& touched);
// Which operation of which function has that number in traces.
Site site_of(const Warp& warp, std::uint32_t number);

}  // namespace doppel::engine
