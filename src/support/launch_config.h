// SPDX-License-Identifier: Apache-2.0
// How a kernel is launched: all that a launch says but the kernel and its arguments.
#pragma once

#include <compare>
#include <cstdint>

#include "support/dim3.h"

namespace doppel {

struct LaunchConfig {
  Dim3 grid, block;
  std::uint32_t dynamic_shared_bytes = 0;  // of a block
  bool cooperative = false;                // all blocks are there together
  // Of the most shared memory that an SM can have, in percent; -1: as the kernel's attribute says, or the
  // driver chooses.
  int preferred_carveout = -1;
  Dim3 cluster;  // blocks of a thread block cluster along each axis; one block: there are no clusters

  auto operator<=>(const LaunchConfig&) const = default;
};

}  // namespace doppel
