#include "kernel/data_dependence.h"

#include <algorithm>
#include <vector>

#include "kernel/control_flow_graph.h"
#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;
using ptx::Space;

// Its result is what memory holds. Parameters are the launch's arguments.
bool reads_memory(const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu:
      return instruction.modifiers.space != Space::Param;
    default:
      // Atomics, textures and all others that name an address and give a result.
      return destination_count(instruction) > 0 &&
             std::ranges::any_of(
                 instruction.operands,
                 [](const Operand& operand) { return operand.kind == Operand::Kind::Address; }) &&
             instruction.modifiers.space != Space::Param;
  }
}

bool any_address(const Operand& operand, const std::vector<bool>& follows) {
  return operand.kind == Operand::Kind::Address && operand.address_base == Operand::AddressBase::Register &&
         follows[operand.reg];
}

}  // namespace

bool follows_data(const ptx::Module& module, ptx::FunctionId kernel) {
  const ptx::Function& function = module.functions[kernel];
  std::vector<bool> follows(function.registers.size(), false);  // by register: may come from memory
  for (bool changed = true; changed;) {
    changed = false;
    for (const Instruction& instruction : function.instructions) {
      if (instruction.call) return true;
      bool from_memory = reads_memory(instruction);
      for_each_use(instruction, [&](ptx::RegisterId reg) { from_memory = from_memory || follows[reg]; });
      if (!from_memory) continue;
      for_each_definition(instruction, [&](ptx::RegisterId reg) {
        changed = changed || !follows[reg];
        follows[reg] = true;
      });
    }
  }
  const ControlFlowGraph graph = ControlFlowGraph::build(function);
  if (!graph.reducible()) return true;
  for (const BasicBlock& block : graph.blocks()) {
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Instruction& instruction = function.instructions[i];
      if (std::ranges::any_of(instruction.operands,
                              [&](const Operand& operand) { return any_address(operand, follows); }))
        return true;
      if (block.loop == kNoLoop || i + 1 != block.last || block.successors.size() < 2) continue;
      bool from_memory = false;
      for_each_use(instruction, [&](ptx::RegisterId reg) { from_memory = from_memory || follows[reg]; });
      if (from_memory) return true;
    }
  }
  return false;
}

}  // namespace doppel::kernel
