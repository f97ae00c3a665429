// SPDX-License-Identifier: Apache-2.0
#include "reference/special_registers.h"

#include <algorithm>
#include <string>

namespace doppel::reference {

using ptx::SpecialRegister;

namespace {

// Of the reference's one SM, which holds one block at a time: of 1024 threads at most.
constexpr std::uint64_t kMostWarps = 1024 / 32;

std::uint64_t component(const Dim3& d, int index) {
  switch (index) {
    case 0:
      return d.x;
    case 1:
      return d.y;
    case 2:
      return d.z;
    default:
      return 0;  // .w
  }
}

}  // namespace

std::uint64_t special_register(const Block& block, const Thread& thread, const ptx::Operand& operand) {
  const std::uint64_t eq = std::uint64_t{1} << thread.lane();
  switch (operand.special) {
    case SpecialRegister::Tid:
      return component(thread.tid, operand.component);
    case SpecialRegister::Ntid:
      return component(block.launch->block, operand.component);
    case SpecialRegister::Ctaid:
      return component(block.ctaid, operand.component);
    case SpecialRegister::Nctaid:
      return component(block.launch->grid, operand.component);
    case SpecialRegister::Clusterid:
      return component(block.ctaid, operand.component) /
             std::max<std::uint64_t>(component(block.cluster->extent, operand.component), 1);
    case SpecialRegister::Nclusterid:
      return component(block.launch->grid, operand.component) /
             std::max<std::uint64_t>(component(block.cluster->extent, operand.component), 1);
    case SpecialRegister::ClusterCtaid:
      return component(block.ctaid, operand.component) %
             std::max<std::uint64_t>(component(block.cluster->extent, operand.component), 1);
    case SpecialRegister::ClusterNctaid:
      return component(block.cluster->extent, operand.component);
    case SpecialRegister::ClusterCtarank:
      return block.rank;
    case SpecialRegister::ClusterNctarank:
      return block.cluster->blocks.size();
    case SpecialRegister::IsExplicitCluster:
      return block.cluster->blocks.size() > 1 ? 1 : 0;
    case SpecialRegister::Laneid:
      return thread.lane();
    case SpecialRegister::Warpid:
      return thread.warp();
    case SpecialRegister::Nwarpid:
      return kMostWarps;
    case SpecialRegister::WarpSize:
      return 32;
    case SpecialRegister::LanemaskEq:
      return eq;
    case SpecialRegister::LanemaskLt:
      return eq - 1;
    case SpecialRegister::LanemaskLe:
      return (eq << 1) - 1;
    case SpecialRegister::LanemaskGt:
      return 0xffffffff & ~((eq << 1) - 1);
    case SpecialRegister::LanemaskGe:
      return 0xffffffff & ~(eq - 1);
    case SpecialRegister::DynamicSmemSize:
      return block.launch->dynamic_shared_bytes;
    case SpecialRegister::TotalSmemSize:
      return block.shared.size();
    // One SM, one grid; its clocks count the thread's own instructions, so that they never run backwards.
    case SpecialRegister::Smid:
    case SpecialRegister::Gridid:
      return 0;
    case SpecialRegister::Nsmid:
      return 1;
    case SpecialRegister::Clock:
    case SpecialRegister::GlobaltimerLo:
      return thread.steps & 0xffffffff;
    case SpecialRegister::Clock64:
    case SpecialRegister::Globaltimer:
      return thread.steps;
    case SpecialRegister::ClockHi:
    case SpecialRegister::GlobaltimerHi:
      return thread.steps >> 32;
    default:
      throw Fault("the reference does not know %" + std::string(ptx::name_of(operand.special)));
  }
}

}  // namespace doppel::reference
