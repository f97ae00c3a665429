// SPDX-License-Identifier: Apache-2.0
// Lines with textures and surfaces, and whether the vendor's assembler (ptxas 13.0, sm_86) takes them in
// modules in unified and in independent mode.
#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

struct Line {
  bool unified, independent;
  const char* text;
};

constexpr Line kLines[] = {
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}];"},
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2}];"},
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,_}, [%rd1,{%f1,%f2}];"},
    {true, true, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,%rd2,{%f1,%f2}];"},
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [gt,{%f1,%f2}];"},
    {false, true, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [gt,gs,{%f1,%f2}];"},
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}|%p1, [%rd1,{%f1,%f2}];"},
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], {%r1,%r2};"},
    {true, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], {1,-2};"},
    {true, false, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,%f1];"},
    {true, false, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1}];"},
    {true, false, "tex.1d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1}];"},
    {false, false, "tex.1d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1}];"},
    {true, false, "tex.1d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{5}];"},
    {true, false, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{0f3f800000}];"},
    {false, false, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{5}];"},
    {true, false, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,%f1], {%r1};"},
    {true, false, "tex.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,%f1], %r1;"},
    {false, false, "tex.1d.v4.s32.f32 {%f5,%f6,%f7,%f8}, [%rd1,%f1];"},
    {true, false, "tex.1d.v4.u32.f32 {%r5,%r6,%r7,%r8}, [%rd1,%f1];"},
    {true, false, "tex.1d.v4.f16.f32 {%h5,%h6,%h7,%h8}, [%rd1,%f1];"},
    {true, false, "tex.1d.v2.f16x2.f32 {%r5,%r6}, [%rd1,%f1];"},
    {false, false, "tex.1d.v2.f32.f32 {%f5,%f6}, [%rd1,%f1];"},
    {false, false, "tex.1d.f32.f32 %f5, [%rd1,%f1];"},
    {false, false, "tex.1d.v4.b32.f32 {%r5,%r6,%r7,%r8}, [%rd1,%f1];"},
    {true, false, "tex.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f4}];"},
    {false, false, "tex.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3}];"},
    {false, false, "tex.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,_}];"},
    {true, false, "tex.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f4}], {%r1,%r2,%r3,%r4};"},
    {false, false, "tex.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f4}], {%r1,%r2,%r3};"},
    {false, false, "tex.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f4}], %f3;"},
    {true, false, "tex.a1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2}];"},
    {true, false, "tex.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}];"},
    {false, false, "tex.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}];"},
    {true, false, "tex.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}], {%r1,%r2};"},
    {true, false, "tex.a2d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%r2,%r3,%r3}];"},
    {true, false, "tex.cube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}];"},
    {false, false, "tex.cube.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%r2,%r3,%r3}];"},
    {true, false, "tex.acube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}];"},
    {true, false, "tex.level.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], %f3;"},
    {true, false, "tex.level.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], %r3;"},
    {true, false, "tex.level.2d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%r2}], %r3;"},
    {false, false, "tex.level.2d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%r2}], %f3;"},
    {true, false, "tex.level.cube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}], %f4;"},
    {true, false, "tex.base.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}];"},
    {true, false, "tex.grad.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], {%f1,%f2},{%f3,%f4};"},
    {true, false, "tex.grad.2d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%r2}], {%f1,%f2},{%f3,%f4};"},
    {true, false, "tex.grad.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1}], {%f1},{%f3};"},
    {false, false, "tex.grad.1d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1}], %f1,%f3;"},
    {true, false,
     "tex.grad.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}], "
     "{%f1,%f2,%f3,%f3},{%f1,%f2,%f3,%f3};"},
    {false, false,
     "tex.grad.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}], {%f1,%f2,%f3},{%f1,%f2,%f3};"},
    {true, false,
     "tex.grad.cube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}], "
     "{%f1,%f2,%f3,%f3},{%f1,%f2,%f3,%f3};"},
    {true, false,
     "tex.grad.acube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}], "
     "{%f1,%f2,%f3,%f3},{%f1,%f2,%f3,%f3};"},
    {true, false,
     "tex.grad.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}], {%f1,%f2},{%f3,%f4};"},
    {true, false, "tld4.r.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}];"},
    {true, false, "tld4.a.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f1,%f2,%f2}];"},
    {true, false, "tld4.a.cube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f1,%f2,%f2}];"},
    {true, false, "tld4.a.acube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f1,%f2,%f2}];"},
    {true, false, "tld4.r.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}|%p1, [%rd1,{%f1,%f2}];"},
    {true, false, "tld4.r.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}],{%r1,%r2};"},
    {false, false, "tld4.r.2d.v4.f16.f32 {%h5,%h6,%h7,%h8}, [%rd1,{%f1,%f2}];"},
    {false, false, "tld4.r.2d.v2.f16x2.f32 {%r5,%r6}, [%rd1,{%f1,%f2}];"},
    {false, false, "tld4.r.2d.v4.f32.s32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%r2}];"},
    {false, false, "tld4.r.3d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f2,%f2}];"},
    {true, true, "txq.width.b32 %r5,[%rd1];"},
    {true, true, "txq.width.b32 %r5,[gt];"},
    {true, true, "txq.level.width.b32 %r5,[%rd1],%r1;"},
    {true, true, "txq.level.width.b32 %r5,[%rd1],1;"},
    {false, false, "txq.level.array_size.b32 %r5,[%rd1],1;"},
    {true, true, "txq.height.b32 %r5,[%rd1];"},
    {true, true, "txq.depth.b32 %r5,[%rd1];"},
    {true, true, "txq.channel_data_type.b32 %r5,[%rd1];"},
    {true, true, "txq.channel_order.b32 %r5,[%rd1];"},
    {true, true, "txq.normalized_coords.b32 %r5,[%rd1];"},
    {true, true, "txq.array_size.b32 %r5,[%rd1];"},
    {true, true, "txq.num_mipmap_levels.b32 %r5,[%rd1];"},
    {true, true, "txq.num_samples.b32 %r5,[%rd1];"},
    {true, true, "txq.force_unnormalized_coords.b32 %r5,[%rd1];"},
    {true, true, "txq.filter_mode.b32 %r5,[%rd1];"},
    {true, true, "txq.addr_mode_0.b32 %r5,[%rd1];"},
    {false, true, "txq.filter_mode.b32 %r5,[gs];"},
    {true, false, "txq.filter_mode.b32 %r5,[gt];"},
    {false, false, "txq.width.u32 %r5,[%rd1];"},
    {true, true, "suq.width.b32 %r5,[%rd1];"},
    {true, true, "suq.height.b32 %r5,[%rd1];"},
    {true, true, "suq.depth.b32 %r5,[%rd1];"},
    {true, true, "suq.array_size.b32 %r5,[%rd1];"},
    {true, true, "suq.memory_layout.b32 %r5,[%rd1];"},
    {true, true, "suq.channel_order.b32 %r5,[%rd1];"},
    {true, true, "suq.channel_data_type.b32 %r5,[gsu];"},
    {true, true, "suld.b.1d.b32.trap %r5,[%rd1,{%r1}];"},
    {true, true, "suld.b.1d.b32.trap %r5,[%rd1,%r1];"},
    {true, true, "suld.b.1d.b32.trap {%r5},[%rd1,{%r1}];"},
    {false, false, "suld.b.1d.b32 %r5,[%rd1,{%r1}];"},
    {true, true, "suld.b.2d.v2.b32.clamp {%r5,%r6},[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.v4.b32.zero {%r5,%r6,%r7,%r8},[%rd1,{%r1,%r2}];"},
    {false, false, "suld.b.2d.v4.b64.zero {%rd5,%rd6,%rd7,%rd8},[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.v2.b64.zero {%rd5,%rd6},[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.b8.zero %h5,[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.b16.zero %h5,[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.b8.zero %r5,[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.v4.b8.zero {%h5,%h6,%h7,%h8},[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.3d.b32.zero %r5,[%rd1,{%r1,%r2,%r3,%r4}];"},
    {false, false, "suld.b.3d.b32.zero %r5,[%rd1,{%r1,%r2,%r3}];"},
    {true, true, "suld.b.a1d.b32.zero %r5,[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.a2d.b32.zero %r5,[%rd1,{%r1,%r2,%r3,%r4}];"},
    {false, false, "suld.b.cube.b32.zero %r5,[%rd1,{%r1,%r2,%r3,%r4}];"},
    {true, true, "suld.b.2d.ca.b32.zero %r5,[%rd1,{%r1,%r2}];"},
    {true, true, "suld.b.2d.cv.b32.zero %r5,[%rd1,{%r1,%r2}];"},
    {false, false, "suld.p.2d.v4.b32.trap {%r5,%r6,%r7,%r8},[%rd1,{%r1,%r2}];"},
    {false, false, "suld.p.2d.v4.f32.trap {%r5,%r6,%r7,%r8},[%rd1,{%r1,%r2}];"},
    {false, false, "suld.b.1d.u32.trap %r5,[%rd1,{%r1}];"},
    {true, true, "sust.b.1d.b32.trap [%rd1,{%r1}],%r5;"},
    {true, true, "sust.b.1d.b32.trap [%rd1,%r1],{%r5};"},
    {true, true, "sust.b.1d.b32.trap [%rd1,%r1],5;"},
    {true, true, "sust.b.2d.v4.b32.clamp [%rd1,{%r1,%r2}],{%r1,%r2,%r3,%r4};"},
    {true, true, "sust.b.2d.v2.b64.zero [%rd1,{%r1,%r2}],{%rd1,%rd2};"},
    {true, true, "sust.b.2d.b8.zero [%rd1,{%r1,%r2}],%h1;"},
    {true, true, "sust.b.2d.b8.zero [%rd1,{%r1,%r2}],%r1;"},
    {true, true, "sust.b.2d.b16.zero [%rd1,{%r1,%r2}],%h1;"},
    {true, true, "sust.b.2d.cs.b32.zero [%rd1,{%r1,%r2}],%r1;"},
    {true, true, "sust.b.2d.wt.b32.zero [%rd1,{%r1,%r2}],%r1;"},
    {true, true, "sust.p.2d.v4.b32.trap [%rd1,{%r1,%r2}],{%r1,%r2,%r3,%r4};"},
    {true, true, "sust.p.2d.v2.b32.trap [%rd1,{%r1,%r2}],{%r1,%r2};"},
    {true, true, "sust.p.2d.b32.trap [%rd1,{%r1,%r2}],%r1;"},
    {false, false, "sust.p.2d.v4.f32.trap [%rd1,{%r1,%r2}],{%f1,%f2,%f3,%f4};"},
    {false, false, "sust.p.2d.v4.b16.trap [%rd1,{%r1,%r2}],{%h1,%h2,%h3,%h4};"},
    {true, true, "sust.p.a2d.v4.b32.trap [%rd1,{%r1,%r2,%r3,%r4}],{%r1,%r2,%r3,%r4};"},
    {true, true, "sured.b.add.1d.u32.trap [%rd1,{%r1}],%r2;"},
    {true, true, "sured.b.add.2d.u32.trap [%rd1,{%r1,%r2}],%r2;"},
    {true, true, "sured.b.add.3d.u64.clamp [%rd1,{%r1,%r2,%r3,%r4}],%rd2;"},
    {true, true, "sured.b.min.2d.s64.zero [%rd1,{%r1,%r2}],%rd2;"},
    {true, true, "sured.b.min.2d.u64.zero [%rd1,{%r1,%r2}],%rd2;"},
    {true, true, "sured.b.and.2d.b32.zero [%rd1,{%r1,%r2}],%r2;"},
    {true, true, "sured.b.or.2d.b32.zero [%rd1,{%r1,%r2}],%r2;"},
    {false, false, "sured.b.and.2d.u32.zero [%rd1,{%r1,%r2}],%r2;"},
    {true, true, "sured.b.add.2d.s32.zero [%rd1,{%r1,%r2}],%r2;"},
    {false, false, "sured.b.add.2d.b32.zero [%rd1,{%r1,%r2}],%r2;"},
    {false, false, "sured.b.add.a2d.u32.zero [%rd1,{%r1,%r2,%r3,%r4}],%r2;"},
    {true, true, "sured.p.add.2d.b32.zero [%rd1,{%r1,%r2}],%r2;"},
    {true, true, "sured.p.min.2d.b64.zero [%rd1,{%r1,%r2}],%rd2;"},
    {false, false, "sured.p.add.2d.b64.zero [%rd1,{%r1,%r2}],%rd2;"},
    {false, false, "sured.p.add.2d.u32.zero [%rd1,{%r1,%r2}],%r2;"},
    {false, false, "sured.b.add.2d.s64.zero [%rd1,{%r1,%r2}],%rd2;"},
    {false, false, "sured.b.or.2d.b64.zero [%rd1,{%r1,%r2}],%rd2;"},
    {true, true, "istypep.texref %p1, %rd1;"},
    {false, false, "istypep.samplerref %p1, gs;"},
    {true, true, "istypep.surfref %p1, %rd1;"},
    {true, true, "mov.u64 %rd5, gt;"},
    {false, false, "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1+8,{%f1,%f2}];"},
};

