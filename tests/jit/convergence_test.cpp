// SPDX-License-Identifier: Apache-2.0
// Kernels that say themselves where their lanes meet do so in every build; what cannot run so is refused by
// name.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "ir/parse.h"
#include "jit/compiled_module.h"
#include "jit/every_build.h"

namespace doppel::jit {
namespace {

// Each lane looks for tid mod 8 among 0 to 4. Those that find it leave barrier 0; the others meet there, and
// add 100 and 10 for each that is there. All meet at barrier 1, and add 1000 where all 32 are there.
constexpr const char* kSearch = R"(module "ir" "sm_86" 64
kernel "k" visible
parameter "p" param u64 align 8 size 8 internal
b0:
  %0:64 = load.u64 [param u64 parameter#0]
  %1:32 = mov.u32 %tid.x
  %2:64 = imad.wide.u32 %1, 4, %0
  %3:32 = and.b32 %1, 7
  %4:32 = mov.u32 0
  converge_set 1
  converge_set 0
b1:
  %5:1 = icmp.eq.s32 %4, %3
  @%5 converge_break 0
  @%5 branch -> b4
b2:
  %4:32 = iadd.s32 %4, 1
  yield
  %6:1 = icmp.lt.s32 %4, 5
  @%6 branch -> b1
b3:
  converge_wait 0
  %7:32 = active_mask
  %8:32 = popc.b32 %7
  %9:32 = imad.lo.s32 %8, 10, 100
  %4:32 = iadd.s32 %4, %9
b4:
  converge_wait 1
  %10:32 = active_mask
  %11:1 = icmp.eq.s32 %10, -1
  @%11 %4:32 = iadd.s32 %4, 1000
  store.u32 %4 [global u32 %2]
  return
end
)";

TEST(Convergence, LanesMeetWhereTheKernelSays) {
  auto module = ir::parse(kSearch);
  ASSERT_TRUE(module) << module.error().message;
  std::vector<std::uint32_t> expected;
  for (std::uint32_t lane = 0; lane < 32; ++lane) {
    const std::uint32_t wanted = lane % 8;
    // Three of eight do not find it: 12 of the warp.
    expected.push_back((wanted < 5 ? wanted : 5 + 100 + 12 * 10) + 1000);
  }
  jit_test::expect_in_every_build(std::move(*module), 32, expected);
}

std::string error_of(const std::string& text) {
  auto module = ir::parse(text);
  if (!module) return module.error().message;
  const auto compiled =
      CompiledModule::create(std::make_shared<const analysis::AnalysedModule>(std::move(*module)), {});
  if (!compiled) return compiled.error().message;
  const auto code = (*compiled)->kernel(0, {});
  return code ? "" : code.error().message;
}

TEST(Convergence, WhatTheOrderOfBlocksDoesNotKeepIsRefused) {
  // Without leaving the barrier, those that found it are waited for where they never come.
  std::string text = kSearch;
  const std::string leaving = "  @%5 converge_break 0\n";
  text.erase(text.find(leaving), leaving.size());
  EXPECT_EQ(
      error_of(text),
      "in kernel 'k', line 21: converge_wait: not supported (lanes that it waits for may be elsewhere)");
}

TEST(AsynchronousAccess, IsRefused) {
  EXPECT_EQ(error_of("module \"ir\" \"sm_86\" 64\nkernel \"k\" visible\nb0:\n  %0:64 = mov.u64 0\n"
                     "  store.u32 7 [global u32 %0, async group]\n  return\nend\n"),
            "in kernel 'k', line 5: store: not supported (an asynchronous access)");
}

}  // namespace
}  // namespace doppel::jit
