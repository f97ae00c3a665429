// SPDX-License-Identifier: Apache-2.0
// Module scope: directives, variables, initialisers, function heads.
#include <cstring>

#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

using test::module_text;
using test::parse_badly;
using test::parse_well;

template <typename T>
T value_at(const Variable& variable, std::size_t index) {
  T value{};
  EXPECT_GE(variable.initializer.size(), (index + 1) * sizeof(T));
  std::memcpy(&value, variable.initializer.data() + index * sizeof(T), sizeof(T));
  return value;
}

TEST(Module, Header) {
  const Module module = parse_well(".version 9.0\n.target sm_120a, debug\n.address_size 64\n");
  EXPECT_EQ(module.version_major, 9U);
  EXPECT_EQ(module.version_minor, 0U);
  EXPECT_EQ(module.target, "sm_120a");
  EXPECT_EQ(module.address_size, 64U);
}

TEST(Module, HeaderErrors) {
  EXPECT_EQ(parse_badly("").kind, Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly("hello").kind, Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(".version 8.0\n.target sm_999").kind, Diagnostic::Kind::UnsupportedVersion);
  EXPECT_EQ(parse_badly(".version 8.0\n.target sm_86\n.address_size 32").kind, Diagnostic::Kind::Unsupported);
}

TEST(Module, TextEndsAtNul) {
  std::string text = module_text(".global .u32 x;");
  text += std::string(5, '\0');
  EXPECT_EQ(parse_well(text).variables.size(), 1U);
}

TEST(Module, VariablesHaveSizeAlignmentAndLinkage) {
  const Module module = parse_well(module_text(
      ".visible .global .align 16 .b8 a[3][5];\n.const .v4 .f32 b[2];\n.extern .shared .align 16 .b8 dyn[];\n"
      ".weak .global .u64 w;\n.common .global .u32 c;\n.global .attribute(.managed) .s32 m;\n.shared .f64 "
      "s[4], t;\n"));
  ASSERT_EQ(module.variables.size(), 8U);
  const Variable& a = module.variables[0];
  EXPECT_EQ(a.size, 15U);
  EXPECT_EQ(a.alignment, 16U);
  EXPECT_EQ(a.linkage, Linkage::Visible);
  EXPECT_EQ(module.variables[1].size, 32U);
  EXPECT_EQ(module.variables[1].alignment, 16U);
  EXPECT_EQ(module.variables[1].space, Space::Const);
  EXPECT_EQ(module.variables[2].size, 0U);
  EXPECT_EQ(module.variables[2].linkage, Linkage::Extern);
  EXPECT_EQ(module.variables[3].linkage, Linkage::Weak);
  EXPECT_EQ(module.variables[4].linkage, Linkage::Common);
  EXPECT_TRUE(module.variables[5].managed);
  EXPECT_EQ(module.variables[6].size, 32U);
  EXPECT_EQ(module.variables[7].name, "t");
  EXPECT_TRUE(a.initializer.empty());
}

TEST(Module, InitialisersOfArrays) {
  const Module module = parse_well(
      module_text(".global .u32 a[4] = {1, 2};\n.global .s16 b[2][3] = {{1,2,3},{-1}};\n.global .f32 c[] = "
                  "{0f3F800000, 2.0};\n"
                  ".global .u8 d = 7;\n.const .v2 .u32 e[2] = {{1,2},{3,4}};\n.global .b8 f[4] = \"hi\";\n"));
  EXPECT_EQ(value_at<std::uint32_t>(module.variables[0], 1), 2U);
  EXPECT_EQ(value_at<std::uint32_t>(module.variables[0], 3), 0U);
  EXPECT_EQ(value_at<std::int16_t>(module.variables[1], 3), -1);
  EXPECT_EQ(value_at<std::int16_t>(module.variables[1], 4), 0);
  EXPECT_EQ(module.variables[2].size, 8U);
  EXPECT_EQ(value_at<float>(module.variables[2], 1), 2.0F);
  EXPECT_EQ(value_at<std::uint8_t>(module.variables[3], 0), 7U);
  EXPECT_EQ(value_at<std::uint32_t>(module.variables[4], 3), 4U);
  EXPECT_EQ(value_at<std::uint8_t>(module.variables[5], 1), static_cast<std::uint8_t>('i'));
}