// Nothing says how a texture compares: what the assembler takes is refused by name.
constexpr const char* kComparisons[] = {
    "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], %f3;",
    "tex.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], {%r1,%r2}, %f3;",
    "tex.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}], {%r1,%r2},%f3;",
    "tex.cube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2,%f3,%f3}], %f4;",
    "tex.acube.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}],%f4;",
    "tex.level.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}], %f3, {%r1,%r2}, %f4;",
    ("tex.grad.a2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%r1,%f2,%f3,%f3}], {%f1,%f2},{%f3,%f4}, {%r1,%r2}, "
     "%f4;"),
    "tld4.r.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}],{%r1,%r2},%f3;",
    "tld4.r.2d.v4.f32.f32 {%f5,%f6,%f7,%f8}, [%rd1,{%f1,%f2}],%f3;",
};

std::string module_with(const char* line, bool independent) {
  return std::string(".version 9.0\n.target sm_86") + (independent ? ", texmode_independent" : "") +
         "\n.address_size 64\n.global .texref gt; .global .surfref gsu;\n" +
         (independent ? ".global .samplerref gs;\n" : "") +
         ".visible .entry k() {\n.reg .pred %p<4>; .reg .b16 %h<20>; .reg .b32 %r<40>; .reg .f32 %f<40>; "
         ".reg .b64 %rd<20>;\n" +
         line + "\nret;\n}\n";
}

