// SPDX-License-Identifier: Apache-2.0
#include "tensor_ptx.h"

#include <fmt/format.h>

#include <algorithm>

namespace doppel::suite {

namespace {

struct AccumulatorType {
  const char* declared;  // type of its registers
  const char* zero;
  int registers;    // of an accumulator of 16 by 8
  const char* sum;  // adds two registers
};

AccumulatorType type_of(Accumulator accumulator) {
  switch (accumulator) {
    case Accumulator::F16x2:
      return {"b32", "0", 2, "add.f16x2"};
    case Accumulator::F32:
      return {"f32", "0f00000000", 4, "add.f32"};
    case Accumulator::S32:
      return {"s32", "0", 4, "add.s32"};
    case Accumulator::F64:
      return {"f64", "0d0000000000000000", 2, "add.f64"};
  }
  return {};
}

// "{%a0, %a1}", or the one register alone.
std::string list(const char* name, int first, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) out += fmt::format("{}%{}{}", i == 0 ? "" : ", ", name, first + i);
  return "{" + out + "}";
}

std::string multiply(const TensorForm& form, int chain, const AccumulatorType& type) {
  const std::string c = list("c", chain * type.registers, type.registers);
  std::string out = fmt::format("  {} {}, {}, {}, {}", form.instruction, c, list("a", 0, form.a_registers),
                                list("b", 0, form.b_registers), c);
  if (form.sparse) out += ", %meta, 0";
  if (form.scale != 0) out += ", %scale, {0, 0}, %scale, {0, 0}";
  return out + ";\n";
}

// Its sum as a double in %sum.
std::string to_double(Accumulator accumulator) {
  switch (accumulator) {
    case Accumulator::F16x2:
      return "  mov.b32 {%low, %high}, %c0;\n  cvt.f64.f16 %sum, %low;\n  cvt.f64.f16 %more, %high;\n"
             "  add.f64 %sum, %sum, %more;\n";
    case Accumulator::F32:
      return "  cvt.f64.f32 %sum, %c0;\n";
    case Accumulator::S32:
      return "  cvt.rn.f64.s32 %sum, %c0;\n";
    case Accumulator::F64:
      return "  mov.f64 %sum, %c0;\n";
  }
  return "";
}

}  // namespace

std::string tensor_kernel(const TensorForm& form) {
  std::string name = form.name;
  std::ranges::replace(name, '-', '_');
  return name;
}

std::string tensor_ptx(const TensorForm& form) {
  const AccumulatorType type = type_of(form.accumulator);
  const bool wide = form.accumulator == Accumulator::F64;
  const int accumulators = kTensorChains * type.registers;
  std::string out = fmt::format(
      ".version 8.7\n.target {}\n.address_size 64\n\n"
      ".visible .entry {}(.param .u64 out, .param .u32 iterations)\n{{\n"
      "  .reg .b64 %rd<4>;\n  .reg .b32 %r<6>;\n  .reg .b16 %low, %high;\n  .reg .f64 %sum, %more;\n"
      "  .reg .b32 %meta, %scale;\n  .reg .pred %p;\n"
      "  .reg .{} %a<{}>;\n  .reg .{} %b<{}>;\n  .reg .{} %c<{}>;\n"
      "  ld.param.u64 %rd0, [out];\n  ld.param.u32 %r0, [iterations];\n",
      form.target, tensor_kernel(form), wide ? "f64" : "b32", form.a_registers, wide ? "f64" : "b32",
      form.b_registers, type.declared, accumulators);
  const std::string one = wide ? "0d3FF0000000000000" : fmt::format("{:#x}", form.one);
  const char* word = wide ? "f64" : "b32";
  for (int i = 0; i < form.a_registers; ++i) out += fmt::format("  mov.{} %a{}, {};\n", word, i, one);
  for (int i = 0; i < form.b_registers; ++i) out += fmt::format("  mov.{} %b{}, {};\n", word, i, one);
  // The first two of each four, in order; of tf32 the first of each two.
  if (form.sparse) out += "  mov.b32 %meta, 0x44444444;\n";
  if (form.scale != 0) out += fmt::format("  mov.b32 %scale, {:#x};\n", form.scale);
  for (int i = 0; i < accumulators; ++i)
    out += fmt::format("  mov.{} %c{}, {};\n", type.declared, i, type.zero);
  out += "LOOP:\n";
  for (int step = 0; step < kTensorSteps; ++step) {
    for (int chain = 0; chain < kTensorChains; ++chain) out += multiply(form, chain, type);
  }
  out += "  sub.u32 %r0, %r0, 1;\n  setp.ne.u32 %p, %r0, 0;\n  @%p bra LOOP;\n";
  for (int i = 1; i < accumulators; ++i) out += fmt::format("  {} %c0, %c0, %c{};\n", type.sum, i);
  out += to_double(form.accumulator);
  return out +
         "  mov.u32 %r1, %ctaid.x;\n  mov.u32 %r2, %ntid.x;\n  mov.u32 %r3, %tid.x;\n"
         "  mad.lo.u32 %r4, %r1, %r2, %r3;\n  mad.wide.u32 %rd1, %r4, 8, %rd0;\n"
         "  st.global.f64 [%rd1], %sum;\n  ret;\n}\n";
}

}  // namespace doppel::suite