TEST(Module, InitialisersWithAddresses) {
  const Module module = parse_well(module_text(
      ".global .b8 a[8];\n.func f;\n.global .u64 p[3] = {a, generic(a)+4, f};\n"
      ".global .b8 q[9] = {1, 0xFF(a+2), 0xFF00(a+2), 0xFF0000(a+2), 0xFF000000(a+2), 0xFF00000000(a+2), "
      "0xFF0000000000(a+2), 0xFF000000000000(a+2), 0xFF00000000000000(a+2)};\n"));
  const Variable& p = module.variables[1];
  ASSERT_EQ(p.relocations.size(), 3U);
  EXPECT_FALSE(p.relocations[0].generic);
  EXPECT_TRUE(p.relocations[1].generic);
  EXPECT_EQ(p.relocations[1].offset, 8U);
  EXPECT_EQ(p.relocations[1].addend, 4);
  EXPECT_TRUE(p.relocations[2].is_function);
  const Variable& q = module.variables[2];
  ASSERT_EQ(q.relocations.size(), 1U);
  EXPECT_EQ(q.relocations[0].offset, 1U);
  EXPECT_EQ(q.relocations[0].size, 8);
  EXPECT_EQ(q.relocations[0].addend, 2);
}

TEST(Module, InitialiserErrors) {
  for (const char* text :
       {".global .u32 a[2] = {1,2,3};", ".global .u32 a = {1,2};", ".global .u32 a = b;",
        ".shared .u32 a = 1;", ".global .u32 a[];", ".global .f32 a = 1;", ".global .u32 a[2] = {1,2;"}) {
    EXPECT_EQ(parse_badly(module_text(text)).kind, Diagnostic::Kind::Malformed) << text;
  }
}

TEST(Module, FunctionsAreDeclaredThenDefined) {
  const Module module = parse_well(
      module_text(".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n"
                  ".visible .func (.param .b32 r) f (.param .b32 a);\n"
                  ".visible .func (.param .b32 r) f (.param .b32 a) { st.param.b32 [r], 1; ret; }\n"));
  ASSERT_EQ(module.functions.size(), 2U);
  EXPECT_TRUE(module.functions[0].is_declaration);
  EXPECT_EQ(module.functions[0].linkage, Linkage::Extern);
  EXPECT_FALSE(module.functions[1].is_declaration);
  EXPECT_EQ(module.functions[1].instructions.size(), 2U);
  EXPECT_EQ(module.find_function("f"), &module.functions[1]);
  EXPECT_EQ(module.find_function("g"), nullptr);
}

TEST(Module, LaunchBounds) {
  const Module module =
      parse_well(module_text(".entry k .maxntid 256, 2 .minnctapersm 3 .maxnreg 64 { ret; }\n.entry l() "
                             ".reqntid 32 .pragma \"nounroll\"; { ret; }"));
  EXPECT_TRUE(module.functions[0].is_kernel);
  EXPECT_EQ(module.functions[0].bounds.max_threads[0], 256U);
  EXPECT_EQ(module.functions[0].bounds.max_threads[1], 2U);
  EXPECT_EQ(module.functions[0].bounds.max_threads[2], 1U);
  EXPECT_EQ(module.functions[0].bounds.min_blocks_per_sm, 3U);
  EXPECT_EQ(module.functions[0].bounds.max_registers, 64U);
  EXPECT_EQ(module.functions[1].bounds.required_threads[0], 32U);
}

