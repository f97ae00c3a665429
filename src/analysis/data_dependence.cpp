// SPDX-License-Identifier: Apache-2.0
#include "analysis/data_dependence.h"

#include <algorithm>
#include <vector>

#include "ir/operation.h"

namespace doppel::analysis {
namespace {

using ir::Access;
using ir::Operation;

// Its result is what memory holds. Parameters are the launch's arguments.
bool reads_memory(const Operation& operation) {
  if (ir::row(operation).memory == ir::MemoryEffect::TextureLoad) return true;
  return !operation.results.empty() && std::ranges::any_of(operation.accesses, [](const Access& access) {
    return access.space != ir::Space::Param;
  });
}

bool any_address(const Access& access, const std::vector<bool>& follows) {
  return access.address.base == ir::Address::Base::Register && follows[access.address.reg];
}

}  // namespace

bool follows_data(const ir::Function& function, const ControlFlowGraph& graph) {
  std::vector<bool> follows(function.registers.size(), false);  // by register: may come from memory
  for (bool changed = true; changed;) {
    changed = false;
    for (const Operation& operation : function.operations) {
      if (operation.callee) return true;
      bool from_memory = reads_memory(operation);
      for_each_use(operation, [&](ir::RegisterId reg) { from_memory = from_memory || follows[reg]; });
      if (!from_memory) continue;
      for_each_definition(operation, [&](ir::RegisterId reg) {
        changed = changed || !follows[reg];
        follows[reg] = true;
      });
    }
  }
  if (!graph.reducible()) return true;
  for (const BasicBlock& block : graph.blocks()) {
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Operation& operation = function.operations[i];
      if (std::ranges::any_of(operation.accesses,
                              [&](const Access& access) { return any_address(access, follows); }))
        return true;
      if (block.loop == kNoLoop || i + 1 != block.last || block.successors.size() < 2) continue;
      bool from_memory = false;
      for_each_use(operation, [&](ir::RegisterId reg) { from_memory = from_memory || follows[reg]; });
      if (from_memory) return true;
    }
  }
  return false;
}

}  // namespace doppel::analysis
