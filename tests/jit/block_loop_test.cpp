// SPDX-License-Identifier: Apache-2.0
// Kernels that run all warps of a block in one call (src/jit/block_entry.cpp).
#include <gtest/gtest.h>

#include <cstring>
#include <numeric>
#include <vector>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "jit/block_fibres.h"

namespace doppel::jit {
namespace {

// Lanes leave at the count, and those from thread 70 on later; odd threads run a block of their own.
constexpr const char* kText = R"(
.version 7.8
.target sm_86
.address_size 64
.visible .entry k(.param .u64 out, .param .u32 count)
{
  .reg .pred %p;
  .reg .u32 %i, %t, %n, %v, %old;
  .reg .u64 %a;
  ld.param.u64 %a, [out];
  mov.u32 %t, %tid.x;
  mov.u32 %i, %ctaid.x;
  mov.u32 %n, %ntid.x;
  mad.lo.u32 %i, %i, %n, %t;
  mad.wide.u32 %a, %i, 4, %a;
  ld.param.u32 %n, [count];
  setp.ge.u32 %p, %i, %n;
  @%p bra LEAVE;
  and.b32 %v, %t, 1;
  setp.eq.u32 %p, %v, 0;
  @%p bra EVEN;
  add.u32 %v, %v, 1000;
EVEN:
  ld.global.u32 %old, [%a];
  add.u32 %v, %v, %old;
  st.global.u32 [%a], %v;
  setp.ge.u32 %p, %t, 70;
  @%p exit;
  add.u32 %v, %v, %i;
  st.global.u32 [%a], %v;
LEAVE:
  ret;
}
)";

std::shared_ptr<CompiledModule> compile(const std::string& text) {
  auto parsed = ptx::parse(text);
  EXPECT_TRUE(parsed);
  auto module = CompiledModule::create(
      std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*parsed))), {});
  EXPECT_TRUE(module);
  return *module;
}

struct Outcome {
  std::vector<std::uint32_t> words;
  std::vector<std::uint64_t> counters;
};

Outcome run(CompiledModule& module, Build build, std::uint32_t threads, std::uint32_t count) {
  Outcome outcome;
  outcome.words.resize(std::size_t{3} * threads);
  std::iota(outcome.words.begin(), outcome.words.end(), 7);
  std::vector<std::byte> parameters(12);
  const std::uint32_t* address = outcome.words.data();
  std::memcpy(parameters.data(), &address, sizeof address);
  std::memcpy(parameters.data() + 8, &count, sizeof count);
  jit_test::GridRun run;
  run.module = &module;
  run.build = build;
  run.grid = {3, 1, 1};
  run.block = {threads, 1, 1};
  run.parameters = parameters;
  const auto result = jit_test::run_grid(run);
  EXPECT_TRUE(result);
  if (result) outcome.counters = result->counters;
  return outcome;
}

TEST(BlockLoop, DoesAndCountsWhatWarpsDoOneByOne) {
  const auto module = compile(kText);
  for (const std::uint32_t threads : {96U, 100U, 32U, 1U}) {
    const auto code = module->kernel(0, {LaneShape::Linear, threads % 32 == 0, Build::Plain});
    ASSERT_TRUE(code);
    ASSERT_NE(code->block_entry, nullptr);
    EXPECT_EQ(code->entry, nullptr);
    ASSERT_EQ(module->kernel(0, {LaneShape::Linear, threads % 32 == 0, Build::Checked})->block_entry,
              nullptr);
    for (const std::uint32_t count : {0U, 1U, 64U, 70U, 96U, 131U, 1000U}) {
      const Outcome block = run(*module, Build::Plain, threads, count);
      const Outcome warps = run(*module, Build::Checked, threads, count);
      EXPECT_EQ(block.words, warps.words) << threads << " threads, " << count;
      EXPECT_EQ(block.counters, warps.counters) << threads << " threads, " << count;
      EXPECT_EQ(block.counters[0], 3 * ((threads + 31) / 32));
      EXPECT_EQ(block.counters[1], 3 * threads);
    }
  }
}

TEST(BlockLoop, IsNotForWhatMayWait) {
  const std::string head =
      ".version 7.8\n.target sm_86\n.address_size 64\n.visible .entry k()\n{\n  .reg .u32 %r;\n"
      "  .reg .pred %p;\n";
  for (const char* body :
       {"  bar.sync 0;\n", "  nanosleep.u32 10;\n", "  mov.u32 %r, %clock;\n",
        "  mov.u32 %r, %globaltimer_lo;\n",
        "  mov.u32 %r, 0;\nL:\n  add.u32 %r, %r, 1;\n  setp.lt.u32 %p, %r, 9;\n  @%p bra L;\n",
        "  .local .u32 cell;\n  st.local.u32 [cell], 1;\n"}) {
    const auto code =
        compile(head + body + "  ret;\n}\n")->kernel(0, {LaneShape::Linear, true, Build::Plain});
    ASSERT_TRUE(code) << body;
    EXPECT_EQ(code->block_entry, nullptr) << body;
    EXPECT_NE(code->entry, nullptr) << body;
  }
  EXPECT_NE(compile(head + "  ret;\n}\n")->kernel(0, {LaneShape::Linear, true, Build::Plain})->block_entry,
            nullptr);
}

}  // namespace
}  // namespace doppel::jit
