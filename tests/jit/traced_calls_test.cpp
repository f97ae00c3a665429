// SPDX-License-Identifier: Apache-2.0
// Traced accesses say which function they are of (analysis::AnalysedKernel::first_operations): also those of
// a caller behind a call, where the last block that was traced is the callee's.
#include <gtest/gtest.h>

#include <cstring>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "jit/block_fibres.h"

namespace doppel::jit {
namespace {

constexpr const char* kTracedText = R"(
.version 7.8
.target sm_86
.address_size 64
.func store(.reg .u64 %p, .reg .u32 %x)
{
  st.global.u32 [%p], %x;
  ret;
}
.visible .entry k(.param .u64 out)
{
  .reg .u32 %i, %x;
  .reg .u64 %a;
  ld.param.u64 %a, [out];
  mov.u32 %i, %tid.x;
  mad.wide.u32 %a, %i, 4, %a;
  call store, (%a, %i);
  ld.global.u32 %x, [%a];
  add.u32 %x, %x, 1;
  st.global.u32 [%a], %x;
  ret;
}
)";

TEST(TracedCalls, AccessesBehindACallAreTheCallers) {
  auto parsed = ptx::parse(kTracedText);
  ASSERT_TRUE(parsed);
  const auto analysed = std::make_shared<const analysis::AnalysedModule>(ptx::to_ir(std::move(*parsed)));
  const auto module = CompiledModule::create(analysed, {});
  ASSERT_TRUE(module);
  std::vector<std::uint32_t> words(32);
  const std::uint32_t* address = words.data();
  std::vector<std::byte> parameters(sizeof address);
  std::memcpy(parameters.data(), &address, sizeof address);
  const auto ran = jit_test::run_grid({.module = module->get(),
                                       .function = 1,
                                       .grid = {1},
                                       .block = {32},
                                       .parameters = parameters,
                                       .build = Build::Traced});
  ASSERT_TRUE(ran) << ran.error().message;
  EXPECT_EQ(words[5], 6u);

  // The caller's parameter, the callee's store, then the caller's own, by where they stand.
  const analysis::AnalysedKernel& kernel = analysed->kernel(1);
  std::vector<std::uint32_t> expected{kernel.first_operation(1)};
  for (const ir::FunctionId id : {0u, 1u}) {
    const ir::Function& function = analysed->ir().functions[id];
    for (std::uint32_t i = 0; i < function.operations.size(); ++i) {
      const ir::Operation& operation = function.operations[i];
      if (!operation.accesses.empty() && operation.accesses[0].space == ir::Space::Global)
        expected.push_back(kernel.first_operation(id) + i);
    }
  }
  ASSERT_EQ(expected.size(), 4u);
  EXPECT_EQ(ran->traced_operations, expected);
}

}  // namespace
}  // namespace doppel::jit
