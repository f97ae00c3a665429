#include "kernel/operands.h"

namespace doppel::kernel {
namespace {

using ptx::Opcode;
using ptx::Operand;

void visit_registers(const Operand& operand, const std::function<void(ptx::RegisterId)>& visit) {
  switch (operand.kind) {
    case Operand::Kind::Register:
      visit(operand.reg);
      break;
    case Operand::Kind::Address:
      if (operand.address_base == Operand::AddressBase::Register) visit(operand.reg);
      break;
    case Operand::Kind::Vector:
      for (const Operand& element : operand.elements) visit_registers(element, visit);
      break;
    default:
      break;
  }
}

}  // namespace

std::size_t destination_count(const ptx::Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::St:
    case Opcode::Prefetch:
    case Opcode::Prefetchu:
    case Opcode::Applypriority:
    case Opcode::Discard:
    case Opcode::Bra:
    case Opcode::BrxIdx:
    case Opcode::Call:
    case Opcode::Ret:
    case Opcode::Exit:
    case Opcode::BarWarpSync:
    case Opcode::Membar:
    case Opcode::Red:
    case Opcode::Nanosleep:
    case Opcode::Griddepcontrol:
    case Opcode::Brkpt:
    case Opcode::Pmevent:
    case Opcode::Trap:
    case Opcode::Setmaxnreg:
    case Opcode::Stackrestore:
      return 0;
    case Opcode::Bar:
      switch (instruction.modifiers.barrier) {
        case ptx::BarrierMode::RedPopc:
        case ptx::BarrierMode::RedAnd:
        case ptx::BarrierMode::RedOr:
          return 1;
        default:
          return 0;
      }
    default:
      return instruction.operands.empty() ? 0 : 1;
  }
}

void for_each_use(const ptx::Instruction& instruction, const std::function<void(ptx::RegisterId)>& visit) {
  if (instruction.guard) visit(instruction.guard->predicate);
  for (std::size_t i = destination_count(instruction); i < instruction.operands.size(); ++i) {
    visit_registers(instruction.operands[i], visit);
  }
  if (instruction.call) {
    visit_registers(instruction.call->target, visit);
    for (const Operand& argument : instruction.call->arguments) visit_registers(argument, visit);
  }
}

void for_each_definition(const ptx::Instruction& instruction,
                         const std::function<void(ptx::RegisterId)>& visit) {
  const std::size_t count = destination_count(instruction);
  for (std::size_t i = 0; i < count; ++i) visit_registers(instruction.operands[i], visit);
  if (instruction.second_destination) visit_registers(*instruction.second_destination, visit);
  if (instruction.call) {
    for (const Operand& result : instruction.call->returns) visit_registers(result, visit);
  }
}

}  // namespace doppel::kernel
