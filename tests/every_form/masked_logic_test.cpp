// SPDX-License-Identifier: Apache-2.0
// Three-operand logic in divergent code, whose result goes where one of the operands was: hosts with AVX-512
// have one instruction for it, which LLVM (project issue 157929) builds with the wrong table where an operand
// comes from memory or is an immediate.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "frontend/ptx/parse.h"
#include "harness/launch_case.h"

namespace doppel::every_form {
namespace {

constexpr std::uint64_t kThreads = 64;

// Tables that no exchange of operands leaves as they are, selections by each operand among them.
constexpr int kTables[] = {0xd8, 0xe4, 0xb8, 0xca, 0x2e, 0x94};

// Each case has registers of its own that live over a barrier, and uses them once behind it, in a block that
// part of the warp skips: then generated code has them in memory, and no other access between them and their
// use.
class Cases {
 public:
  // {0}, {1} and {2} stand for the case's three registers; the result is to be in {0}.
  void add(const std::string& instruction, bool wide = false) {
    const std::string names[] = {fmt::format("%d{}", count_), fmt::format("%b{}", count_),
                                 fmt::format("%c{}", count_)};
    const char* bits = wide ? "b64" : "b32";
    text_declarations_ += fmt::format("  .reg .{} {}, {}, {};\n", bits, names[0], names[1], names[2]);
    for (int i = 0; i < 3; ++i)
      text_loads_ += fmt::format("  ld.global.{} {}, [%in+{}];\n", bits, names[i], 8 * kThreads * i);
    text_cases_ += fmt::format("  @%p bra SKIP{0};\n  {1}\nSKIP{0}:\n  st.global.{2} [%out+{3}], {4};\n",
                               count_, fmt::format(fmt::runtime(instruction), names[0], names[1], names[2]),
                               bits, 8 * kThreads * count_, names[0]);
    ++count_;
  }
  std::uint64_t count() const { return count_; }
  std::string kernel() const {
    return fmt::format(
        ".version 8.0\n.target sm_86\n.address_size 64\n.visible .entry k(.param .u64 in, .param .u64 "
        "out)\n{{\n"
        "  .reg .b32 %t;\n  .reg .b64 %in, %out;\n  .reg .pred %p;\n{}"
        "  mov.u32 %t, %tid.x;\n  ld.param.u64 %in, [in];\n  mad.wide.u32 %in, %t, 8, %in;\n"
        "  ld.param.u64 %out, [out];\n  mad.wide.u32 %out, %t, 8, %out;\n"
        "  ld.global.u32 %t, [%in+{}];\n  setp.lt.s32 %p, %t, 0;\n{}  bar.sync 0;\n{}  ret;\n}}\n",
        text_declarations_, 8 * kThreads * 3, text_loads_, text_cases_);
  }

 private:
  std::string text_declarations_, text_loads_, text_cases_;
  std::uint64_t count_ = 0;
};

Cases all_cases() {
  Cases cases;
  for (const int table : kTables) {
    for (const char* third : {"1", "{2}"}) {
      std::array<std::string, 3> operands = {"{0}", "{1}", third};
      std::ranges::sort(operands);
      do {
        cases.add(
            fmt::format("lop3.b32 {{0}}, {}, {}, {}, {};", operands[0], operands[1], operands[2], table));
      } while (std::ranges::next_permutation(operands).found);
    }
  }
  for (const char* field : {"0, 1", "4, 8", "7, 25"}) {
    for (const bool wide : {false, true}) {
      const char* bits = wide ? "b64" : "b32";
      cases.add(fmt::format("bfi.{} {{0}}, {{1}}, {{0}}, {};", bits, field), wide);
      cases.add(fmt::format("bfi.{} {{0}}, {{0}}, {{1}}, {};", bits, field), wide);
    }
  }
  return cases;
}

TEST(MaskedLogic, KeepsItsTable) {
  const auto engine = harness::make_engine_runner();
  if (engine == nullptr) GTEST_SKIP() << "this build has no engine";
  const Cases cases = all_cases();
  harness::LaunchCase launch;
  launch.text = cases.kernel();
  auto parsed = ptx::parse(launch.text);
  ASSERT_TRUE(parsed.has_value()) << to_string(parsed.error().diagnostics.front());
  launch.module = std::make_shared<const ptx::Module>(std::move(*parsed));
  launch.kernel = std::string("k");
  launch.grid = {1, 1, 1};
  launch.block = {kThreads, 1, 1};
  std::vector<std::byte> input(kThreads * 4 * 8);  // three operands and the predicate
  std::uint32_t word = 1;
  for (std::size_t at = 0; at < input.size(); at += 4) {
    word = word * 1664525 + 1013904223;  // Numerical Recipes' generator
    std::memcpy(&input[at], &word, 4);
  }
  launch.buffers = {input, std::vector<std::byte>(kThreads * 8 * cases.count())};
  launch.arguments = {harness::BufferArgument{0}, harness::BufferArgument{1}};
  const auto want = harness::run_on_reference(launch);
  ASSERT_TRUE(want.has_value()) << want.error().message;
  const auto got = engine->run(launch);
  ASSERT_TRUE(got.has_value()) << got.error().message;
  for (std::size_t i = 0; i < (*want)[1].size() / 8; ++i) {
    std::uint64_t values[2];
    std::memcpy(&values[0], &(*want)[1][8 * i], 8);
    std::memcpy(&values[1], &(*got)[1][8 * i], 8);
    ASSERT_EQ(values[0], values[1]) << "case " << i / kThreads << " of thread " << i % kThreads;
  }
}

}  // namespace
}  // namespace doppel::every_form
