// SPDX-License-Identifier: Apache-2.0
// Operations that go on behind their instruction, and those that wait for them
// (RuntimeCallbacks::asynchronous).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/announced_access.h"

namespace doppel::engine {

// values: by access its addresses, then the sources, then room for the results, 32 lanes each. A fault ends
// the launch.
std::optional<Fault> run_asynchronous(Warp& warp, std::uint32_t mask, Site site, std::uint64_t* values);

// The warp has ended: what it has begun ends, too.
void finish_asynchronous(Warp& warp);

}  // namespace doppel::engine
