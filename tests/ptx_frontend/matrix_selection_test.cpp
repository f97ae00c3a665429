// SPDX-License-Identifier: Apache-2.0
// Sparse and scaled mma: what ptxas takes of selectors, targets and versions, and what it does not.
#include <gtest/gtest.h>

#include <string>

#include "frontend/ptx/form.h"
#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

using test::kernel_text;
using test::parse_badly;
using test::parse_one;

const std::string kC = "{%f1,%f2,%f3,%f4}", kTwo = "{%r1,%r2}", kFour = "{%r1,%r2,%r3,%r4}";
const std::string kOrdered = "mma.sp::ordered_metadata.sync.aligned.";

std::string sparse(const std::string& form, const std::string& a, const std::string& b,
                   const std::string& selector) {
  return form + " " + kC + ", " + a + ", " + b + ", " + kC + ", %r5, " + selector + ";";
}
std::string scaled(const std::string& form, const std::string& a, const std::string& b,
                   const std::string& of_a, const std::string& of_b) {
  return form + " " + kC + ", " + a + ", " + b + ", " + kC + ", %r6, " + of_a + ", %r7, " + of_b + ";";
}

TEST(MatrixSelection, WhichThreadsHaveMetadata) {
  const std::string k16 = "mma.sp.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32",
                    tf32 = "mma.sp.sync.aligned.m16n8k16.row.col.f32.tf32.tf32.f32",
                    k64 = kOrdered + "m16n8k64.row.col.f32.e4m3.e4m3.f32";
  for (const char* selector : {"0", "3"}) parse_one(sparse(k16, kTwo, kTwo, selector), "sm_80");
  parse_one(sparse(tf32, kFour, kFour, "1"), "sm_80");
  parse_one(sparse(k64, kFour, kFour, "0"), "sm_89");
  EXPECT_EQ(parse_badly(kernel_text(sparse(k16, kTwo, kTwo, "4"), "sm_80")).kind,
            Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(kernel_text(sparse(k16, kTwo, kTwo, "%r6"), "sm_80")).kind,
            Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(kernel_text(sparse(tf32, kFour, kFour, "2"), "sm_80")).kind,
            Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(kernel_text(sparse(k64, kFour, kFour, "1"), "sm_89")).kind,
            Diagnostic::Kind::Malformed);
}

TEST(MatrixSelection, WhichBytesAndThreadsHaveFactors) {
  const std::string
      one = "mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.f32.e4m3.e5m2.f32.ue8m0",
      two = "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0";
  parse_one(scaled(one, kFour, kTwo, "{3, 1}", "{3, 3}"), "sm_120a", "8.7");
  parse_one(scaled(one, kFour, kTwo, "{%h1, 1}", "{0, %h2}"), "sm_120a", "8.7");
  parse_one(scaled(two, kFour, kTwo, "{2, 0}", "{2, 3}"), "sm_120a", "8.7");
  // Factors in braces, as much code has them.
  parse_one(two + " " + kC + ", " + kFour + ", " + kTwo + ", " + kC + ", {%r6}, {0, 0}, {%r7}, {0, 0};",
            "sm_120a", "8.7");
  for (const std::string& line :
       {scaled(one, kFour, kTwo, "{4, 0}", "{0, 0}"), scaled(one, kFour, kTwo, "{0, 2}", "{0, 0}"),
        scaled(one, kFour, kTwo, "{0, 0}", "{0, 4}"), scaled(two, kFour, kTwo, "{1, 0}", "{0, 0}"),
        scaled(two, kFour, kTwo, "0", "{0, 0}"), scaled(two, kFour, kTwo, "{%r1, 0}", "{0, 0}")}) {
    EXPECT_EQ(parse_badly(kernel_text(line, "sm_120a", "8.7")).kind, Diagnostic::Kind::Malformed) << line;
  }
}

TEST(MatrixSelection, TargetsAndVersions) {
  const std::string dense = scaled(
      "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue4m3",
      kFour, kTwo, "{0, 0}", "{0, 0}");
  const std::string both = kOrdered + "m16n8k128.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0 " +
                           kC + ", " + kFour + ", " + kFour + ", " + kC +
                           ", %r5, 0, %r6, {0, 0}, %r7, {0, 0};";
  const std::string half = sparse(kOrdered + "m16n8k16.row.col.f32.f16.f16.f32", kTwo, kTwo, "0");
  struct Case {
    const std::string& line;
    const char *target, *version, *needs;  // of which it lacks what it needs
  };
  for (const Case& c :
       {Case{dense, "sm_120", "8.7", "sm_120a or sm_120f"}, Case{dense, "sm_90", "8.7", "sm_120"},
        Case{dense, "sm_120a", "8.6", "8.7"}, Case{both, "sm_120f", "8.8", "sm_120a"},
        Case{half, "sm_75", "8.5", "sm_80"}, Case{half, "sm_80", "8.4", "8.5"}}) {
    const Diagnostic diagnostic = parse_badly(kernel_text(c.line, c.target, c.version));
    EXPECT_EQ(diagnostic.kind, Diagnostic::Kind::Unsupported) << c.line;
    EXPECT_NE(diagnostic.message.find(c.needs), std::string::npos) << c.line << ": " << diagnostic.message;
    test::parse_well(kernel_text(c.line, "sm_120a", "9.0"));
  }
  test::parse_well(kernel_text(dense, "sm_120f", "8.8"));
}

TEST(MatrixSelection, FormsThatThereAreNot) {
  for (const char* form :
       {"mma.sp.sync.aligned.m16n8k64.row.col.f32.f16.f16.f32",          // twice too long
        "mma.sp.sync.aligned.m16n8k256.row.col.s32.b1.b1.s32.and.popc",  // no bits
        "mma.sp.sync.aligned.m16n8k64.row.col.f16.e4m3.e4m3.f16",        // only with metadata in order
        "mma.sp.sync.aligned.m16n8k64.row.col.kind::f8f6f4.f32.e2m1.e2m1.f32",
        "mma.sp::ordered_metadata.sync.aligned.m16n8k64.row.col.f32.e3m2.e4m3.f32",  // its kind is missing
        "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.f32.e2m1.e2m1.f32.ue8m0",  // .block_scale is missing
        "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.f32.e2m1.e2m1.f32.ue8m0",  // .scale_vec
        "mma.sync.aligned.m16n8k64.row.col.kind::mxf4nvf4.block_scale.scale_vec::2X.f32.e2m1.e2m1.f32.ue4m3",
        "mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.scale_vec::4X.f32.e2m1.e2m1.f32.ue8m0",
        "mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.f32.e4m3.e4m3.f32.ue4m3",
        "mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.f16.e4m3.e4m3.f16.ue8m0",
        "mma.sync.aligned.m16n8k32.row.col.f32.e4m3.e4m3.f32.ue8m0",
        "mma.sp.sync.aligned.m16n8k128.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0"}) {
    EXPECT_EQ(decode_form(form).status, FormResult::Status::Refused) << form;
  }
}

}  // namespace
}  // namespace doppel::ptx
