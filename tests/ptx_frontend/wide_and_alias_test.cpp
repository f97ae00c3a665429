// SPDX-License-Identifier: Apache-2.0
// What the parser writes as other things: registers of 128 bits, operands that are narrower, aliases.
#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

using test::kernel_text;
using test::module_text;
using test::parse_badly;
using test::parse_well;

// The forms of a kernel with registers of 128 bits.
std::vector<std::string> forms_of(const std::string& body) {
  std::vector<std::string> forms;
  const Module module =
      parse_well(kernel_text(".reg .b128 %q<4>; .reg .b8 %b<4>;\n" + body, "sm_120a", "8.7"));
  if (module.functions.empty()) return forms;
  for (const Instruction& each : module.functions[0].instructions) forms.push_back(each.form);
  forms.pop_back();  // ret
  return forms;
}

using Forms = std::vector<std::string>;

TEST(Wide, MovesAreMovesOfHalves) {
  EXPECT_EQ(forms_of("mov.b128 %q0, %q1;"), (Forms{"mov.b64", "mov.b64", "mov.b64", "mov.b64"}));
  EXPECT_EQ(forms_of("mov.b128 {%rd1, _}, %q1;").size(), 3U);
  EXPECT_EQ(forms_of("mov.b128 {%r1, _, _, %r2}, %q1;"), (Forms{"mov.b64", "mov.b64"}));
  EXPECT_EQ(forms_of("mov.b128 %q1, {%r1, %r2, %r3, %r4};").size(), 6U);
}

TEST(Wide, AccessesHaveAVectorOfHalves) {
  const Module module = parse_well(kernel_text(
      ".reg .b128 %q<4>;\nld.global.b128 %q0, [%rd1];\natom.global.cas.b128 %q1, [%rd1], %q0, %q1;\n"
      "atom.global.exch.b128 _, [%rd1], 7;",
      "sm_120a", "8.7"));
  const std::vector<Instruction>& all = module.functions.at(0).instructions;
  EXPECT_EQ(all.at(0).type, Type::B64);
  EXPECT_EQ(all[0].modifiers.vector, 2);
  EXPECT_EQ(all[0].operands.at(0).elements.size(), 2U);
  EXPECT_EQ(all.at(1).operands.size(), 4U);
  EXPECT_EQ(all[1].operands[2].elements.at(1).reg, all[0].operands[0].elements[1].reg);
  EXPECT_EQ(all.at(2).operands.at(2).elements.at(0).immediate, 7U);
  EXPECT_EQ(all[2].operands[2].elements[1].immediate, 0U);
}

TEST(Wide, NothingElseTakesOne) {
  for (const char* line : {"st.global.b64 [%rd1], %q0;", "and.b64 %rd1, %q0, %rd2;",
                           "add.u64 %q0, %rd1, %rd2;", "ld.global.v2.b64 %q0, [%rd1];"}) {
    EXPECT_EQ(parse_badly(kernel_text(std::string(".reg .b128 %q<4>;\n") + line, "sm_120a", "8.7")).kind,
              Diagnostic::Kind::Malformed)
        << line;
  }
  EXPECT_EQ(parse_badly(module_text(".func f(.reg .b128 a) { ret; }", "sm_120a", "8.7")).kind,
            Diagnostic::Kind::Unsupported);
}

TEST(MixedPrecision, NarrowOperandsAreWidenedBefore) {
  EXPECT_EQ(forms_of("add.rz.sat.f32.f16 %f1, %h1, %f2;"), (Forms{"cvt.f32.f16", "add.rz.sat.f32"}));
  EXPECT_EQ(forms_of("fma.rn.f32.bf16 %f1, %h1, %h2, %f2;"),
            (Forms{"cvt.f32.bf16", "cvt.f32.bf16", "fma.rn.f32"}));
}

constexpr const char* kAliased =
    ".func (.param .b32 r) g (.param .b32 a);\n.func (.param .b32 r) h (.param .b32 a) { .reg .b32 %x; "
    "ld.param.b32 %x, [a]; st.param.b32 [r], %x; ret; }\n";

TEST(Alias, CallsTheOther) {
  const Module module = parse_well(module_text(std::string(kAliased) + ".alias g, h;\n"));
  const Function& alias = module.functions.at(0);
  EXPECT_EQ(alias.name, "g");
  EXPECT_FALSE(alias.is_declaration);
  ASSERT_EQ(alias.instructions.size(), 2U);
  EXPECT_EQ(alias.instructions[0].call->callee, 1U);
  EXPECT_EQ(alias.instructions[0].call->arguments.size(), 1U);
}

TEST(Alias, OfWhatSuitsOnly) {
  for (const char* text : {".alias h, g;", ".alias g, k;", ".alias g, g;", ".alias g, nobody;"}) {
    EXPECT_EQ(parse_badly(module_text(std::string(kAliased) + ".entry k { ret; }\n" + text)).kind,
              Diagnostic::Kind::Malformed)
        << text;
  }
  EXPECT_EQ(parse_badly(module_text(".func g (.param .b32 a);\n.func h { ret; }\n.alias g, h;")).kind,
            Diagnostic::Kind::Malformed);
  EXPECT_EQ(parse_badly(module_text(std::string(kAliased) + ".alias g, h;", "sm_86", "6.0")).kind,
            Diagnostic::Kind::Unsupported);
}

}  // namespace
}  // namespace doppel::ptx
