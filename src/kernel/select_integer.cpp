// Integer arithmetic, logic, shifts, comparison and selection.
#include <algorithm>
#include <bit>

#include "kernel/operation_selection.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::MulPart;
using ptx::Opcode;
using ptx::Operand;
using ptx::Type;
using Step = OperationBuilder::Step;

bool power_of_two(const Operand& operand) {
  return operand.kind == Operand::Kind::Immediate && std::has_single_bit(operand.immediate);
}

void select_multiply(OperationBuilder& b, const Instruction& in, ValueId result,
                     const std::vector<ValueId>& sources) {
  const bool add = in.opcode == Opcode::Mad;
  const bool narrow = in.operands[0].kind == Operand::Kind::Register && b.roles()[in.operands[0].reg].narrow;
  const int bits = narrow ? std::min(32, ptx::bit_width(in.type)) : ptx::bit_width(in.type);
  if (narrow && !add && power_of_two(in.operands[2])) {
    b.emit(in, "SHF", Pipe::Alu, result, sources);
    return;
  }
  if (bits == 64) {
    if (in.modifiers.mul_part == MulPart::Hi) {
      b.chain(in,
              {{"IMAD.WIDE.U32", Pipe::IntegerMultiply, 4},
               {"IADD3.X", Pipe::Alu, ptx::is_signed(in.type) ? 10 : 2}},
              result, sources);
    } else {
      b.chain(in,
              {{"IMAD", Pipe::IntegerMultiply, 2},
               {"IMAD.WIDE.U32", Pipe::IntegerMultiply},
               {"IADD3", Pipe::Alu}},
              result, sources);
    }
    return;
  }
  if (in.modifiers.mul_part == MulPart::Wide) {
    b.emit(in, bits == 16 ? "IMAD" : "IMAD.WIDE", Pipe::IntegerMultiply, result, sources);
  } else if (in.modifiers.mul_part == MulPart::Hi) {
    b.chain(in, {{"IMAD.HI", Pipe::IntegerMultiply, add ? 2 : 1}}, result, sources);
  } else if (!add && power_of_two(in.operands[2])) {
    b.emit(in, "SHF", Pipe::Alu, result, sources);
  } else {
    b.emit(in, "IMAD", Pipe::IntegerMultiply, result, sources);
  }
}

// Division without a divider: a reciprocal in floating point, two steps of correction.
void select_division(OperationBuilder& b, const Instruction& in, ValueId result,
                     const std::vector<ValueId>& sources) {
  const bool rest = in.opcode == Opcode::Rem;
  const bool is_signed = ptx::is_signed(in.type);
  if (in.operands[2].kind == Operand::Kind::Immediate) {
    // By a constant: a multiplication by its reciprocal.
    if (power_of_two(in.operands[2])) {
      b.chain(in, {{"SHF", Pipe::Alu, is_signed ? 3 : 1}}, result, sources);
    } else if (ptx::bit_width(in.type) == 64) {
      b.chain(in,
              {{"IMAD.WIDE.U32", Pipe::IntegerMultiply, 6},
               {"IADD3.X", Pipe::Alu, 5},
               {"IMAD", Pipe::IntegerMultiply, rest ? 3 : 0}},
              result, sources);
    } else {
      b.chain(in,
              {{"IMAD.HI", Pipe::IntegerMultiply},
               {"SHF", Pipe::Alu, is_signed ? 2 : 1},
               {"IMAD", Pipe::IntegerMultiply, rest ? 1 : 0}},
              result, sources);
    }
    return;
  }
  if (ptx::bit_width(in.type) == 64) {
    // A test for 32-bit operands decides between a short way and a subroutine; the short way is taken where
    // the upper halves are 0.
    b.chain(in,
            {{"LOP3", Pipe::Alu},
             {"ISETP", Pipe::Alu},
             {"BRA", Pipe::Branch, 2},
             {"I2F", Pipe::Special},
             {"MUFU", Pipe::Special},
             {"IADD3", Pipe::Alu},
             {"F2I", Pipe::Convert},
             {"IMAD", Pipe::IntegerMultiply, is_signed ? 22 : 12},
             {"IMAD.WIDE.U32", Pipe::IntegerMultiply, 8},
             {"IADD3", Pipe::Alu, 12},
             {"ISETP", Pipe::Alu, 6},
             {"SEL", Pipe::Alu, rest ? 8 : 10},
             {"RET", Pipe::Branch},
             {"MOV", Pipe::Alu}},
            result, sources);
    return;
  }
  if (is_signed) {
    b.chain(in,
            {{"IABS", Pipe::Alu, 2},
             {"I2F", Pipe::Special},
             {"MUFU", Pipe::Special},
             {"IADD3", Pipe::Alu},
             {"F2I", Pipe::Convert},
             {"IADD3", Pipe::Alu},
             {"IMAD", Pipe::IntegerMultiply, 2},
             {"IMAD.HI", Pipe::IntegerMultiply, 2},
             {"IMAD", Pipe::IntegerMultiply, rest ? 3 : 2},
             {"ISETP", Pipe::Alu},
             {"IADD3", Pipe::Alu, 2},
             {"ISETP", Pipe::Alu, 2},
             {"LOP3", Pipe::Alu, 2},
             {"IMAD", Pipe::IntegerMultiply, 2}},
            result, sources);
  } else {
    b.chain(in,
            {{"I2F", Pipe::Special},
             {"MUFU", Pipe::Special},
             {"IADD3", Pipe::Alu},
             {"F2I", Pipe::Convert},
             {"IADD3", Pipe::Alu},
             {"IMAD", Pipe::IntegerMultiply},
             {"IMAD.HI", Pipe::IntegerMultiply, 2},
             {"IMAD", Pipe::IntegerMultiply, 2},
             {"ISETP", Pipe::Alu},
             {"IADD3", Pipe::Alu, 2},
             {"ISETP", Pipe::Alu, 2},
             {"LOP3", Pipe::Alu},
             {"IMAD", Pipe::IntegerMultiply, 2}},
            result, sources);
  }
}

