// SPDX-License-Identifier: Apache-2.0
// Pass: name_atomics. Needs: dead results gone. Leaves: every atomic marked with what memory does for it.
#include <algorithm>

#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

using ir::AtomicOp;

// Operations of whole numbers whose order nobody can tell, so that those of a warp on one address can be one.
bool combinable(const ir::Operation& operation) {
  if (ir::is_float(operation.type) || operation.accesses[0].vector > 1) return false;
  switch (operation.attributes.atomic_op) {
    case AtomicOp::Add:
    case AtomicOp::Min:
    case AtomicOp::Max:
    case AtomicOp::And:
    case AtomicOp::Or:
    case AtomicOp::Xor:
      return true;
    default:
      return false;
  }
}

// Adding one: shared memory counts the lanes on an address (ATOMS.POPC.INC) and adds them all at once.
bool adds_one(const ir::Operation& operation) {
  const ir::Operand& added = operation.sources.back();
  return operation.attributes.atomic_op == AtomicOp::Add && added.is_immediate() && added.immediate == 1;
}

}  // namespace

void name_atomics(const LoweringContext& context, MachineFunction& machine) {
  std::vector<bool> read(machine.value_registers.size(), false);
  for (const MachineBlock& block : machine.blocks) {
    for (const MachineOperation& operation : block.operations) {
      for (const ValueId id : machine.operands(operation)) read[id] = true;
    }
  }
  for (MachineBlock& block : machine.blocks) {
    for (MachineOperation& operation : block.operations) {
      if (!operation.is_atomic || operation.instruction == kNoInstruction) continue;
      const ir::Operation& instruction = context.function.operations[operation.instruction];
      // Barriers and surfaces have forms of their own.
      if (instruction.op != ir::Op::Atomic && instruction.op != ir::Op::Reduce) continue;
      MachineAccess& access = machine.accesses(operation)[0];
      // An old value that nobody reads is not waited for: the assembler makes a RED of it.
      const auto results = machine.results(operation);
      if (!results.empty() && std::ranges::none_of(results, [&](ValueId id) { return read[id]; })) {
        operation.results = {};
        access.is_store = true;
      }
      operation.combines = access.is_store && !operation.swap_loop && combinable(instruction) &&
                           (access.space != MemorySpace::Shared || adds_one(instruction));
    }
  }
}

}  // namespace doppel::machine
