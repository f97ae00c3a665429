// SPDX-License-Identifier: Apache-2.0
// Forms: what suffixes become, what is refused, and what a target must be.
#include "frontend/ptx/form.h"

#include "form_enumeration.h"
#include "frontend/ptx/print.h"
#include "parse_helpers.h"
#include "same_module.h"

namespace doppel::ptx {
namespace {

using test::kernel_text;
using test::parse_badly;
using test::parse_one;

TEST(Form, ModifiersBecomeFields) {
  Instruction i = parse_one("add.rz.ftz.sat.f32 %f1, %f2, %f3;");
  EXPECT_EQ(i.modifiers.rounding, Rounding::Rz);
  EXPECT_TRUE(i.modifiers.ftz && i.modifiers.sat);
  i = parse_one("add.f32 %f1, %f2, %f3;");
  EXPECT_EQ(i.modifiers.rounding, Rounding::Rn);
  i = parse_one("mad.wide.s32 %rd1, %r2, %r3, %rd4;");
  EXPECT_EQ(i.modifiers.mul_part, MulPart::Wide);
  EXPECT_EQ(i.type, Type::S32);
  i = parse_one("cvt.rzi.s32.f32 %r1, %f2;");
  EXPECT_EQ(i.type, Type::S32);
  EXPECT_EQ(i.source_type, Type::F32);
  EXPECT_EQ(i.modifiers.rounding, Rounding::Rzi);
  i = parse_one("setp.hs.u32 %p1, %r1, %r2;");
  EXPECT_EQ(i.modifiers.compare, Compare::Hs);
  i = parse_one("atom.acq_rel.gpu.global.cas.b64 %rd1, [%rd2], %rd3, 5;");
  EXPECT_EQ(i.modifiers.semantics, MemorySemantics::AcqRel);
  EXPECT_EQ(i.modifiers.scope, Scope::Gpu);
  EXPECT_EQ(i.modifiers.space, Space::Global);
  EXPECT_EQ(i.modifiers.atomic_op, AtomicOp::Cas);
  i = parse_one("membar.gl;");
  EXPECT_EQ(i.opcode, Opcode::Membar);
  EXPECT_EQ(i.modifiers.semantics, MemorySemantics::SeqCst);
  EXPECT_EQ(i.modifiers.scope, Scope::Gpu);
  i = parse_one("lop3.b32 %r1, %r2, %r3, %r4, 0xe8;");
  EXPECT_EQ(i.modifiers.lut, 0xe8);
  i = parse_one("dp4a.s32.u32 %r1, %r2, %r3, %r4;");
  EXPECT_EQ(i.type, Type::S32);
  EXPECT_EQ(i.source_type, Type::U32);
}

TEST(Form, SuffixesInAnyOrderAndWithBlanks) {
  Instruction i = parse_one("atom.add.acq_rel.gpu.u32 %r1, [%rd1], %r2;");
  EXPECT_EQ(i.modifiers.atomic_op, AtomicOp::Add);
  i = parse_one("ld .global .v2 .u32 {%r1, %r2}, [%rd1];");
  EXPECT_EQ(i.form, "ld.global.v2.u32");
}

TEST(Form, OperandTypesAreChecked) {
  parse_one("add.f32 %f1, %f2, %r3;");      // a bit register holds any type of its size
  parse_one("ld.global.u8 %r1, [%rd1];");   // 9.4.1: wider destination
  parse_one("st.global.u8 [%rd1], %rd2;");  // 9.4.1: wider source
  parse_one("cvt.u8.u32 %r1, %r2;");
  for (const char* line :
       {"add.f32 %f1, %f2, %d3;", "add.s32 %r1, %r2, %f3;", "add.s32 %r1, %h2, %r3;", "add.f32 %f1, %f2, 1;",
        "add.s32 %r1, %r2, 1.0;", "ld.global.u32 %h1, [%rd1];", "ld.global.u32 %f1, [%rd1];",
        "add.s32 %p1, %r1, %r2;", "add.s32 %r1, %r2;", "add.s32 %r1, %r2, %r3, %r4;",
        "mov.u32 %r1, %clock64;", "add.s32 %r1, %tid.x, 1;", "ld.global.v2.u32 {%r1}, [%rd1];",
        "setp.eq.s32 %r1, %r2, %r3;", "lop3.b32 %r1, %r2, %r3, %r4, 256;", "add.s32 %r1|%p1, %r2, %r3;",
        "ld.global.u32 %r1, %rd1;", "ld.global.u32 %r1, [%f1];"}) {
    EXPECT_EQ(parse_badly(kernel_text(line)).kind, Diagnostic::Kind::Malformed) << line;
  }
}

TEST(Form, RefusedFormsAreNamed) {
  for (const char* form : {"tex.2dms.v4.f32.s32",
                           "wgmma.fence.sync.aligned",
                           "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32.satfinite",
                           "add.b32",
                           "mul.s32",
                           "add.sat.u32",
                           "div.f32",
                           "setp.lo.s32",
                           "setp.equ.s32",
                           "cvt.f16.f32",
                           "cvt.rn.f64.f32",
                           "cvt.s32.f32",
                           "shfl.up.b32",
                           "vote.all.pred",
                           "ld.shared.nc.u32",
                           "st.const.u32",
                           "atom.add.f16",
                           "atom.inc.s32",
                           "fence.proxy.async",
                           "ld.v8.u64"}) {
    const Diagnostic diagnostic = parse_badly(kernel_text(std::string(form) + " %r1, %r2, %r3;"));
    EXPECT_EQ(diagnostic.kind, Diagnostic::Kind::Unsupported) << form;
    EXPECT_EQ(diagnostic.form, form);
    EXPECT_EQ(diagnostic.function, "k");
  }
}

TEST(Form, WhatLaterTargetsGaveUp) {
  for (const char* line : {"vote.any.pred %p1, %p2;", "shfl.up.b32 %r1|%p1, %r2, 1, 0;"}) {
    test::parse_well(kernel_text(line, "sm_30", "8.0"));
    test::parse_well(kernel_text(line, "sm_70", "6.3"));
    EXPECT_NE(parse_badly(kernel_text(line, "sm_70", "6.4"))
                  .message.find("for .target sm_69 and before, or .version before 6.4"),
              std::string::npos);
  }
}

TEST(Form, TargetsAndVersions) {
  struct Case {
    const char* line;
    const char* needs;
    const char* target;
    const char* version;
  };
  for (const Case& c : {Case{"elect.sync %r1|%p1, -1;", "sm_90", "sm_86", "8.5"},
                        Case{"griddepcontrol.wait;", "sm_90", "sm_86", "8.5"},
                        Case{"fence.acq_rel.cluster;", "sm_90", "sm_86", "8.5"},
                        Case{"add.f32x2 %rd1, %rd2, %rd3;", "sm_100", "sm_90", "8.6"},
                        Case{"redux.sync.add.s32 %r1, %r2, -1;", "sm_80", "sm_75", "8.5"},
                        Case{"redux.sync.add.s32 %r1, %r2, -1;", "7.0", "sm_86", "6.5"},
                        Case{"mov.u32 %r1, %cluster_ctarank;", "sm_90", "sm_86", "8.5"},
                        Case{"red.global.add.noftz.bf16x2 [%rd1], %r1;", "sm_90", "sm_86", "8.5"}}) {
    const Diagnostic diagnostic = parse_badly(kernel_text(c.line, c.target, c.version));
    EXPECT_EQ(diagnostic.kind, Diagnostic::Kind::Unsupported) << c.line;
    EXPECT_NE(diagnostic.message.find(c.needs), std::string::npos) << c.line << ": " << diagnostic.message;
    test::parse_well(kernel_text(c.line, "sm_120", "9.0"));
  }
}

// decode_form() and the operand parser agree: a sample of each form parses, prints, and parses again.
TEST(Form, EveryAcceptedFormParses) {
  const std::vector<std::string> forms = test::accepted_forms(/*with_hints=*/true);
  EXPECT_GT(forms.size(), 10000U);
  std::string body = ".reg .b8 %b<8>; ts: .branchtargets L; .param .align 8 .b8 a[64];\nL:\n";
  for (const std::string& form : forms) body += test::sample_line(form, decode_form(form).form) + "\n";
  const std::string text = ".version 9.1\n.target sm_120a\n.address_size 64\n.func f { ret; }\n" +
                           kernel_text(body).substr(test::module_text("").size());
  const Module module = test::parse_well(text);
  EXPECT_GE(module.functions.at(1).instructions.size(), forms.size());
  EXPECT_EQ(test::difference(module, test::parse_well(print(module))), "");
}

TEST(Form, EveryNameIsFound) {
  // The opcode tables and name_of agree: each opcode's first word decodes to something known, if only to be
  // refused.
  for (auto o = 0U; o <= static_cast<unsigned>(Opcode::Brkpt); ++o) {
    EXPECT_NE(decode_form(name_of(static_cast<Opcode>(o))).status, FormResult::Status::UnknownOpcode)
        << name_of(static_cast<Opcode>(o));
  }
}

}  // namespace
}  // namespace doppel::ptx
