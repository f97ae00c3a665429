// Moves, special registers, and exchange between the lanes of a warp.
#include "kernel/operation_selection.h"

namespace doppel::kernel {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;
using ptx::Type;

bool select_move(OperationBuilder& b, const Instruction& in) {
  if (in.operands.empty()) return false;
  switch (in.opcode) {
    case Opcode::Mov:
    case Opcode::Cvta:
    case Opcode::Cvt: {
      if (in.opcode != Opcode::Mov && !is_copy(in)) return false;
      const ValueId result = b.writes(in.operands[0]);
      const std::vector<ValueId> sources = source_values(b, in);
      if (in.operands[1].kind == Operand::Kind::Special) {
        b.emit(in, "S2R", Pipe::SpecialRegister, result, sources);
        return true;
      }
      // Joined with its source: nothing to do.
      if (!in.guard && sources.size() == 1 && sources[0] == result) return true;
      if (in.operands[0].kind == Operand::Kind::Vector || in.operands[1].kind == Operand::Kind::Vector) {
        // Halves packed into one register, or cut out of it.
        bool moved = false;
        for (ValueId source : sources) moved = moved || source != result;
        if (moved) b.emit(in, "PRMT", Pipe::Alu, result, sources);
        return true;
      }
      const int halves = in.type == Type::Pred ? 1 : std::max(1, ptx::bit_width(in.type) / 32);
      b.chain(in, {{in.type == Type::Pred ? "PLOP3" : "MOV", Pipe::Alu, halves}}, result, sources);
      return true;
    }
    case Opcode::Shfl: {
      MachineOperation& operation =
          b.emit(in, "SHFL", Pipe::Shuffle, b.writes(in.operands[0]), source_values(b, in));
      if (in.second_destination) operation.results[1] = b.writes(*in.second_destination);
      return true;
    }
    case Opcode::Vote:
    case Opcode::Activemask:
      b.emit(in, "VOTE", Pipe::Vote, b.writes(in.operands[0]), source_values(b, in));
      return true;
    case Opcode::Match: {
      MachineOperation& operation =
          b.emit(in, "MATCH", Pipe::WarpReduce, b.writes(in.operands[0]), source_values(b, in));
      if (in.second_destination) operation.results[1] = b.writes(*in.second_destination);
      return true;
    }
    case Opcode::Redux:
      b.emit(in, "REDUX", Pipe::WarpReduce, b.writes(in.operands[0]), source_values(b, in));
      return true;
    case Opcode::Isspacep:
      b.chain(in, {{"LOP3", Pipe::Alu}, {"ISETP", Pipe::Alu}}, b.writes(in.operands[0]),
              source_values(b, in));
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::kernel
