// SPDX-License-Identifier: Apache-2.0
// What the registers of a PTX function become in machine code: which are copies of one another, which are
// constants that cost no register and no instruction, and which hold the same value in every lane.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "ir/module.h"

namespace doppel::machine {

using analysis::BasicBlock;
using analysis::ControlFlowGraph;
using analysis::kNoBlock;

class RegisterRoles {
 public:
  static RegisterRoles build(const ir::Function& function, const ControlFlowGraph& graph);

  struct Role {
    std::uint32_t definitions = 0;
    std::uint32_t uses = 0;
    std::uint32_t definition = UINT32_MAX;  // the instruction, where there is one only
    bool constant = false;  // an immediate, a kernel parameter, an address known when the kernel starts: an
                            // operand, not a register
    bool varying = false;   // may differ from lane to lane
    bool narrow = false;    // 64 bits of which only the lower 32 matter: addresses of shared memory
    bool absorbed = false;  // its definition is done by the instructions that use it
  };
  const Role& operator[](ir::RegisterId reg) const { return roles_[reg]; }
  Role& operator[](ir::RegisterId reg) { return roles_[reg]; }
  // The register that stands for all that are copies of `reg`.
  ir::RegisterId representative(ir::RegisterId reg) const;
  // The instruction that defines `reg` alone; null where there are several or none.
  const ir::Operation* definition(ir::RegisterId reg) const;
  const std::vector<std::uint32_t>& users(ir::RegisterId reg) const { return users_[reg]; }
  // From now on the two are one value: copies of each other, or neighbours that are filled together.
  void join(ir::RegisterId a, ir::RegisterId b, bool neighbours = false);
  // 32-bit registers of the value that `reg` belongs to.
  int width(ir::RegisterId reg) const { return widths_[representative(reg)]; }

 private:
  void count();
  void find_constants();
  void join_copies();
  void find_varying();
  void find_narrow();

  const ir::Function* function_ = nullptr;
  const ControlFlowGraph* graph_ = nullptr;
  std::vector<Role> roles_;
  std::vector<ir::RegisterId> parents_;
  std::vector<int> widths_;
  std::vector<std::vector<std::uint32_t>> users_;
};

// True for moves and conversions that leave the bits (or their low part) where they are.
bool is_copy(const ir::Operation& operation);

}  // namespace doppel::machine
