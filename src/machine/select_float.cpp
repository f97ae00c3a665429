// SPDX-License-Identifier: Apache-2.0
// Floating-point arithmetic and conversions.
#include "machine/operation_selection.h"

namespace doppel::machine {
namespace {

using ir::Op;
using ir::Operation;
using ir::Type;
using Step = OperationBuilder::Step;

bool is_half(Type type) {
  return type == Type::F16 || type == Type::F16x2 || type == Type::BF16 || type == Type::BF16x2;
}

// add, sub, mul, fma, min, max. False: none of them.
bool select_basic(OperationBuilder& b, const Operation& in, ValueId result,
                  const std::vector<ValueId>& sources) {
  const int lanes = ir::is_packed(in.type) ? 2 : 1;
  Pipe pipe = Pipe::Fp32;
  if (in.type == Type::F64) pipe = Pipe::Fp64;
  if (is_half(in.type)) pipe = Pipe::Fp16;
  if (in.type == Type::F32x2) {  // one after the other, as the assembler for sm_120 has it
    const bool fma = in.op == Op::FFma;
    b.chain(in,
            {{fma                 ? "FFMA"
              : in.op == Op::FMul ? "FMUL"
                                  : "FADD",
              Pipe::Fp32, 2}},
            result, sources, fma ? 4 : 2);
    return true;
  }
  switch (in.op) {
    case Op::FAdd:
    case Op::FSub:
      b.emit(in,
             pipe == Pipe::Fp64   ? "DADD"
             : pipe == Pipe::Fp16 ? "HADD2"
                                  : "FADD",
             pipe, result, sources, lanes);
      return true;
    case Op::FMul:
      b.emit(in,
             pipe == Pipe::Fp64   ? "DMUL"
             : pipe == Pipe::Fp16 ? "HMUL2"
                                  : "FMUL",
             pipe, result, sources, lanes);
      return true;
    case Op::FFma:
      b.emit(in,
             pipe == Pipe::Fp64   ? "DFMA"
             : pipe == Pipe::Fp16 ? "HFMA2"
                                  : "FFMA",
             pipe, result, sources, 2 * lanes);
      return true;
    case Op::FMin:
    case Op::FMax:
      if (pipe == Pipe::Fp64) {
        b.chain(in, {{"DSETP", Pipe::Fp64}, {"FSEL", Pipe::Alu, 3}}, result, sources);
      } else {
        b.emit(in, "FMNMX", pipe == Pipe::Fp16 ? Pipe::Fp16 : Pipe::Alu, result, sources);
      }
      return true;
    case Op::FAbs:
    case Op::FNeg:
      b.emit(in, "FADD", pipe, result, sources);
      return true;
    default:
      return false;
  }
}

// The tests for operands that need more care are part of the usual way; their subroutines are not: they are
// rarely called.
void select_float_division(OperationBuilder& b, const Operation& in, ValueId result,
                           const std::vector<ValueId>& sources) {
  const bool ftz = in.attributes.ftz;
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
  } else if (in.op == Op::FDivApprox && !in.attributes.full) {
    if (ftz) {
      b.chain(in, {{"MUFU.RCP", Pipe::Special}, {"FMUL", Pipe::Fp32}}, result, sources, 1);
    } else {
      b.chain(
          in,
          {{"FSETP", Pipe::Alu}, {"FMUL", Pipe::Fp32}, {"MUFU.RCP", Pipe::Special}, {"FMUL", Pipe::Fp32, 2}},
          result, sources, 1);
    }
  } else if (in.op == Op::FDivApprox) {
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

void select_function(OperationBuilder& b, const Operation& in, ValueId result,
                     const std::vector<ValueId>& sources) {
  const bool is_double = in.type == Type::F64;
  const bool plain = in.attributes.ftz || is_half(in.type);
  const auto scaled = [&](const char* name) {  // small operands are scaled before and after
    b.chain(in,
            {{"FSETP", Pipe::Alu, plain ? 0 : 1},
             {"FMUL", Pipe::Fp32, plain ? 0 : 1},
             {name, Pipe::Special},
             {"FMUL", Pipe::Fp32, plain ? 0 : 1}},
            result, sources, 1);
  };
  switch (in.op) {
    case Op::FRcpApprox:
      if (is_double) {
        b.emit(in, "MUFU.RCP64H", Pipe::Special, result, sources, 1);
      } else if (plain) {
        b.emit(in, "MUFU.RCP", Pipe::Special, result, sources, 1);
      } else {
        b.chain(in,
                {{"FSETP", Pipe::Alu, 2},
                 {"FMUL", Pipe::Fp32},
                 {"MUFU.RCP", Pipe::Special},
                 {"FMUL", Pipe::Fp32},
                 {"FSEL", Pipe::Alu, 2}},
                result, sources, 1);
      }
      return;
    case Op::FRcp:
      if (is_double) {
        b.chain(in,
                {{"MUFU.RCP64H", Pipe::Special},
                 {"BSSY", Pipe::Branch},
                 {"FSETP", Pipe::Alu},
                 {"DFMA", Pipe::Fp64, 5},
                 {"BRA", Pipe::Branch},
                 {"BSYNC", Pipe::Branch},
                 {"MOV", Pipe::Alu}},
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
      return;
    case Op::FSqrtApprox:
      scaled("MUFU.SQRT");
      return;
    case Op::FSqrt:
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
      return;
    case Op::FRsqrt:
      if (is_double) {
        b.chain(in,
                {{"MUFU.RSQ64H", Pipe::Special},
                 {"DMUL", Pipe::Fp64, in.attributes.ftz ? 0 : 3},
                 {"DFMA", Pipe::Fp64, in.attributes.ftz ? 0 : 3}},
                result, sources, 1);
      } else {
        scaled("MUFU.RSQ");
      }
      return;
    case Op::FEx2:
      if (in.type == Type::F16x2 || in.type == Type::BF16x2) {
        b.chain(in, {{"MUFU.EX2.F16", Pipe::Special, 2}, {"PRMT", Pipe::Alu}}, result, sources, 2);
      } else {
        scaled("MUFU.EX2");
      }
      return;
    case Op::FLg2:
      scaled("MUFU.LG2");
      return;
    case Op::FSin:
    case Op::FCos:
      // The argument goes into units of a turn first.
      b.chain(in, {{"FMUL", Pipe::Fp32}, {"MUFU.SIN", Pipe::Special}}, result, sources, 1);
      return;
    case Op::FTanh:
      b.chain(in, {{"MUFU.TANH", Pipe::Special, ir::is_packed(in.type) ? 2 : 1}}, result, sources, 1);
      return;
    case Op::FTest:
      b.chain(in, {{"LOP3", Pipe::Alu}, {"FSETP", Pipe::Alu}}, result, sources);
      return;
    default:
      b.no_rule(in);
  }
}

// A half that the sum behind it, of the same instruction, takes as it is: the card has FHADD and FHFMA where
// PTX's add.f32.f16 and fma.f32.f16 became a conversion and a sum.
bool is_part_of_sum(const OperationBuilder& b, const Operation& in) {
  if (in.type != Type::F32 || !is_half(in.source_type) || in.guard || !in.sources[0].is_register() ||
      !in.results[0].is_register())
    return false;
  if (in.origin.text.line == 0) return false;  // from no text
  const auto& all = b.function().operations;
  for (std::size_t at = b.current + 1; at < all.size() && at <= b.current + 2; ++at) {
    const Operation& next = all[at];
    if (next.origin.text.line != in.origin.text.line || next.origin.text.column != in.origin.text.column)
      return false;
    if (next.op == Op::FAdd || next.op == Op::FSub || next.op == Op::FFma) return true;
  }
  return false;
}

void select_conversion(OperationBuilder& b, const Operation& in, ValueId result,
                       const std::vector<ValueId>& sources) {
  const Type to = in.type, from = in.source_type;
  const int to_bits = ir::bit_width(to), from_bits = ir::bit_width(from);
  const bool to_float = ir::is_float(to), from_float = ir::is_float(from);
  const bool directed =
      in.attributes.rounding == ir::Rounding::Rm || in.attributes.rounding == ir::Rounding::Rp;
  if (in.op == Op::FPack) {
    b.emit(in, "F2FP", Pipe::Alu, result, sources);  // two at once, whatever they are
  } else if (to == Type::TF32) {
    b.chain(in, {{"FSETP", Pipe::Alu}, {"IADD3", Pipe::Alu}, {"LOP3", Pipe::Alu}}, result, sources);
  } else if (to_bits == 64 || from_bits == 64) {
    b.emit(in, to_float && from_float ? "F2F" : to_float ? "I2F" : "F2I", Pipe::Convert64, result, sources);
  } else if (to_float && from_float) {
    if (to == from || (to_bits == 32 && from_bits == 32)) {
      const bool to_integer = in.attributes.rounding >= ir::Rounding::Rni;
      b.emit(in, to_integer ? "FRND" : "FADD", to_integer ? Pipe::Convert : Pipe::Fp32, result, sources);
    } else if (to == Type::F32 && from == Type::BF16 && !in.attributes.ftz) {
      b.emit(in, "SHF", Pipe::Alu, result, sources);  // its upper half
    } else if (to == Type::F32 && from == Type::F16) {
      b.emit(in, "HADD2.F32", Pipe::Fp16, result, sources);  // halves widen on their own pipe
    } else if (to == Type::F32 || is_half(from) || directed || (to == Type::BF16 && in.attributes.ftz)) {
      b.emit(in, "F2F", Pipe::Convert, result, sources);
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

void select_float(OperationBuilder& b, const Operation& in) {
  switch (in.op) {
    case Op::IToF:
    case Op::FToI:
    case Op::FConvert:
    case Op::FPack:
      if (in.op == Op::FConvert && is_part_of_sum(b, in)) {
        b.read_as(in.results[0].reg, in.sources[0].reg);
        return;
      }
      select_conversion(b, in, b.result_of(in), source_values(b, in));
      return;
    case Op::IPack:
      b.emit(in, "I2IP", Pipe::Alu, b.result_of(in), source_values(b, in));
      return;
    default:
      break;
  }
  const ValueId result = b.result_of(in);
  const std::vector<ValueId> sources = source_values(b, in);
  if (in.op == Op::FDiv || in.op == Op::FDivApprox) {
    select_float_division(b, in, result, sources);
  } else if (!select_basic(b, in, result, sources)) {
    select_function(b, in, result, sources);
  }
}

}  // namespace doppel::machine
