// SPDX-License-Identifier: Apache-2.0
// Loads of neighbouring words of shared memory become one wide load, as the assembler makes of them where it
// can tell that the address is aligned.
#pragma once

#include <cstdint>
#include <vector>

#include "machine/register_roles.h"

namespace doppel::machine {

struct MergedLoads {
  // By instruction: the load that does this one's work, itself where it stands alone or leads.
  std::vector<std::uint32_t> leader;
  std::vector<std::uint32_t> bytes;  // of a leader
};

// Joins the registers that one wide load fills.
MergedLoads merge_shared_loads(const ir::Function& function, const ir::Module& module,
                               const ControlFlowGraph& graph, RegisterRoles& roles);

}  // namespace doppel::machine
