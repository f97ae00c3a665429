// SPDX-License-Identifier: Apache-2.0
#include "attack.h"

namespace e2e {

const std::vector<Attack>& attacks() {
  using enum Access;
  static const std::vector<Attack> kAttacks{
      {"read_global", Read, "ld.global.u32 %r2, [%rd2];"},
      {"read_generic", Read, "ld.u32 %r2, [%rd2];"},
      {"read_volatile", Read, "ld.volatile.global.u32 %r2, [%rd2];"},
      {"read_strong", Read, "ld.relaxed.gpu.global.u32 %r2, [%rd2];"},
      {"read_nc", Read, "ld.global.nc.u32 %r2, [%rd2];"},
      {"read_const", Read, "ld.const.u32 %r2, [%rd2];"},
      {"read_v4", Read, "ld.global.v4.u32 {%r2, %r3, %r4, %r5}, [%rd2];"},
      {"read_byte", Read, "ld.global.u8 %r2, [%rd2];"},
      {"read_double", Read, "ld.global.u64 %rd3, [%rd2]; cvt.u32.u64 %r2, %rd3;"},
      {"read_row", Read, "mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd2, %rd3; ld.global.u32 %r2, [%rd4];"},
      {"read_column", Read,
       "mul.wide.u32 %rd3, %r1, 36; add.s64 %rd4, %rd2, %rd3; ld.global.u32 %r2, [%rd4];"},
      {"read_gather", Read,
       "mul.lo.u32 %r3, %r1, 2654435761; shr.u32 %r3, %r3, 26; mul.wide.u32 %rd3, %r3, 4;"
       "add.s64 %rd4, %rd2, %rd3; ld.global.u32 %r2, [%rd4];"},
      {"read_one_lane", Read,
       "cvt.u64.u32 %rd3, %r1; add.s64 %rd4, %rd3, -7; shl.b64 %rd4, %rd4, 40; add.s64 %rd4, %rd4, %rd2;"
       "setp.eq.u32 %p1, %r1, 7; @%p1 ld.global.u32 %r2, [%rd4];"},
      {"read_from_card", Read,
       "sub.s64 %rd3, %rd2, %rd1; shr.s64 %rd3, %rd3, 2; shl.b64 %rd3, %rd3, 2; add.s64 %rd4, %rd1, %rd3;"
       "ld.global.u32 %r2, [%rd4];"},
      {"read_behind", Read, "add.s64 %rd3, %rd2, -1073741824; ld.global.u32 %r2, [%rd3+1073741824];"},
      {"read_loop", Read,
       "mov.u32 %r3, 0; mov.u64 %rd3, %rd2;\n"
       "LOOP: ld.global.u32 %r4, [%rd3]; add.u32 %r2, %r2, %r4; add.s64 %rd3, %rd3, 4; add.u32 %r3, %r3, 1;"
       "setp.lt.u32 %p1, %r3, 4; @%p1 bra LOOP;"},
      {"read_local", Read,
       "mov.u64 %rd3, spot; cvta.local.u64 %rd4, %rd3; sub.s64 %rd5, %rd2, %rd4; add.s64 %rd5, %rd5, %rd3;"
       "ld.local.u32 %r2, [%rd5];"},
      {"write_global", Write, "st.global.u32 [%rd2], 0x41414141;"},
      {"write_generic", Write, "st.u32 [%rd2], 0x41414141;"},
      {"write_volatile", Write, "st.volatile.global.u32 [%rd2], 0x41414141;"},
      {"write_v2", Write, "mov.u32 %r3, 0x41414141; st.global.v2.u32 [%rd2], {%r3, %r3};"},
      {"write_byte", Write, "st.global.u8 [%rd2], 0x41;"},
      {"write_row", Write,
       "mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd2, %rd3; st.global.u32 [%rd4], 0x41414141;"},
      {"write_scatter", Write,
       "mul.lo.u32 %r3, %r1, 2654435761; shr.u32 %r3, %r3, 26; mul.wide.u32 %rd3, %r3, 4;"
       "add.s64 %rd4, %rd2, %rd3; st.global.u32 [%rd4], 0x41414141;"},
      {"write_one_lane", Write, "setp.eq.u32 %p1, %r1, 7; @%p1 st.global.u32 [%rd2], 0x41414141;"},
      {"write_local", Write,
       "mov.u64 %rd3, spot; cvta.local.u64 %rd4, %rd3; sub.s64 %rd5, %rd2, %rd4; add.s64 %rd5, %rd5, %rd3;"
       "st.local.u32 [%rd5], 0x41414141;"},
      {"atomic_add", Atomic, "atom.global.add.u32 %r2, [%rd2], 1;"},
      {"atomic_reduce", Atomic, "red.global.add.u32 [%rd2], 1;"},
      {"atomic_swap", Atomic, "atom.global.cas.b32 %r2, [%rd2], 0, 1;"},
      {"atomic_generic", Atomic, "atom.exch.b32 %r2, [%rd2], 0x41414141;"},
      {"atomic_float", Atomic, "atom.global.add.f32 %f1, [%rd2], 0f3f800000; mov.b32 %r2, %f1;"},
      {"atomic_row", Atomic,
       "mul.wide.u32 %rd3, %r1, 4; add.s64 %rd4, %rd2, %rd3; atom.global.add.u32 %r2, [%rd4], 1;"},
  };
  return kAttacks;
}

namespace {

constexpr std::string_view kHead = R"(.version 7.0
.target sm_80
.address_size 64
.extern .func (.param .b32 result) vprintf (.param .b64 format, .param .b64 values);
.func (.param .b32 result) nest (.param .b32 depth)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<4>;
  .local .align 4 .b8 room[64];
  ld.param.u32 %r1, [depth];
  mov.u64 %rd1, room;
  st.local.u32 [%rd1], %r1;
  mov.u32 %r2, 0;
  setp.eq.u32 %p1, %r1, 0;
  @%p1 bra DONE;
  sub.u32 %r3, %r1, 1;
  {
    .param .b32 given;
    .param .b32 got;
    st.param.b32 [given], %r3;
    call.uni (got), nest, (given);
    ld.param.b32 %r2, [got];
  }
DONE:
  ld.local.u32 %r4, [%rd1];
  setp.ne.u32 %p1, %r4, 0;
  selp.u32 %r5, 1, 0, %p1;
  add.u32 %r2, %r2, %r5;
  st.param.b32 [result], %r2;
  ret;
}
)";

