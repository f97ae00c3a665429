// SPDX-License-Identifier: Apache-2.0
// Linking of relocatable modules (PTX ISA 11.6).
#include "frontend/ptx/link.h"

#include "frontend/ptx/print.h"
#include "parse_helpers.h"
#include "same_module.h"

namespace doppel::ptx {
namespace {

using test::module_text;
using test::parse_well;

Result<Module> link_texts(const std::vector<std::string>& items) {
  std::vector<Module> modules;
  for (const std::string& item : items) modules.push_back(parse_well(module_text(item)));
  return link(std::move(modules));
}

Module link_well(const std::vector<std::string>& items) {
  auto linked = link_texts(items);
  if (!linked) {
    ADD_FAILURE() << linked.error().message;
    return {};
  }
  // Whatever was rewritten still hangs together.
  const std::string printed = print(*linked);
  EXPECT_EQ(test::difference(*linked, parse_well(printed)), "") << printed;
  return std::move(*linked);
}

std::string error_of(const std::vector<std::string>& items) {
  const auto linked = link_texts(items);
  EXPECT_FALSE(linked.has_value());
  return linked ? "" : linked.error().message;
}

constexpr const char* kCaller =
    ".extern .func (.param .b32 r) f (.param .b32 a);\n.extern .global .b32 v;\n.global .u64 table[2] = {v, "
    "f};\n"
    ".visible .entry k { .reg .b32 %r<4>; .reg .b64 %rd<4>; { .param .b32 a; .param .b32 b; st.param.b32 "
    "[a], 1; call (b), f, (a); }\n"
    "ld.global.b32 %r1, [v]; mov.u64 %rd1, f; mov.u64 %rd2, table; ret; }\n";
constexpr const char* kCallee =
    ".global .b32 before;\n.visible .global .b32 v = 7;\n"
    ".func helper { .reg .b32 %r<2>; ld.global.b32 %r1, [before]; ret; }\n"
    ".visible .func (.param .b32 r) f (.param .b32 a) { call helper; st.param.b32 [r], 2; ret; }\n";

TEST(Link, ReferencesMeetDefinitionsInEitherOrder) {
  for (const bool caller_first : {true, false}) {
    const Module linked = caller_first ? link_well({kCaller, kCallee}) : link_well({kCallee, kCaller});
    const Function* f = linked.find_function("f");
    const Function* k = linked.find_function("k");
    ASSERT_TRUE(f != nullptr && k != nullptr);
    EXPECT_FALSE(f->is_declaration);
    const auto f_index = static_cast<FunctionId>(f - linked.functions.data());
    EXPECT_EQ(k->instructions[1].call->callee, f_index);
    EXPECT_EQ(k->instructions[3].operands[1].function, f_index);
    const Variable& v = linked.variables[k->instructions[2].operands[1].symbol.index];
    EXPECT_EQ(v.name, "v");
    EXPECT_EQ(v.linkage, Linkage::Visible);
    EXPECT_EQ(v.initializer.size(), 4U);
    const Variable* table = linked.find_variable("table");
    ASSERT_TRUE(table != nullptr && table->relocations.size() == 2);
    EXPECT_EQ(linked.variables[table->relocations[0].target].name, "v");
    EXPECT_EQ(linked.functions[table->relocations[1].target].name, "f");
  }
}

TEST(Link, InternalNamesStayApart) {
  const std::string one =
      ".global .b32 hidden = 1;\n.func g { ret; }\n.entry k1 { .reg .b64 %rd<2>; call g; mov.u64 %rd1, "
      "hidden; ret; }\n";
  const std::string two =
      ".global .b32 hidden = 2;\n.func g { ret; }\n.entry k2 { .reg .b64 %rd<2>; call g; mov.u64 %rd1, "
      "hidden; ret; }\n";
  const Module linked = link_well({one, two});
  const Function *k1 = linked.find_function("k1"), *k2 = linked.find_function("k2");
  ASSERT_TRUE(k1 != nullptr && k2 != nullptr);
  EXPECT_NE(k1->instructions[0].call->callee, k2->instructions[0].call->callee);
  const Variable& second = linked.variables[k2->instructions[1].operands[1].symbol.index];
  ASSERT_EQ(second.initializer.size(), 4U);
  EXPECT_EQ(second.initializer[0], std::byte{2});
  EXPECT_EQ(linked.variables[k1->instructions[1].operands[1].symbol.index].initializer[0], std::byte{1});
}

TEST(Link, WeakAndCommon) {
  const Module linked =
      link_well({".weak .global .b32 w = 1;\n.common .global .b32 c;\n.weak .func f { ret; }\n",
                 ".visible .global .b32 w = 2;\n.common .global .b32 c[4];\n.weak .func f { exit; }\n"});
  const Variable* w = linked.find_variable("w");
  ASSERT_NE(w, nullptr);
  EXPECT_EQ(w->initializer[0], std::byte{2});
  EXPECT_EQ(linked.find_variable("c")->size, 16U);
  EXPECT_EQ(linked.find_function("f")->instructions[0].opcode, Opcode::Ret);
}

TEST(Link, DynamicSharedMemoryIsOne) {
  const Module linked =
      link_well({".extern .shared .align 16 .b8 s[];\n.entry a { .reg .b32 %r; mov.u32 %r, s; ret; }\n",
                 ".extern .shared .align 16 .b8 s[];\n.entry b { .reg .b32 %r; mov.u32 %r, s; ret; }\n"});
  EXPECT_EQ(linked.find_function("a")->instructions[0].operands[1].symbol,
            linked.find_function("b")->instructions[0].operands[1].symbol);
}

TEST(Link, SourceFilesAreKept) {
  const Module linked = link_well({".file 1 \"a.cu\"\n.entry a { .loc 1 5 0\nret; }\n",
                                   ".file 1 \"b.cu\"\n.entry b { .loc 1 6 0\nret; }\n"});
  const SourceLocation source = linked.find_function("b")->instructions[0].source;
  ASSERT_LT(source.file, linked.files.size());
  EXPECT_EQ(linked.files[source.file], "b.cu");
  EXPECT_EQ(source.line, 6U);
}

TEST(Link, ErrorsNameTheSymbol) {
  EXPECT_NE(error_of({".extern .global .b32 lost;", ".global .b32 x;"}).find("'lost'"), std::string::npos);
  EXPECT_NE(error_of({".visible .global .b32 twice;", ".visible .global .b32 twice;"}).find("'twice'"),
            std::string::npos);
  EXPECT_NE(error_of({".visible .func both { ret; }", ".visible .func both { ret; }"}).find("'both'"),
            std::string::npos);
  EXPECT_NE(error_of({".visible .func other(.param .b32 a) { ret; }", ".extern .func other(.param .b64 a);"})
                .find("'other'"),
            std::string::npos);
  EXPECT_NE(error_of({".extern .shared .b32 s;", ".visible .global .b32 s;"}).find("'s'"), std::string::npos);
  EXPECT_FALSE(link({}).has_value());
}

TEST(Link, RuntimeFunctionsStayDeclared) {
  const std::string print = ".extern .func (.param .b32 r) vprintf (.param .b64 a, .param .b64 b);\n";
  const Module linked = link_well({print + ".entry a { ret; }", print + ".entry b { ret; }"});
  EXPECT_TRUE(linked.find_function("vprintf")->is_declaration);
}

}  // namespace
}  // namespace doppel::ptx
