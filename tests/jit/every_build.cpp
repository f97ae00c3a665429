// SPDX-License-Identifier: Apache-2.0
#include "jit/every_build.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <memory>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "ir/verify.h"
#include "jit/block_fibres.h"

namespace doppel::jit_test {

using jit::Build;
using jit::Effort;

void expect_in_every_build(const std::string& ptx, std::uint32_t threads,
                           const std::vector<std::uint32_t>& expected) {
  auto parsed = ptx::parse(ptx);
  ASSERT_TRUE(parsed);
  expect_in_every_build(ptx::to_ir(std::move(*parsed)), threads, expected);
}

void expect_in_every_build(ir::Module from, std::uint32_t threads,
                           const std::vector<std::uint32_t>& expected) {
  ASSERT_EQ(ir::verify(from), "");
  auto module =
      jit::CompiledModule::create(std::make_shared<const analysis::AnalysedModule>(std::move(from)), {});
  ASSERT_TRUE(module);
  for (const Build build : {Build::Plain, Build::Traced, Build::Checked}) {
    for (const Effort effort : {Effort::Full, Effort::Quick}) {
      std::vector<std::uint32_t> words(expected.size());
      const std::uint32_t* address = words.data();
      std::vector<std::byte> parameters(sizeof address);
      std::memcpy(parameters.data(), &address, sizeof address);
      GridRun run;
      run.module = module->get();
      run.build = build;
      run.effort = effort;
      run.grid = {1, 1, 1};
      run.block = {threads, 1, 1};
      run.parameters = parameters;
      const auto result = run_grid(run);
      ASSERT_TRUE(result);
      EXPECT_EQ(result->fault, "");
      EXPECT_EQ(words, expected) << static_cast<int>(build) << ' ' << static_cast<int>(effort);
    }
  }
}

}  // namespace doppel::jit_test