constexpr std::string_view kBegin = R"((.param .u64 out, .param .u64 address)
{
  .reg .pred %p<3>;
  .reg .f32 %f<3>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<8>;
  .local .align 16 .b8 spot[16];
  ld.param.u64 %rd1, [out];
  ld.param.u64 %rd2, [address];
  mov.u32 %r1, %tid.x;
  mov.u32 %r2, 0;
)";
constexpr std::string_view kEnd = R"(
  st.global.u32 [%rd1], %r2;
  ret;
}
)";

constexpr std::string_view kShared = R"(
  .shared .align 4 .b8 own[256];
  cvt.u32.u64 %r3, %rd2;
  st.shared.u32 [own], %r1;
  st.shared.u32 [%r3], 0x41414141;
)";
constexpr std::string_view kParameter = "ld.param.u32 %r2, [%rd2];";
constexpr std::string_view kPrint = R"(
  {
    .param .b64 format;
    .param .b64 values;
    .param .b32 printed;
    st.param.b64 [format], %rd2;
    st.param.b64 [values], 0;
    call.uni (printed), vprintf, (format, values);
    ld.param.b32 %r2, [printed];
  }
)";
constexpr std::string_view kRecurse = R"(
  cvt.u32.u64 %r3, %rd2;
  {
    .param .b32 given;
    .param .b32 got;
    st.param.b32 [given], %r3;
    call.uni (got), nest, (given);
    ld.param.b32 %r2, [got];
  }
)";

constexpr std::string_view kPeek = R"((.param .u64 flags)
{
  .reg .pred %p<2>;
  .reg .b32 %r<4>;
  .reg .b64 %rd<6>;
  .shared .align 8 .b8 own[64];
  ld.param.u64 %rd1, [flags];
  mov.u32 %r1, %ctaid.x;
  mov.u64 %rd2, own;
  cvta.shared.u64 %rd3, %rd2;
  setp.ne.u32 %p1, %r1, 0;
  @%p1 bra OTHER;
  st.shared.u64 [own], 0x1234567;
  st.volatile.global.u64 [%rd1], %rd3;
WAIT:
  ld.volatile.global.u64 %rd4, [%rd1+8];
  setp.eq.u64 %p1, %rd4, 0;
  @%p1 bra WAIT;
  ret;
OTHER:
  ld.volatile.global.u64 %rd4, [%rd1];
  setp.eq.u64 %p1, %rd4, 0;
  @%p1 bra OTHER;
  ld.u64 %rd5, [%rd4];
  st.global.u64 [%rd1+16], %rd5;
  st.volatile.global.u64 [%rd1+8], 1;
  ret;
}
)";

// A kernel whose values all live at once, and are used in an order of their own.
std::string wide() {
  constexpr int kValues = 64 * 24;
  std::string text = "  .reg .b32 %w<" + std::to_string(kValues) + ">;\n";
  const auto name = [](int i) { return "%w" + std::to_string(i); };
  for (int i = 0; i < kValues; ++i) {
    text += "  ld.volatile.global.u32 " + name(i) + ", [%rd1+" + std::to_string(4 * (i % 32)) + "];\n";
    text += "  xor.b32 " + name(i) + ", " + name(i) + ", %r1;\n";
  }
  for (int i = kValues - 1; i >= 0; --i) text += "  add.u32 %r2, %r2, " + name(i * 7 % kValues) + ";\n";
  return text;
}

}  // namespace

std::string attack_module() {
  std::string text(kHead);
  const auto add = [&](std::string_view name, std::string_view body) {
    text += ".visible .entry ";
    text += name;
    text += kBegin;
    text += body;
    text += kEnd;
  };
  for (const Attack& attack : attacks()) add(attack.name, attack.body);
  add("shared_beyond", kShared);
  add("parameter_beyond", kParameter);
  add("print", kPrint);
  add("recurse", kRecurse);
  add("wide", wide());
  text += ".visible .entry peek_shared";
  text += kPeek;
  return text;
}

}  // namespace e2e
