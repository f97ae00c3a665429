// Branches, calls, barriers.
#include "kernel/operation_selection.h"

namespace doppel::kernel {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;

bool select_control(OperationBuilder& b, const Instruction& in) {
  switch (in.opcode) {
    case Opcode::Bra: {
      MachineOperation& operation = b.emit(in, "BRA", Pipe::Branch, kNoValue, {});
      operation.is_branch = true;
      return true;
    }
    case Opcode::BrxIdx: {
      std::vector<ValueId> sources;
      add_operand_values(b, in.operands[0], sources);
      b.emit(in, "LDC", Pipe::ConstantLoad, b.new_value(1), sources);
      MachineOperation& operation = b.emit(in, "BRX", Pipe::Branch, kNoValue, sources);
      operation.is_branch = true;
      return true;
    }
    case Opcode::Call: {
      std::vector<ValueId> sources;
      if (in.call) {
        for (const Operand& argument : in.call->arguments) add_operand_values(b, argument, sources);
        add_operand_values(b, in.call->target, sources);
      }
      // The return address is set, then the jump.
      b.emit(in, "MOV", Pipe::Alu, b.new_value(2), {});
      MachineOperation& operation = b.emit(in, "CALL", Pipe::Branch, kNoValue, sources);
      operation.is_call = true;
      operation.is_branch = true;
      if (in.call && !in.call->returns.empty()) operation.results[0] = b.writes(in.call->returns[0]);
      return true;
    }
    case Opcode::Ret: {
      MachineOperation& operation =
          b.emit(in, b.function().is_kernel ? "EXIT" : "RET", Pipe::Branch, kNoValue, {});
      operation.is_return = !b.function().is_kernel;
      operation.ends_warp = b.function().is_kernel;
      return true;
    }
    case Opcode::Exit:
    case Opcode::Trap: {
      MachineOperation& operation = b.emit(in, "EXIT", Pipe::Branch, kNoValue, {});
      operation.ends_warp = true;
      return true;
    }
    case Opcode::Bar: {
      std::vector<ValueId> sources = source_values(b, in);
      const bool arrive = in.modifiers.barrier == ptx::BarrierMode::Arrive;
      const bool reduces = in.modifiers.barrier != ptx::BarrierMode::Sync && !arrive;
      b.emit(in, arrive ? "BAR.ARV" : "BAR.SYNC", arrive ? Pipe::Branch : Pipe::Barrier, kNoValue, sources);
      if (reduces) b.emit(in, "B2R", Pipe::SpecialRegister, b.writes(in.operands[0]), {});
      return true;
    }
    case Opcode::BarWarpSync:
      b.emit(in, "WARPSYNC", Pipe::Branch, kNoValue, {});
      return true;
    case Opcode::Nanosleep:
      b.emit(in, "NANOSLEEP", Pipe::Nop, kNoValue, source_values(b, in));
      return true;
    case Opcode::Brkpt:
    case Opcode::Pmevent:
    case Opcode::Griddepcontrol:
    case Opcode::Setmaxnreg:
      b.emit(in, "NOP", Pipe::Nop, kNoValue, {});
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::kernel
