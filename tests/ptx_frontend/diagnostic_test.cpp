// SPDX-License-Identifier: Apache-2.0
// Errors say what, where and in which function; several are found in one go.
#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

using test::kernel_text;
using test::module_text;
using test::parse_badly;

TEST(Diagnostic, NamesFunctionLineColumnAndForm) {
  const Diagnostic d =
      parse_badly(module_text(".entry saxpy {\n  .reg .b32 %r<4>;\n  wgmma.fence.sync.aligned;\n}"));
  EXPECT_EQ(d.text.line, 6U);
  EXPECT_EQ(d.text.column, 3U);
  EXPECT_EQ(to_string(d), "ptx:6:3: error: in 'saxpy': wgmma.fence.sync.aligned: not supported");
}

TEST(Diagnostic, SeveralErrorsInOrder) {
  const auto parsed =
      parse(kernel_text("foo.bar %r1;\nadd.s32 %r1, %q, %r2;\ntex.2dms.v4.f32.s32 {%f1,%f2,%f3,%f4}, [%rd1, "
                        "{%f1,%f2}];\nmov.u32 %r1, ;"));
  ASSERT_FALSE(parsed.has_value());
  const auto& all = parsed.error().diagnostics;
  ASSERT_EQ(all.size(), 4U);
  EXPECT_EQ(all[0].kind, Diagnostic::Kind::Malformed);
  EXPECT_NE(all[0].message.find("foo.bar"), std::string::npos);
  EXPECT_NE(all[1].message.find("'%q'"), std::string::npos);
  EXPECT_EQ(all[1].form, "add.s32");
  EXPECT_EQ(all[2].kind, Diagnostic::Kind::Unsupported);
  EXPECT_EQ(all[3].text.line, 9U);
}

TEST(Diagnostic, UndefinedAndDoubleNames) {
  for (const char* line : {"bra NOWHERE;", "L: L: ret;", ".reg .b32 %r1;", ".reg .b32 %r<3>;",
                           ".reg .b32 x, x;", "mov.b32 %r99, 1;", "@%p99 ret;", "mov.u64 %rd1, nothing;",
                           "ld.param.u32 %r1, [r];", "brx.idx %r1, L;"}) {
    EXPECT_EQ(parse_badly(kernel_text(line)).kind, Diagnostic::Kind::Malformed) << line;
  }
}

TEST(Diagnostic, BrokenText) {
  const std::string whole = kernel_text("add.s32 %r1, %r2, %r3;");
  for (const char* line : {"/* no end",
                           "\"no end",
                           "@",
                           "@%p1",
                           "}",
                           "{",
                           "add.s32",
                           "#",
                           "\x01",
                           "add.s32 %r1, %r2, %r3",
                           "ld.global.u32 %r1, [%rd1;",
                           "L:",
                           ".loc 1",
                           ".file 1",
                           ".section",
                           ".section .debug {",
                           "5;",
                           ".reg",
                           ".reg .b32 %r<99999999999>;",
                           ".reg .b32 %r<4000000>;",
                           "call;",
                           "call (",
                           "x: .callprototype;",
                           "x: .branchtargets;"}) {
    // Some of these are whole when more follows; none may crash.
    (void)parse(kernel_text(line));
    (void)parse(whole.substr(0, whole.size() - 8) + line);
  }
  EXPECT_EQ(parse_badly(kernel_text("/* no end")).kind, Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(kernel_text("}")).kind, Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(kernel_text("{")).kind, Diagnostic::Kind::Malformed);
}

TEST(Diagnostic, ManyErrorsAreCutShort) {
  std::string body;
  for (int i = 0; i < 1000; ++i) body += "nonsense %r1;\n";
  const auto parsed = parse(kernel_text(body));
  ASSERT_FALSE(parsed.has_value());
  EXPECT_LE(parsed.error().diagnostics.size(), 20U);
}

TEST(Diagnostic, HugeThingsAreRefusedNotAllocated) {
  for (const char* item : {".global .b8 a[9223372036854775807][9];", ".global .b8 a[1099511627776] = {1};",
                           ".global .align 3 .b8 a[4];", ".global .align 0 .b8 a[4];"}) {
    parse_badly(module_text(item));
  }
  std::string deep = "L: ";
  for (int i = 0; i < 100000; ++i) deep += "{";
  parse_badly(kernel_text(deep));
}

}  // namespace
}  // namespace doppel::ptx
