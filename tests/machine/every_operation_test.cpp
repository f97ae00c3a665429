// SPDX-License-Identifier: Apache-2.0
// Every operation of the IR has a rule that says what a card issues for it.
#include <gtest/gtest.h>

#include <exception>

#include "machine/machine_lowering.h"
#include "sample_module.h"

namespace doppel::machine {
namespace {

TEST(EveryOperation, HasAnIssueRule) {
  for (const ir::OperationRow& each : ir::all_operations()) {
    try {
      const MachineProgram program =
          lower_to_machine(analysis::AnalysedModule(ir::test::sample_module(each.op)), 0, {});
      EXPECT_FALSE(program.functions[0].blocks.empty()) << each.name;
    } catch (const std::exception& missing) {
      ADD_FAILURE() << missing.what();
    }
  }
}

}  // namespace
}  // namespace doppel::machine
