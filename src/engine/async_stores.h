// SPDX-License-Identifier: Apache-2.0
// Stores to shared memory, of this block or another of its cluster, whose end a barrier there tells of:
// st.async and red.async (PTX ISA 9.7.9.12, 9.7.13.7), the answer of clusterlaunchcontrol.try_cancel
// (9.7.13.17.1); and st.bulk (9.7.9.13).
#pragma once

#include <cstdint>
#include <optional>

#include "engine/announced_access.h"
#include "ir/operation.h"

namespace doppel::engine {

// values: the targets, then the barriers, then the elements of a vector.
std::optional<Fault> begin_async_stores(Warp& warp, std::uint32_t mask, Site site,
                                        const ir::Operation& operation, LaneValues values);
// values: the targets, then the barriers. Whether a cluster can still be cancelled is up to the card: the
// answer is always that it has begun already, so that every block of the grid runs once.
std::optional<Fault> begin_launch_cancel(Warp& warp, std::uint32_t mask, Site site,
                                         const ir::Operation& operation, LaneValues values);
// values: the targets, then how many bytes.
std::optional<Fault> fill_with_zeros(Warp& warp, std::uint32_t mask, Site site, LaneValues values);

}  // namespace doppel::engine
