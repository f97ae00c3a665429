// SPDX-License-Identifier: Apache-2.0
// What is wrong in one function or variable refuses that, and what uses it: the rest of the module is read.
#include "frontend/ptx/link.h"
#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

using test::module_text;

Usable read(const std::string& items) {
  auto usable = parse_usable(module_text(items));
  if (!usable) {
    ADD_FAILURE() << to_string(usable.error().diagnostics.front()) << "\nin\n" << items;
    return {};
  }
  EXPECT_FALSE(parse(module_text(items)).has_value()) << "the whole text is still refused";
  return std::move(*usable);
}

std::vector<std::string> refused_names(const Usable& usable) {
  std::vector<std::string> names;
  for (const auto& [id, why] : usable.refused_functions) names.push_back(usable.module.functions[id].name);
  return names;
}

using Names = std::vector<std::string>;
constexpr const char* kGood = ".visible .entry good() { .reg .b32 %r<2>; mov.b32 %r0, 1; ret; }\n";

TEST(Refusal, OneKernelAndNotTheOthers) {
  const Usable usable =
      read(std::string(kGood) + ".visible .entry bad(.param .u64 p) {\n  wgmma.fence.sync.aligned;\n" +
           "  wgmma.fence.sync.aligned; ret; }\n.visible .entry after() { ret; }\n");
  EXPECT_EQ(refused_names(usable), Names{"bad"});
  const auto& why = usable.refused_functions.at(1);
  ASSERT_EQ(why.size(), 1U) << "each form once";
  EXPECT_EQ(to_string(why[0]), "ptx:6:3: error: in 'bad': wgmma.fence.sync.aligned: not supported (2 times)");
  ASSERT_EQ(usable.module.functions.size(), 3U);
  EXPECT_EQ(usable.module.functions[0].instructions.size(), 2U);
  EXPECT_EQ(usable.module.functions[1].parameters.size(), 1U);
  ASSERT_EQ(usable.module.functions[1].instructions.size(), 1U);
  EXPECT_EQ(usable.module.functions[1].instructions[0].opcode, Opcode::Trap);
}

TEST(Refusal, WhateverIsWrongInABody) {
  for (const char* body :
       {"mov.b32 %r0, ;", "mov.b32 %nowhere, 1;", "bra NOWHERE;", "frobnicate.u32 %r0;", "mov.b32 %r0, 0f12;",
        "#", "mov.b32 %r0, 99999999999999999999999;", "{ .reg .b32 %r<2>; { wgmma.fence.sync.aligned; }",
        ".reg .v4 .b32 %v;", "L: L: ret;", "ret; ret; ret"}) {
    const std::string whole = std::string(body).starts_with("{ ") ? std::string(body) + " }" : body;
    const Usable usable = read(".entry bad() { .reg .b32 %r<2>; " + whole + " }\n" + kGood);
    EXPECT_EQ(refused_names(usable), Names{"bad"}) << body;
    EXPECT_NE(usable.module.find_function("good"), nullptr) << body;
  }
}

TEST(Refusal, WhatLeavesTheRestUnreadableIsTheModules) {
  for (const char* text :
       {".entry bad() { ret; /* no end }\n", ".entry bad() { { ret; }\n", ".entry bad() { ret; } }\n",
        ".entry bad() { ret; \"no end }\n", "nonsense\n", ".entry bad()\n"}) {
    EXPECT_FALSE(parse_usable(module_text(std::string(kGood) + text)).has_value()) << text;
  }
}

TEST(Refusal, AHeadThatCannotBeRead) {
  const Usable usable = read(std::string(".visible .entry bounds() .frobnicate 1 { ret; }\n") +
                             ".func .attribute(.unknown(1, 2)) marked() { ret; }\n"
                             ".entry calls() { call marked; ret; }\n" +
                             kGood);
  EXPECT_EQ(refused_names(usable), (Names{"bounds", "marked", "calls"}));
  EXPECT_NE(usable.refused_functions.at(2)[0].message.find("'marked' cannot be used: function attribute"),
            std::string::npos)
      << usable.refused_functions.at(2)[0].message;
}

TEST(Refusal, AVariableRefusesWhatUsesIt) {
  const Usable usable =
      read(std::string(
               ".global .texref first = {width = 4}, second;\n.global .align 8 .u64 table[2] = {0, 1};\n") +
           ".entry samples() { .reg .b64 %d<2>; mov.u64 %d0, second; ret; }\n"
           ".entry reads() { .reg .b64 %d<2>; ld.global.u64 %d0, [table]; ret; }\n");
  EXPECT_EQ(refused_names(usable), Names{"samples"});
  EXPECT_EQ(usable.refused_variables.size(), 2U);
  EXPECT_NE(usable.refused_functions.at(0)[0].message.find("'second' cannot be used"), std::string::npos);
}

TEST(Refusal, LinkingKeepsWhereAFunctionComesFrom) {
  std::vector<Module> parts;
  parts.push_back(
      test::parse_well(module_text(".visible .func f() { ret; }\n.visible .entry a() { ret; }\n")));
  parts.push_back(
      test::parse_well(module_text(".extern .func f();\n.visible .entry b() { call f; ret; }\n")));
  std::vector<FunctionOrigin> origins;
  const auto linked = link(std::move(parts), &origins);
  ASSERT_TRUE(linked.has_value());
  ASSERT_EQ(origins.size(), linked->functions.size());
  for (std::size_t i = 0; i < origins.size(); ++i) {
    EXPECT_EQ(origins[i].module, linked->functions[i].name == "b" ? 1U : 0U) << linked->functions[i].name;
    EXPECT_EQ(origins[i].function, linked->functions[i].name == "f" ? 0U : 1U) << linked->functions[i].name;
  }
}

}  // namespace
}  // namespace doppel::ptx
