// Pass: eliminate_dead.
#include <algorithm>

#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

bool has_effect(const MachineOperation& operation) {
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
      return operation.is_store || operation.is_atomic;
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
        for (ValueId id : operation.operands) {
          if (id == kNoValue) continue;
          // An accumulation that only feeds itself is not read.
          const bool own =
              !has_effect(operation) && std::ranges::find(operation.results, id) != operation.results.end();
          if (!own) read[id] = true;
        }
      }
    }
    for (MachineBlock& block : machine.blocks) {
      const auto removed = std::erase_if(block.operations, [&](const MachineOperation& operation) {
        if (has_effect(operation)) return false;
        return std::ranges::none_of(operation.results,
                                    [&](ValueId id) { return id != kNoValue && read[id]; }) &&
               operation.results[0] != kNoValue;
      });
      changed = changed || removed > 0;
    }
  }
}

}  // namespace doppel::machine
