// Floating-point arithmetic and conversions.
#include "kernel/operation_selection.h"

namespace doppel::kernel {
namespace {

using ptx::Instruction;
using ptx::Opcode;
using ptx::Type;
using Step = OperationBuilder::Step;

bool is_half(Type type) {
  return type == Type::F16 || type == Type::F16x2 || type == Type::BF16 || type == Type::BF16x2;
}

// add, sub, mul, fma, min, max.
bool select_basic(OperationBuilder& b, const Instruction& in, ValueId result,
                  const std::vector<ValueId>& sources) {
  const int lanes = ptx::is_packed(in.type) ? 2 : 1;
  Pipe pipe = Pipe::Fp32;
  if (in.type == Type::F64) pipe = Pipe::Fp64;
  if (is_half(in.type)) pipe = Pipe::Fp16;
  switch (in.opcode) {
    case Opcode::Add:
    case Opcode::Sub:
      b.emit(in,
             pipe == Pipe::Fp64   ? "DADD"
             : pipe == Pipe::Fp16 ? "HADD2"
                                  : "FADD",
             pipe, result, sources, lanes);
      return true;
    case Opcode::Mul:
      b.emit(in,
             pipe == Pipe::Fp64   ? "DMUL"
             : pipe == Pipe::Fp16 ? "HMUL2"
                                  : "FMUL",
             pipe, result, sources, lanes);
      return true;
    case Opcode::Fma:
    case Opcode::Mad:
      b.emit(in,
             pipe == Pipe::Fp64   ? "DFMA"
             : pipe == Pipe::Fp16 ? "HFMA2"
                                  : "FFMA",
             pipe, result, sources, 2 * lanes);
      return true;
    case Opcode::Min:
    case Opcode::Max:
      if (pipe == Pipe::Fp64) {
        b.chain(in, {{"DSETP", Pipe::Fp64}, {"FSEL", Pipe::Alu, 3}}, result, sources);
      } else {
        b.emit(in, "FMNMX", pipe == Pipe::Fp16 ? Pipe::Fp16 : Pipe::Alu, result, sources);
      }
      return true;
    case Opcode::Abs:
    case Opcode::Neg:
      b.emit(in, "FADD", pipe, result, sources);
      return true;
    default:
      return false;
  }
}

// The tests for operands that need more care are part of the usual way; their subroutines are not: they are
// rarely called.
void select_division(OperationBuilder& b, const Instruction& in, ValueId result,
                     const std::vector<ValueId>& sources) {
  const bool ftz = in.modifiers.ftz;
  if (in.type == Type::F64) {
    b.chain(in,
            {{"MUFU.RCP64H", Pipe::Special},
             {"DFMA", Pipe::Fp64, 4},
             {"DMUL", Pipe::Fp64},
             {"DFMA", Pipe::Fp64, 2},
             {"FFMA", Pipe::Fp32},
             {"FSETP", Pipe::Alu},
             {"BSSY", Pipe::Branch},
             {"BRA", Pipe::Branch},
             {"BSYNC", Pipe::Branch},
             {"MOV", Pipe::Alu}},
            result, sources, 1);
  } else if (in.modifiers.approx) {
    if (ftz) {
      b.chain(in, {{"MUFU.RCP", Pipe::Special}, {"FMUL", Pipe::Fp32}}, result, sources, 1);
    } else {
      b.chain(
          in,
          {{"FSETP", Pipe::Alu}, {"FMUL", Pipe::Fp32}, {"MUFU.RCP", Pipe::Special}, {"FMUL", Pipe::Fp32, 2}},
          result, sources, 1);
    }
  } else if (in.modifiers.full) {
    b.chain(in,
            {{"FSETP", Pipe::Alu, 2},
             {"FMUL", Pipe::Fp32, 2},
             {"MUFU.RCP", Pipe::Special},
             {"FMUL", Pipe::Fp32, 2}},
            result, sources, 1);
  } else {
    b.chain(in,
            {{"MUFU.RCP", Pipe::Special},
             {"BSSY", Pipe::Branch},
             {"FFMA", Pipe::Fp32, 3},
             {"FCHK", Pipe::Special},
             {"FFMA", Pipe::Fp32, 3},
             {"BRA", Pipe::Branch},
             {"BSYNC", Pipe::Branch},
             {"MOV", Pipe::Alu}},
            result, sources, 1);
  }
}

bool select_function(OperationBuilder& b, const Instruction& in, ValueId result,
                     const std::vector<ValueId>& sources) {
  const bool is_double = in.type == Type::F64;
  const bool approx = in.modifiers.approx;
  const bool plain = in.modifiers.ftz || is_half(in.type);
  const auto scaled = [&](const char* name) {  // small operands are scaled before and after
    b.chain(in,
            {{"FSETP", Pipe::Alu, plain ? 0 : 1},
             {"FMUL", Pipe::Fp32, plain ? 0 : 1},
             {name, Pipe::Special},
             {"FMUL", Pipe::Fp32, plain ? 0 : 1}},
            result, sources, 1);
  };
  switch (in.opcode) {
    case Opcode::Rcp:
      if (is_double && approx) {
        b.emit(in, "MUFU.RCP64H", Pipe::Special, result, sources, 1);
      } else if (is_double) {
        b.chain(in,
                {{"MUFU.RCP64H", Pipe::Special},
                 {"BSSY", Pipe::Branch},
                 {"FSETP", Pipe::Alu},
                 {"DFMA", Pipe::Fp64, 5},
                 {"BRA", Pipe::Branch},
                 {"BSYNC", Pipe::Branch},
                 {"MOV", Pipe::Alu}},
                result, sources, 1);
      } else if (approx && plain) {
        b.emit(in, "MUFU.RCP", Pipe::Special, result, sources, 1);
      } else if (approx) {
        b.chain(in,
                {{"FSETP", Pipe::Alu, 2},
                 {"FMUL", Pipe::Fp32},
                 {"MUFU.RCP", Pipe::Special},
                 {"FMUL", Pipe::Fp32},
                 {"FSEL", Pipe::Alu, 2}},
                result, sources, 1);
      } else {
        b.chain(in,
                {{"IADD3", Pipe::Alu},
                 {"BSSY", Pipe::Branch},
                 {"ISETP", Pipe::Alu},
                 {"BRA", Pipe::Branch},
                 {"MUFU.RCP", Pipe::Special},
                 {"FFMA", Pipe::Fp32},
                 {"FADD", Pipe::Fp32},
                 {"BSYNC", Pipe::Branch},
                 {"FFMA", Pipe::Fp32}},
                result, sources, 1);
      }
      return true;
    case Opcode::Sqrt:
      if (is_double) {
        b.chain(in,
                {{"MUFU.RSQ64H", Pipe::Special},
                 {"IADD3", Pipe::Alu, 2},
                 {"BSSY", Pipe::Branch},
                 {"ISETP", Pipe::Alu},
                 {"DMUL", Pipe::Fp64, 2},
                 {"DFMA", Pipe::Fp64, 6},
                 {"BRA", Pipe::Branch},
                 {"BSYNC", Pipe::Branch},
                 {"MOV", Pipe::Alu}},
                result, sources, 1);
      } else if (approx) {
        scaled("MUFU.SQRT");
      } else {
        b.chain(in,
                {{"MUFU.RSQ", Pipe::Special},
                 {"IADD3", Pipe::Alu},
                 {"BSSY", Pipe::Branch},
                 {"ISETP", Pipe::Alu},
                 {"BRA", Pipe::Branch},
                 {"FMUL", Pipe::Fp32, 2},
                 {"FFMA", Pipe::Fp32},
                 {"BSYNC", Pipe::Branch},
                 {"FFMA", Pipe::Fp32}},
                result, sources, 1);
      }
      return true;
    case Opcode::Rsqrt:
      if (is_double) {
        b.chain(in,
                {{"MUFU.RSQ64H", Pipe::Special},
                 {"DMUL", Pipe::Fp64, in.modifiers.ftz ? 0 : 3},
                 {"DFMA", Pipe::Fp64, in.modifiers.ftz ? 0 : 3}},
                result, sources, 1);
      } else {
        scaled("MUFU.RSQ");
      }
      return true;
    case Opcode::Ex2:
      if (in.type == Type::F16x2 || in.type == Type::BF16x2) {
        b.chain(in, {{"MUFU.EX2.F16", Pipe::Special, 2}, {"PRMT", Pipe::Alu}}, result, sources, 2);
      } else {
        scaled("MUFU.EX2");
      }
      return true;
    case Opcode::Lg2:
      scaled("MUFU.LG2");
      return true;
    case Opcode::Sin:
    case Opcode::Cos:
      // The argument goes into units of a turn first.
      b.chain(in, {{"FMUL", Pipe::Fp32}, {"MUFU.SIN", Pipe::Special}}, result, sources, 1);
      return true;
    case Opcode::Tanh:
      b.chain(in, {{"MUFU.TANH", Pipe::Special, ptx::is_packed(in.type) ? 2 : 1}}, result, sources, 1);
      return true;
    case Opcode::Testp:
      b.chain(in, {{"LOP3", Pipe::Alu}, {"FSETP", Pipe::Alu}}, result, sources);
      return true;
    default:
      return false;
  }
}

void select_conversion(OperationBuilder& b, const Instruction& in, ValueId result,
                       const std::vector<ValueId>& sources) {
  const Type to = in.type, from = in.source_type;
  const int to_bits = ptx::bit_width(to), from_bits = ptx::bit_width(from);
  const bool to_float = ptx::is_float(to), from_float = ptx::is_float(from);
  if (!to_float && !from_float) {
    if (to_bits == 64 || from_bits == 64) {
      b.emit(in, "SHF", Pipe::Alu, result, sources);  // the sign in the upper half
    } else {
      b.emit(in, "PRMT", Pipe::Alu, result, sources);
    }
    return;
  }
  if (to_bits == 64 || from_bits == 64) {
    b.emit(in, to_float && from_float ? "F2F" : to_float ? "I2F" : "F2I", Pipe::Convert64, result, sources);
  } else if (to_float && from_float) {
    if (to == from || (to_bits == 32 && from_bits == 32)) {
      const bool to_integer = in.modifiers.rounding >= ptx::Rounding::Rni;
      b.emit(in, to_integer ? "FRND" : "FADD", to_integer ? Pipe::Convert : Pipe::Fp32, result, sources);
    } else if (to == Type::F32) {
      b.emit(in, "HADD2.F32", Pipe::Fp16, result, sources);  // halves widen on their own pipe
    } else {
      b.emit(in, "F2FP", Pipe::Alu, result, sources);
    }
  } else if (to_float) {
    if (is_half(to)) {
      b.emit(in, "I2F.F16", Pipe::Convert, result, sources);
    } else {
      b.emit(in, "I2FP", Pipe::Alu, result, sources);
    }
  } else {
    b.emit(in, "F2I", to_bits == 8 ? Pipe::Alu : Pipe::Convert, result, sources);
  }
}

}  // namespace

bool select_float(OperationBuilder& b, const Instruction& in) {
  if (in.operands.empty()) return false;
  if (in.opcode == Opcode::Cvt) {
    select_conversion(b, in, b.writes(in.operands[0]), source_values(b, in));
    return true;
  }
  if (in.opcode == Opcode::CvtPack) {
    b.emit(in, "I2IP", Pipe::Alu, b.writes(in.operands[0]), source_values(b, in));
    return true;
  }
  if (!ptx::is_float(in.type)) return false;
  const ValueId result = b.writes(in.operands[0]);
  const std::vector<ValueId> sources = source_values(b, in);
  if (in.opcode == Opcode::Div) {
    select_division(b, in, result, sources);
    return true;
  }
  return select_basic(b, in, result, sources) || select_function(b, in, result, sources);
}

}  // namespace doppel::kernel
