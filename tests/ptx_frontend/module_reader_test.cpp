// SPDX-License-Identifier: Apache-2.0
// Bodies that are read when they are asked for are as those of a text that is read from its begin to its end.
#include "frontend/ptx/module_reader.h"

#include <filesystem>

#include "parse_helpers.h"
#include "same_when_late.h"

namespace doppel::ptx::test {
namespace {

void expect_same(const std::string& text) {
  for (const unsigned seed : {1U, 2U, 3U}) EXPECT_EQ(difference_when_late(text, seed), "") << text;
}

constexpr const char* kGood = ".visible .entry good() { .reg .b32 %r<2>; mov.b32 %r0, 1; ret; }\n";

TEST(ModuleReader, EveryTestModuleIsTheSame) {
  std::size_t count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(DOPPEL_SOURCE_DIR) + "/tests/ptx")) {
    if (file.path().extension() != ".ptx") continue;
    EXPECT_EQ(difference_when_late(read_file(file.path()), 1), "") << file.path();
    ++count;
  }
  EXPECT_GT(count, 900U);
  expect_same(read_file(std::string(DOPPEL_SOURCE_DIR) + "/tests/ptx_frontend/data/clang_kernel.ptx"));
}

TEST(ModuleReader, ABodyIsReadWhenItIsAskedFor) {
  const auto reader = ModuleReader::open(
      module_text(std::string(kGood) + ".entry bad() { frobnicate; ret; }\n.entry last() { ret; }\n"));
  ASSERT_TRUE(reader.has_value());
  ir::Module module = (*reader)->take_module();
  ASSERT_EQ(module.functions.size(), 3U);
  EXPECT_TRUE(module.functions[0].operations.empty());
  (*reader)->read(2, module.functions[2]);
  EXPECT_EQ(module.functions[2].operations.size(), 1U);
  EXPECT_TRUE(module.functions[0].operations.empty());
  EXPECT_TRUE((*reader)->refusal(1).empty()) << "nobody has read it";
  (*reader)->read(1, module.functions[1]);
  (*reader)->read(0, module.functions[0]);
  EXPECT_EQ(module.functions[0].operations.size(), 2U);
  ASSERT_EQ((*reader)->refusal(1).size(), 1U);
  EXPECT_EQ(to_string((*reader)->refusal(1)[0]),
            "ptx:5:16: error: in 'bad': frobnicate: unknown instruction 'frobnicate'");
  EXPECT_TRUE((*reader)->refusal(0).empty());
}

TEST(ModuleReader, ABodySeesWhatIsDeclaredBeforeIt) {
  const std::string calls = ".entry calls() { call f; ret; }\n";
  const std::string reads = ".entry reads() { .reg .b32 %r<2>; ld.global.u32 %r0, [x]; ret; }\n";
  expect_same(module_text(calls + ".func f() { ret; }\n" + kGood));
  expect_same(module_text(".func f();\n" + calls + ".func f() { ret; }\n" + kGood));
  expect_same(module_text(reads + ".global .u32 x;\n" + kGood));
  expect_same(module_text(".global .u32 x;\n" + reads + kGood));
  expect_same(
      module_text(".entry x() { .reg .b64 %d; mov.u64 %d, x; mov.u64 %d, y; ret; }\n.entry y() { ret; }\n"));
}

// What is declared again otherwise, or refused, is to a body what it was before.
TEST(ModuleReader, ABodySeesADeclarationAsItWasBeforeIt) {
  const std::string element =
      ".entry e() { .reg .b32 %r<2>; ld.global.u8 %r0, x[1]; ld.global.u8 %r1, x[%r0]; ret; }\n";
  expect_same(module_text(".extern .global .b8 x[8];\n" + element + ".global .b32 x[2];\n" + kGood));
  const std::string call = ".entry c() { .reg .b32 %r<2>; call f, (1.0); ret; }\n";
  expect_same(
      module_text(".func f(.reg .f32 %a);\n" + call + ".func f(.reg .b32 %a) { ret; }\n" + call + kGood));
  expect_same(
      module_text(".extern .global .b32 x;\n.entry reads() { .reg .b32 %r; ld.global.u32 %r, [x]; ret; }\n"
                  ".global .texref x;\n" +
                  std::string(kGood)));
}

TEST(ModuleReader, FilesAreTheModules) {
  expect_same(module_text(".entry named() { .file 2 \"inside.cu\"\n.loc 2 7 1\nret; }\n.file 1 \"a.cu\"\n" +
                          std::string(kGood)));
}

TEST(ModuleReader, RefusesTheSameTextsInTheSameWords) {
  for (const char* text :
       {".entry bad() { ret; /* no end }\n", ".entry bad() { { ret; }\n", ".entry bad() { ret; } }\n",
        ".entry bad() { ret; \"no end }\n", "nonsense\n", ".entry bad()\n", ".entry bad() { ret; } #\n",
        ".entry bad() { frobnicate; }\n.entry worse() { /* }\n", ".entry good() { ret; }\n",
        ".entry braces() { // }\n /* } */ .pragma \"}\"; ret; }\n", ".entry slash() { / }\n"}) {
    expect_same(module_text(std::string(kGood) + text));
  }
  expect_same("");
  expect_same(".version 8.5\n.target sm_1000\n");
  expect_same("\"");
}

}  // namespace
}  // namespace doppel::ptx::test
