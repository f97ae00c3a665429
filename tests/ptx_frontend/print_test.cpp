// SPDX-License-Identifier: Apache-2.0
// print() gives text that parses to an equal module.
#include "frontend/ptx/print.h"

#include "parse_helpers.h"
#include "same_module.h"

namespace doppel::ptx {
namespace {

using test::kernel_text;
using test::module_text;
using test::parse_well;

void round_trip(const std::string& text) {
  const Module first = parse_well(text);
  const std::string printed = print(first);
  const auto second = parse(printed);
  ASSERT_TRUE(second.has_value()) << to_string(second.error().diagnostics.front()) << "\nin\n"
                                  << printed.substr(0, 5000);
  EXPECT_EQ(test::difference(first, *second), "") << printed.substr(0, 5000);
  EXPECT_EQ(print(*second), printed);
}

TEST(Print, CompilerOutput) {
  round_trip(test::read_file(DOPPEL_SOURCE_DIR "/tests/ptx_frontend/data/clang_kernel.ptx"));
}

TEST(Print, VariablesAndAddresses) {
  round_trip(module_text(
      ".global .b8 a[8];\n.func f;\n.global .u64 p[3] = {a, generic(a)+4, f};\n.extern .shared .align 16 .b8 "
      "dyn[];\n"
      ".global .b8 q[9] = {1, 0xFF(a+2), 0xFF00(a+2), 0xFF0000(a+2), 0xFF000000(a+2), 0xFF00000000(a+2), "
      "0xFF0000000000(a+2), 0xFF000000000000(a+2), 0xFF00000000000000(a+2)};\n.global .f32 x = "
      "0f3F800000;\n.const .f64 y[2] = {1.0, 2.0};\n"
      ".weak .global .attribute(.managed) .s16 m[2][2] = {{1},{-2}};\n.global .f16 h[2] = {0x3c00, "
      "0x4000};\n"));
}

TEST(Print, Instructions) {
  round_trip(
      kernel_text("ts: .branchtargets A, B, A; brx.idx %r1, ts; A: mov.b32 %r1, %r2; B: C:\n"
                  "{ .reg .b32 %r1; mov.b32 %r1, -5; } add.s32 _, %r1, %r2;\n"
                  "@!%p1 fma.rn.f32 %f1, %f2, 0fBF800000, %f3; add.f64 %d1, %d2, 0.1; add.s64 %rd1, %rd2, "
                  "0x8000000000000000;\n"
                  "mov.u32 %r1, %tid.y; mov.u32 %r1, %envreg3; mov.u32 %r1, %laneid; cvt.u64.u32 %rd1, "
                  "%ctaid.x; mov.u32 %r3, %reserved_smem_offset_1;\n"
                  "ld.global.L2::cache_hint.v4.f32 {%f1, _, %f2, %f3}, [%rd1+-16], %rd2; ld.param.u64 %rd1, "
                  "[p]; st.shared.b32 [%r1+4], 7;\n"
                  "mov.b64 {%r1, _}, %rd1; mov.b64 %rd1, {%r1, %f2}; setp.lt.and.f32 %p1|%p2, %f1, %f2, "
                  "!%p3; shfl.sync.idx.b32 %r1|%p1, %r2, 0, 31, -1;\n"
                  "bar.sync 0; bar.red.popc.u32 %r1, 0, %p1; bar.red.or.pred %p1, 1, 64, !%p2; "
                  "atom.global.cas.b32 %r1, [%rd1], 0, %r2;\n"
                  "ld.global.u32 %r1, [4096]; cvta.to.global.u64 %rd1, %rd2; lop3.b32 %r1, %r2, %r3, %r4, "
                  "0x96; mov.u32 %r1, WARP_SZ; bra C;"));
}

TEST(Print, Calls) {
  round_trip(
      module_text(".func (.param .b32 r) f (.param .b32 a, .param .align 8 .b8 b[16]) .noreturn { ret; }\n"
                  ".func (.reg .b32 r) g (.reg .b32 a) { add.s32 r, a, 1; ret; }\n"
                  ".entry k .maxntid 32, 2 .minnctapersm 3 { .reg .b32 %r<4>; .reg .b64 %rd<4>;\n"
                  "{ .param .b32 a; .param .align 8 .b8 b[16]; .param .b32 c; st.param.b32 [a], %r1; "
                  "call.uni (c), f, (a, b); ld.param.b32 %r2, [c]; }\n"
                  "call (%r1), g, (5); mov.u64 %rd1, g;\n"
                  "{ .param .b32 a; proto: .callprototype (.param .b32 _) _ (.param .b32 _); call (a), %rd1, "
                  "(a), proto; }\n"
                  "{ ts: .calltargets g; call (%r1), %rd1, (%r2), ts; }\n"
                  "ret; }"));
}

TEST(Print, OneInstruction) {
  const Module module = parse_well(kernel_text("@%p1 ld.global.f32 %f1, [%rd1+8];"));
  EXPECT_EQ(print(module.functions[0].instructions[0], module.functions[0], module),
            "@%p1 ld.global.f32 %f1, [%rd1+8];");
}

}  // namespace
}  // namespace doppel::ptx