TEST(TextureForms, AreThoseOfTheAssembler) {
  for (const Line& line : kLines) {
    EXPECT_EQ(parse(module_with(line.text, false)).has_value(), line.unified) << line.text;
    EXPECT_EQ(parse(module_with(line.text, true)).has_value(), line.independent)
        << line.text << " independent";
  }
}

TEST(TextureForms, ComparisonsAreRefusedByName) {
  for (const char* line : kComparisons) {
    const Diagnostic diagnostic = test::parse_badly(module_with(line, false));
    EXPECT_EQ(diagnostic.kind, Diagnostic::Kind::Unsupported) << line;
    EXPECT_NE(diagnostic.message.find("depth comparison"), std::string::npos) << diagnostic.message;
  }
}

TEST(TextureForms, SamplersHaveTheirStateInTheText) {
  const auto with = [](const std::string& state) {
    return parse(
        ".version 8.0\n.target sm_86, texmode_independent\n.address_size 64\n.global .samplerref s = " +
        state + ";\n.visible .entry k() { ret; }\n");
  };
  EXPECT_TRUE(
      with("{ addr_mode_0 = wrap, filter_mode = linear, force_unnormalized_coords = 1 }").has_value());
  EXPECT_FALSE(with("{ addr_mode_0 = clamp_ogl }").has_value());
  EXPECT_FALSE(with("{ addr_mode_3 = wrap }").has_value());
  EXPECT_FALSE(with("{ filter_mode = cubic }").has_value());
}

}  // namespace
}  // namespace doppel::ptx
