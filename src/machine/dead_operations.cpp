// SPDX-License-Identifier: Apache-2.0
// Pass: eliminate_dead.
#include <algorithm>

#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

bool has_effect(const MachineFunction& machine, const MachineOperation& operation) {
  if (operation.asynchronous != Asynchronous::None || operation.phase != PhaseStep::None) return true;
  switch (operation.pipe) {
    case Pipe::Branch:
    case Pipe::Barrier:
    case Pipe::Fence:
    case Pipe::Nop:
    case Pipe::Shuffle:
    case Pipe::Vote:
    case Pipe::WarpReduce:
      return true;
    case Pipe::Memory:
    case Pipe::Texture:
      return operation.is_atomic ||
             std::ranges::any_of(machine.accesses(operation), &MachineAccess::is_store);
    default:
      return false;
  }
}

}  // namespace

void eliminate_dead(MachineFunction& machine) {
  for (bool changed = true; changed;) {
    changed = false;
    std::vector<bool> read(machine.value_registers.size(), false);
    for (const MachineBlock& block : machine.blocks) {
      for (const MachineOperation& operation : block.operations) {
        const bool effect = has_effect(machine, operation);
        for (const ValueId id : machine.operands(operation)) {
          // An accumulation that only feeds itself is not read.
          if (effect || !machine.writes(operation, id)) read[id] = true;
        }
      }
    }
    for (MachineBlock& block : machine.blocks) {
      const auto removed = std::erase_if(block.operations, [&](const MachineOperation& operation) {
        if (has_effect(machine, operation) || operation.results.count == 0) return false;
        return std::ranges::none_of(machine.results(operation), [&](ValueId id) { return read[id]; });
      });
      changed = changed || removed > 0;
    }
  }
}

}  // namespace doppel::machine