const char* logic_name(int bits) { return bits == 1 ? "PLOP3" : "LOP3"; }

}  // namespace

bool select_integer(OperationBuilder& b, const Instruction& in) {
  if (in.operands.empty()) return false;
  const ValueId result = b.writes(in.operands[0]);
  const std::vector<ValueId> sources = source_values(b, in);
  int bits = in.type == Type::Pred ? 1 : ptx::bit_width(in.type);
  const bool narrow =
      bits == 64 && in.operands[0].kind == Operand::Kind::Register && b.roles()[in.operands[0].reg].narrow;
  if (narrow) bits = 32;
  // Most operations on 64 bits are done once for each half.
  const int halves = bits == 64 ? 2 : 1;
  const int add_halves = bits == 64 && !b.options().wide_integer_add ? 2 : 1;
  switch (in.opcode) {
    case Opcode::Add:
    case Opcode::Sub: {
      // What was absorbed decides: a product makes it a multiply-add, a shift a scaled add.
      for (std::size_t i = 1; i < in.operands.size(); ++i) {
        const Operand& operand = in.operands[i];
        if (operand.kind != Operand::Kind::Register || !b.roles()[operand.reg].absorbed) continue;
        const Instruction* const part = b.roles().definition(operand.reg);
        if (narrow && part->opcode == Opcode::Mul && !power_of_two(part->operands[2])) {
          b.emit(in, "IMAD", Pipe::IntegerMultiply, result, sources);
          return true;
        }
        if (narrow && part->opcode != Opcode::Add) {
          b.emit(in, "LEA", Pipe::Alu, result, sources);
          return true;
        }
        if (bits == 64 && part->opcode != Opcode::Add) {
          b.emit(in, "IMAD.WIDE", Pipe::IntegerMultiply, result, sources);
          return true;
        }
        if (part->opcode == Opcode::Mul) {
          b.emit(in, "IMAD", Pipe::IntegerMultiply, result, sources);
          return true;
        }
        if (part->opcode == Opcode::Shl) {
          b.emit(in, "LEA", Pipe::Alu, result, sources);
          return true;
        }
      }
      b.chain(in, {{"IADD3", Pipe::Alu}, {"IADD3.X", Pipe::Alu, add_halves - 1}}, result, sources);
      return true;
    }
    case Opcode::AddC:
    case Opcode::SubC:
      b.emit(in, "IADD3.X", Pipe::Alu, result, sources);
      return true;
    case Opcode::Mul:
    case Opcode::Mad:
    case Opcode::MadC:
      select_multiply(b, in, result, sources);
      return true;
    case Opcode::Mul24:
    case Opcode::Mad24:
      b.chain(in, {{"SGXT", Pipe::Alu, 2}, {"IMAD", Pipe::IntegerMultiply}}, result, sources);
      return true;
    case Opcode::Div:
    case Opcode::Rem:
      select_division(b, in, result, sources);
      return true;
    case Opcode::Sad:
      b.emit(in, "VABSDIFF", Pipe::Alu, result, sources);
      return true;
    case Opcode::Abs:
      b.chain(in, {{"IABS", Pipe::Alu, bits == 64 ? 5 : 1}}, result, sources);
      return true;
    case Opcode::Neg:
      b.chain(in, {{"IADD3", Pipe::Alu, halves}}, result, sources);
      return true;
    case Opcode::Min:
    case Opcode::Max:
      b.chain(in, {{"IMNMX", Pipe::Alu, bits == 64 && !b.options().wide_integer_add ? 4 : 1}}, result,
              sources);
      return true;
    case Opcode::Popc:
      b.chain(in, {{"POPC", Pipe::BitCount, halves}, {"IADD3", Pipe::Alu, halves - 1}}, result, sources);
      return true;
    case Opcode::Clz:
      b.chain(in, {{"FLO", Pipe::BitCount}, {"IADD3", Pipe::Alu, bits == 64 ? 5 : 1}}, result, sources);
      return true;
    case Opcode::Bfind:
      b.chain(in,
              {{"ISETP", Pipe::Alu, halves - 1}, {"FLO", Pipe::BitCount}, {"IADD3", Pipe::Alu, halves - 1}},
              result, sources);
      return true;
    case Opcode::Brev:
      b.chain(in, {{"BREV", Pipe::BitCount, halves}}, result, sources);
      return true;
    case Opcode::Fns:
      b.chain(in, {{"FNS", Pipe::BitCount, 16}}, result, sources);
      return true;
    case Opcode::Bfe: {
      const bool fixed = in.operands.size() == 4 && in.operands[2].kind == Operand::Kind::Immediate &&
                         in.operands[3].kind == Operand::Kind::Immediate;
      b.chain(in,
              {{"PRMT", Pipe::Alu, fixed ? 0 : 3}, {"SHF", Pipe::Alu, halves}, {"SGXT", Pipe::Alu, halves}},
              result, sources);
      return true;
    }
    case Opcode::Bfi:
      b.chain(in, {{"SHF", Pipe::Alu, halves}, {"LOP3", Pipe::Alu, halves}}, result, sources);
      return true;
    case Opcode::Dp4a:
    case Opcode::Dp2a:
      b.emit(in, "IDP", Pipe::IntegerMultiply, result, sources);
      return true;
    case Opcode::And:
    case Opcode::Or:
    case Opcode::Xor:
    case Opcode::Not:
    case Opcode::Lop3:
      b.chain(in, {{logic_name(bits), Pipe::Alu, halves}}, result, sources);
      return true;
    case Opcode::Cnot:
      b.chain(in, {{"ISETP", Pipe::Alu}, {"SEL", Pipe::Alu}}, result, sources);
      return true;
    case Opcode::Shl:
    case Opcode::Shr:
      b.chain(in, {{"SHF", Pipe::Alu, halves}}, result, sources);
      return true;
    case Opcode::Shf:
      b.emit(in, "SHF", Pipe::Alu, result, sources);
      return true;
    case Opcode::Prmt:
      b.emit(in, "PRMT", Pipe::Alu, result, sources);
      return true;
    case Opcode::Setp: {
      const Pipe pipe = in.type == Type::F64                                                      ? Pipe::Fp64
                        : in.type == Type::F16 || in.type == Type::F16x2 || in.type == Type::BF16 ? Pipe::Fp16
                                                                                                  : Pipe::Alu;
      const int count = bits == 64 && pipe == Pipe::Alu && !b.options().wide_integer_add ? 2 : 1;
      if (count == 2) b.emit(in, "ISETP", Pipe::Alu, b.new_value(0), sources);
      MachineOperation& operation =
          b.emit(in, ptx::is_float(in.type) ? "FSETP" : "ISETP", pipe, result, sources);
      if (in.second_destination) operation.results[1] = b.writes(*in.second_destination);
      return true;
    }
    case Opcode::Set:
      b.chain(in,
              {{"FSETP", ptx::is_float(in.source_type) && ptx::bit_width(in.source_type) == 64 ? Pipe::Fp64
                                                                                               : Pipe::Alu},
               {"SEL", Pipe::Alu}},
              result, sources);
      return true;
    case Opcode::Selp:
      b.chain(in, {{"SEL", Pipe::Alu, halves}}, result, sources);
      return true;
    case Opcode::Slct:
      b.chain(in, {{"FSETP", Pipe::Alu}, {"SEL", Pipe::Alu, halves}}, result, sources);
      return true;
    case Opcode::Copysign:
      b.emit(in, "LOP3", Pipe::Alu, result, sources);
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::kernel
