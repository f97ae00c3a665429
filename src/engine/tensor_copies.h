// SPDX-License-Identifier: Apache-2.0
// Copies of boxes of tensors that a warp's threads begin (cp.async.bulk.tensor, cp.reduce.async.bulk.tensor,
// PTX ISA 9.7.9.25.5). Their map is read and all of them is tested at once; they are done as other bulk
// copies are.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/announced_access.h"
#include "ir/operation.h"

namespace doppel::engine {

// values: as of run_asynchronous: addresses in shared memory, of the maps, and of the barriers of loads; then
// to which blocks, where the boxes begin, and what the mode takes beside that.
std::optional<Fault> begin_tensor_copies(Warp& warp, std::uint32_t mask, Site site,
                                         const ir::Operation& operation, LaneValues values);

}  // namespace doppel::engine
