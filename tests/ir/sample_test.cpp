// SPDX-License-Identifier: Apache-2.0
// Every operation of the table can stand in a valid module, and its text is read back.
#include <gtest/gtest.h>

#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "sample_module.h"

namespace doppel::ir::test {
namespace {

TEST(IrSamples, EveryOperationIsValidAndReadBack) {
  for (const OperationRow& each : all_operations()) {
    const Module module = sample_module(each.op);
    EXPECT_EQ(verify(module), "") << each.name;
    const std::string text = print(module, {.origins = false});
    const auto again = parse(text);
    ASSERT_TRUE(again) << each.name << ": " << again.error().message << "\n" << text;
    EXPECT_EQ(print(*again, {.origins = false}), text);
  }
}

}  // namespace
}  // namespace doppel::ir::test
