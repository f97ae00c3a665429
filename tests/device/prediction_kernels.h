// SPDX-License-Identifier: Apache-2.0
// Kernels whose time is bounded by something that is easy to count.
#pragma once

#include <string>

namespace doppel::device::testing {

// Thread t's number: %r1. Pointers: %rd1, %rd2, ...
inline std::string entry(const char* name, const char* parameters, const char* body) {
  return std::string(".visible .entry ") + name + "(" + parameters + R"()
{
  .reg .pred %p<4>;
  .reg .b32 %r<16>;
  .reg .b64 %rd<16>;
  .reg .f32 %f<16>;
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r1, %r2, %r3, %r4;
)" + body +
         "  ret;\n}\n";
}

// 2^18 words of `from` at least: mask.
inline std::string strided() {
  return entry("strided", ".param .u64 from, .param .u64 to, .param .u32 mask, .param .u32 stride", R"(
  ld.param.u64 %rd1, [from];
  ld.param.u64 %rd2, [to];
  ld.param.u32 %r5, [mask];
  ld.param.u32 %r6, [stride];
  mul.lo.u32 %r7, %r1, %r6;
  and.b32 %r7, %r7, %r5;
  mul.wide.u32 %rd3, %r7, 4;
  add.s64 %rd4, %rd1, %rd3;
  ld.global.f32 %f1, [%rd4];
  setp.eq.f32 %p1, %f1, 0f3F9E04AB;
  @!%p1 bra done;
  mul.wide.u32 %rd5, %r1, 4;
  add.s64 %rd6, %rd2, %rd5;
  st.global.f32 [%rd6], %f1;
done:
)");
}

inline std::string gather() {
  return entry("gather", ".param .u64 from, .param .u64 index, .param .u64 to", R"(
  ld.param.u64 %rd1, [from];
  ld.param.u64 %rd2, [index];
  ld.param.u64 %rd3, [to];
  mul.wide.u32 %rd4, %r1, 4;
  add.s64 %rd5, %rd2, %rd4;
  ld.global.u32 %r5, [%rd5];
  mul.wide.u32 %rd6, %r5, 4;
  add.s64 %rd7, %rd1, %rd6;
  ld.global.f32 %f1, [%rd7];
  add.s64 %rd8, %rd3, %rd4;
  st.global.f32 [%rd8], %f1;
)");
}

// A chain of dependent operations: block b makes turns[b].
inline std::string chain() {
  return entry("chain", ".param .u64 turns, .param .u64 to", R"(
  ld.param.u64 %rd1, [turns];
  ld.param.u64 %rd2, [to];
  mul.wide.u32 %rd3, %r2, 4;
  add.s64 %rd4, %rd1, %rd3;
  ld.global.u32 %r5, [%rd4];
  cvt.rn.f32.u32 %f1, %r4;
  mov.u32 %r6, 0;
again:
  mul.f32 %f1, %f1, 0f3DCCCCCD;
  ex2.approx.f32 %f1, %f1;
  fma.rn.f32 %f1, %f1, 0f3DCCCCCD, 0f3F000000;
  mov.b32 %r7, %f1;
  shfl.sync.bfly.b32 %r8, %r7, 1, 31, -1;
  mov.b32 %f2, %r8;
  add.f32 %f1, %f1, %f2;
  add.u32 %r6, %r6, 1;
  setp.lt.u32 %p1, %r6, %r5;
  @%p1 bra again;
  mul.wide.u32 %rd5, %r1, 4;
  add.s64 %rd6, %rd2, %rd5;
  st.global.f32 [%rd6], %f1;
)");
}

// Of each thread one atomic `operation`, on word number (t & mask) * step. Where the old value is used, it is
// stored somewhere.
inline std::string atomic(const char* name, const char* operation, bool used) {
  const std::string body = R"(
  ld.param.u64 %rd1, [at];
  ld.param.u32 %r5, [mask];
  ld.param.u32 %r6, [step];
  and.b32 %r7, %r1, %r5;
  mul.lo.u32 %r7, %r7, %r6;
  mul.wide.u32 %rd2, %r7, 4;
  add.s64 %rd3, %rd1, %rd2;
  add.u32 %r8, %r1, 1;
  )" + std::string(operation) +
                           "\n" +
                           (used ? R"(
  ld.param.u64 %rd4, [to];
  and.b32 %r10, %r1, 1023;
  mul.wide.u32 %rd5, %r10, 4;
  add.s64 %rd6, %rd4, %rd5;
  st.global.u32 [%rd6], %r9;
)"
                                 : "");
  return entry(name, ".param .u64 at, .param .u64 to, .param .u32 mask, .param .u32 step", body.c_str());
}

// 16 bytes a thread.
inline std::string read() {
  return entry("read", ".param .u64 from, .param .u64 to", R"(
  ld.param.u64 %rd1, [from];
  ld.param.u64 %rd2, [to];
  mul.wide.u32 %rd3, %r1, 16;
  add.s64 %rd4, %rd1, %rd3;
  ld.global.v4.f32 {%f1, %f2, %f3, %f4}, [%rd4];
  add.f32 %f1, %f1, %f2;
  add.f32 %f3, %f3, %f4;
  add.f32 %f1, %f1, %f3;
  setp.eq.f32 %p1, %f1, 0f71C9F2CA;
  @%p1 st.global.f32 [%rd2], %f1;
)");
}

// to[t] = from[t] * factor
inline std::string scale() {
  return entry("scale", ".param .u64 from, .param .u64 to, .param .u32 factor", R"(
  ld.param.u64 %rd1, [from];
  ld.param.u64 %rd2, [to];
  ld.param.u32 %r5, [factor];
  mul.wide.u32 %rd3, %r1, 4;
  add.s64 %rd4, %rd1, %rd3;
  add.s64 %rd5, %rd2, %rd3;
  ld.global.u32 %r6, [%rd4];
  mul.lo.u32 %r6, %r6, %r5;
  st.global.u32 [%rd5], %r6;
)");
}

inline std::string prediction_kernels() {
  return ".version 7.0\n.target sm_80\n.address_size 64\n" + strided() + gather() + chain() + read() +
         scale() + atomic("add", "atom.global.add.u32 %r9, [%rd3], 1;", false) +
         atomic("add_used", "atom.global.add.u32 %r9, [%rd3], %r1;", true) +
         atomic("exch", "atom.global.exch.b32 %r9, [%rd3], %r1;", false) +
         atomic("exch_used", "atom.global.exch.b32 %r9, [%rd3], %r1;", true) +
         atomic("cas", "atom.global.cas.b32 %r9, [%rd3], %r1, %r8;", false) +
         atomic("inc", "atom.global.inc.u32 %r9, [%rd3], -1;", false) +
         atomic("red_max", "red.global.max.u32 [%rd3], %r1;", false);
}

}  // namespace doppel::device::testing