TEST(Module, DebugSectionsAreSkipped) {
  const Module module =
      parse_well(module_text(".file 1 \"a.cu\", 12, 34\n.file 2 \"dir\" \"b.cu\"\n.entry k { .loc 2 7 1, "
                             "function_name $s+4, inlined_at 1 3 2\nret; }\n"
                             ".section .debug_str { $s: .b8 1,2\n .b8 3 }\n"));
  ASSERT_EQ(module.files.size(), 3U);
  EXPECT_EQ(module.files[1], "a.cu");
  EXPECT_EQ(module.files[2], "dir/b.cu");
  EXPECT_EQ(module.functions[0].instructions[0].source.file, 2U);
  EXPECT_EQ(module.functions[0].instructions[0].source.line, 7U);
}

TEST(Module, WhatSaysNothingHereIsRead) {
  const Module module = parse_well(
      module_text(".global .b128 wide[2] = {1, -1};\n.func .attribute(.unified(1,2)) f() { ret; }\n"
                  ".func g() .abi_preserve 8 .abi_preserve_control 2 { ret; }\n",
                  "sm_120a", "9.0"));
  EXPECT_EQ(module.functions.size(), 2U);
  const std::vector<std::byte>& bytes = module.variables.at(0).initializer;
  ASSERT_EQ(bytes.size(), 32U);
  EXPECT_EQ(bytes[0], std::byte{1});
  EXPECT_EQ(bytes[23], std::byte{0xff});
  EXPECT_EQ(bytes[24], std::byte{0});
}

TEST(Module, ClustersOfAKernel) {
  const Module module = parse_well(module_text(
      ".entry k .explicitcluster .reqnctapercluster 2, 3 .maxclusterrank 8 { ret; }", "sm_90", "8.0"));
  const LaunchBounds& bounds = module.functions.at(0).bounds;
  EXPECT_TRUE(bounds.explicit_cluster);
  EXPECT_EQ(bounds.required_cluster[0], 2U);
  EXPECT_EQ(bounds.required_cluster[1], 3U);
  EXPECT_EQ(bounds.required_cluster[2], 1U);
  EXPECT_EQ(bounds.max_cluster_blocks, 8U);
}

TEST(Module, TypesOfLessThanAByteAreNone) {
  EXPECT_EQ(parse_badly(module_text(".global .u4 a;")).kind, Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(module_text(".entry k { .reg .s2 a; ret; }")).kind, Diagnostic::Kind::Malformed);
}

TEST(Module, RefusedByName) {
  for (const char* text : {".global .texref t = {width = 4};", ".entry k .reqnctapercluster 2 { ret; }"}) {
    const Diagnostic diagnostic = parse_badly(module_text(text));
    EXPECT_EQ(diagnostic.kind, Diagnostic::Kind::Unsupported) << text;
    EXPECT_FALSE(diagnostic.message.empty());
  }
}

TEST(Module, DuplicateNames) {
  for (const char* text :
       {".global .u32 a; .global .u32 a;", ".func f { ret; } .func f { ret; }",
        ".global .u32 f; .func f { ret; }", ".func f(.param .b32 a); .func f(.param .b64 a) { ret; }"}) {
    EXPECT_EQ(parse_badly(module_text(text)).kind, Diagnostic::Kind::Malformed) << text;
  }
}

TEST(Module, CompilerOutputParses) {
  const Module module =
      parse_well(test::read_file(DOPPEL_SOURCE_DIR "/tests/ptx_frontend/data/clang_kernel.ptx"));
  EXPECT_EQ(module.version_major, 8U);
  const Function* kernel = module.find_function("k");
  ASSERT_NE(kernel, nullptr);
  EXPECT_TRUE(kernel->is_kernel);
  EXPECT_GT(kernel->instructions.size(), 100U);
  for (const std::uint32_t at : kernel->labels) EXPECT_LE(at, kernel->instructions.size());
}

}  // namespace
}  // namespace doppel::ptx
