// SPDX-License-Identifier: Apache-2.0
// What the engine does before it makes an operation's access in place of generated code: tests it, and tells
// the trace and the checker.
#pragma once

#include <bit>
#include <cstdint>
#include <optional>

#include "engine/fault.h"
#include "ir/types.h"

namespace doppel::engine {

struct Warp;

// Where in the program: indices of the module's function and of its operation.
struct Site {
  std::uint32_t function = 0;
  std::uint32_t operation = 0;
};

// A value of each lane.
using LaneValues = const std::uint64_t*;

template <typename Visit>
void for_each_lane(std::uint32_t mask, const Visit& visit) {
  for (; mask != 0; mask &= mask - 1) visit(std::countr_zero(mask));
}

// As RuntimeCallbacks::trace_access has them; `kind`: kAccessStore and kAccessAtomic.
std::uint32_t access_flags(ir::Space space, std::uint32_t bytes, std::uint32_t kind, std::uint32_t alignment);

// Whether traces have it: only what the machine operation has as an access (machine/select_memory.cpp).
enum class Traced : bool { No, Yes };

// For the report of a page fault.
void leave_addresses(Warp& warp, LaneValues addresses);
// The first lane's fault, if there is one. addresses: of the host.
std::optional<Fault> announce_access(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                     std::uint32_t flags, Traced traced = Traced::Yes);
// The same of shared memory, whose bounds generated code leaves to page faults.
std::optional<Fault> announce_shared(Warp& warp, std::uint32_t mask, Site site, LaneValues addresses,
                                     std::uint32_t flags, Traced traced = Traced::Yes);
std::uint32_t shared_offset(const Warp& warp, std::uint64_t address);
// The operation's number in traces.
std::uint32_t operation_number(const Warp& warp, Site site);

}  // namespace doppel::engine
