// SPDX-License-Identifier: Apache-2.0
// Integer arithmetic, logic, shifts, comparison and selection.
#include <algorithm>
#include <bit>

#include "machine/operation_selection.h"

namespace doppel::machine {
namespace {

using ir::MulPart;
using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::Type;
using Step = OperationBuilder::Step;

bool power_of_two(const Operand& operand) {
  return operand.is_immediate() && std::has_single_bit(operand.immediate);
}

bool has_narrow_result(OperationBuilder& b, const Operation& in) {
  return in.results[0].is_register() && b.roles()[in.results[0].reg].narrow;
}

void select_multiply(OperationBuilder& b, const Operation& in, ValueId result,
                     const std::vector<ValueId>& sources) {
  const bool add = in.op != Op::IMul;
  const bool narrow = has_narrow_result(b, in);
  const int bits = narrow ? std::min(32, ir::bit_width(in.type)) : ir::bit_width(in.type);
  if (narrow && !add && power_of_two(in.sources[1])) {
    b.emit(in, "SHF", Pipe::Alu, result, sources);
    return;
  }
  if (bits == 64) {
    if (in.attributes.mul_part == MulPart::Hi) {
      b.chain(in,
              {{"IMAD.WIDE.U32", Pipe::IntegerMultiply, 4},
               {"IADD3.X", Pipe::Alu, ir::is_signed(in.type) ? 10 : 2}},
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
  if (in.attributes.mul_part == MulPart::Wide) {
    b.emit(in, bits == 16 ? "IMAD" : "IMAD.WIDE", Pipe::IntegerMultiply, result, sources);
  } else if (in.attributes.mul_part == MulPart::Hi) {
    b.chain(in, {{"IMAD.HI", Pipe::IntegerMultiply, add ? 2 : 1}}, result, sources);
  } else if (!add && power_of_two(in.sources[1])) {
    b.emit(in, "SHF", Pipe::Alu, result, sources);
  } else {
    b.emit(in, "IMAD", Pipe::IntegerMultiply, result, sources);
  }
}

// Division without a divider: a reciprocal in floating point, two steps of correction.
void select_integer_division(OperationBuilder& b, const Operation& in, ValueId result,
                             const std::vector<ValueId>& sources) {
  const bool rest = in.op == Op::IRem;
  const bool is_signed = ir::is_signed(in.type);
  if (in.sources[1].is_immediate()) {
    // By a constant: a multiplication by its reciprocal.
    if (power_of_two(in.sources[1])) {
      b.chain(in, {{"SHF", Pipe::Alu, is_signed ? 3 : 1}}, result, sources);
    } else if (ir::bit_width(in.type) == 64) {
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
  if (ir::bit_width(in.type) == 64) {
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

// What was absorbed decides: a product makes it a multiply-add, a shift a scaled add. False: nothing was.
bool select_fused_add(OperationBuilder& b, const Operation& in, int bits, bool narrow, ValueId result,
                      const std::vector<ValueId>& sources) {
  for (const Operand& source : in.sources) {
    if (!source.is_register() || !b.roles()[source.reg].absorbed) continue;
    const Operation& part = *b.roles().definition(source.reg);
    if (part.op == Op::IAdd) continue;
    if (narrow ? part.op == Op::IMul && !power_of_two(part.sources[1]) : bits != 64 && part.op == Op::IMul) {
      b.emit(in, "IMAD", Pipe::IntegerMultiply, result, sources);
    } else if (narrow || (bits != 64 && part.op == Op::Shl)) {
      b.emit(in, "LEA", Pipe::Alu, result, sources);
    } else if (bits == 64) {
      b.emit(in, "IMAD.WIDE", Pipe::IntegerMultiply, result, sources);
    } else {
      continue;
    }
    return true;
  }
  return false;
}

}  // namespace

void select_integer(OperationBuilder& b, const Operation& in) {
  const ValueId result = b.result_of(in);
  const std::vector<ValueId> sources = source_values(b, in);
  int bits = in.type == Type::Pred ? 1 : ir::bit_width(in.type);
  const bool narrow = bits == 64 && has_narrow_result(b, in);
  if (narrow) bits = 32;
  // Most operations on 64 bits are done once for each half.
  const int halves = bits == 64 ? 2 : 1;
  const int add_halves = bits == 64 && !b.options().wide_integer_add ? 2 : 1;
  const auto add = [&] {
    b.chain(in, {{"IADD3", Pipe::Alu}, {"IADD3.X", Pipe::Alu, add_halves - 1}}, result, sources);
  };
  switch (in.op) {
    case Op::IAdd:
    case Op::ISub:
      if (!select_fused_add(b, in, bits, narrow, result, sources)) add();
      return;
    case Op::IAddCarry:
    case Op::ISubCarry:
      if (in.sources.back().is_immediate()) {
        add();  // begins a chain
      } else {
        b.emit(in, "IADD3.X", Pipe::Alu, result, sources);
      }
      return;
    case Op::IMul:
    case Op::IMad:
    case Op::IMadCarry:
      select_multiply(b, in, result, sources);
      return;
    case Op::IMul24:
    case Op::IMad24:
      b.chain(in, {{"SGXT", Pipe::Alu, 2}, {"IMAD", Pipe::IntegerMultiply}}, result, sources);
      return;
    case Op::IDiv:
    case Op::IRem:
      select_integer_division(b, in, result, sources);
      return;
    case Op::ISad:
      b.emit(in, "VABSDIFF", Pipe::Alu, result, sources);
      return;
    case Op::IAbs:
      b.chain(in, {{"IABS", Pipe::Alu, bits == 64 ? 5 : 1}}, result, sources);
      return;
    case Op::INeg:
      b.chain(in, {{"IADD3", Pipe::Alu, halves}}, result, sources);
      return;
    case Op::IMin:
    case Op::IMax:
      b.chain(in, {{"IMNMX", Pipe::Alu, bits == 64 && !b.options().wide_integer_add ? 4 : 1}}, result,
              sources);
      return;
    case Op::Popc:
      b.chain(in, {{"POPC", Pipe::BitCount, halves}, {"IADD3", Pipe::Alu, halves - 1}}, result, sources);
      return;
    case Op::Clz:
      b.chain(in, {{"FLO", Pipe::BitCount}, {"IADD3", Pipe::Alu, bits == 64 ? 5 : 1}}, result, sources);
      return;
    case Op::Bfind:
      b.chain(in,
              {{"ISETP", Pipe::Alu, halves - 1}, {"FLO", Pipe::BitCount}, {"IADD3", Pipe::Alu, halves - 1}},
              result, sources);
      return;
    case Op::Brev:
      b.chain(in, {{"BREV", Pipe::BitCount, halves}}, result, sources);
      return;
    case Op::Fns:
      b.chain(in, {{"FNS", Pipe::BitCount, 16}}, result, sources);
      return;
    case Op::Bfe: {
      const bool fixed = in.sources[1].is_immediate() && in.sources[2].is_immediate();
      b.chain(in,
              {{"PRMT", Pipe::Alu, fixed ? 0 : 3}, {"SHF", Pipe::Alu, halves}, {"SGXT", Pipe::Alu, halves}},
              result, sources);
      return;
    }
    case Op::Bfi:
      b.chain(in, {{"SHF", Pipe::Alu, halves}, {"LOP3", Pipe::Alu, halves}}, result, sources);
      return;
    case Op::Dp4a:
    case Op::Dp2a:
      b.emit(in, "IDP", Pipe::IntegerMultiply, result, sources);
      return;
    case Op::And:
    case Op::Or:
    case Op::Xor:
    case Op::Not:
    case Op::Lop3:
      b.chain(in, {{logic_name(bits), Pipe::Alu, halves}}, result, sources);
      return;
    case Op::Cnot:
      b.chain(in, {{"ISETP", Pipe::Alu}, {"SEL", Pipe::Alu}}, result, sources);
      return;
    case Op::Shl:
    case Op::Shr:
      b.chain(in, {{"SHF", Pipe::Alu, halves}}, result, sources);
      return;
    case Op::Shf:
      b.emit(in, "SHF", Pipe::Alu, result, sources);
      return;
    case Op::Prmt:
      b.emit(in, "PRMT", Pipe::Alu, result, sources);
      return;
    case Op::ICompare:
    case Op::FCompare: {
      const Pipe pipe = in.type == Type::F64                                                      ? Pipe::Fp64
                        : in.type == Type::F16 || in.type == Type::F16x2 || in.type == Type::BF16 ? Pipe::Fp16
                                                                                                  : Pipe::Alu;
      const int count = bits == 64 && pipe == Pipe::Alu && !b.options().wide_integer_add ? 2 : 1;
      if (count == 2) b.emit(in, "ISETP", Pipe::Alu, b.new_value(0), sources);
      MachineOperation& operation =
          b.emit(in, in.op == Op::FCompare ? "FSETP" : "ISETP", pipe, result, sources);
      if (in.results.size() > 1) b.add_result(operation, b.value_of(in.results[1]));
      return;
    }
    case Op::ISet:
    case Op::FSet:
      b.chain(in, {{"FSETP", in.source_type == Type::F64 ? Pipe::Fp64 : Pipe::Alu}, {"SEL", Pipe::Alu}},
              result, sources);
      return;
    case Op::Select:
      b.chain(in, {{"SEL", Pipe::Alu, halves}}, result, sources);
      return;
    case Op::ISelect:
    case Op::FSelect:
      b.chain(in, {{"FSETP", Pipe::Alu}, {"SEL", Pipe::Alu, halves}}, result, sources);
      return;
    case Op::Szext:
      b.emit(in, "SGXT", Pipe::Alu, result, sources);
      return;
    case Op::Bmsk:
      b.emit(in, "BMSK", Pipe::Alu, result, sources);
      return;
    case Op::FCopysign:
      b.emit(in, "LOP3", Pipe::Alu, result, sources);
      return;
    default:
      b.no_rule(in);
  }
}

}  // namespace doppel::machine
