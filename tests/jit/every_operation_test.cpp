// SPDX-License-Identifier: Apache-2.0
// Every operation of the IR has code, in the build that runs and in the one that checks.
#include <gtest/gtest.h>

#include "jit/compiled_module.h"
#include "sample_module.h"

namespace doppel::jit {
namespace {

TEST(EveryOperation, HasCode) {
  for (const ir::OperationRow& each : ir::all_operations()) {
    const auto module = CompiledModule::create(
        std::make_shared<const analysis::AnalysedModule>(ir::test::sample_module(each.op)), {});
    ASSERT_TRUE(module) << module.error().message;
    for (const Build build : {Build::Plain, Build::Checked}) {
      Variant variant;
      variant.effort = Effort::Quick;
      variant.build = build;
      const auto code = (*module)->kernel(0, variant);
      EXPECT_TRUE(code) << each.name << ": " << (code ? "" : code.error().message);
    }
  }
}

}  // namespace
}  // namespace doppel::jit
