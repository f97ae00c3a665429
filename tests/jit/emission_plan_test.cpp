// SPDX-License-Identifier: Apache-2.0
// How the code of a kernel is entered, and for which lanes it is made (src/jit/emission_plan.h).
#include "jit/emission_plan.h"

#include <gtest/gtest.h>

#include "analysis/analysed_module.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::jit {
namespace {

constexpr const char* kHead = R"(
.version 7.8
.target sm_86
.address_size 64
.func callee(.reg .u32 %x) { ret; }
.visible .entry k(.param .u64 out, .param .u32 count)
{
  .reg .pred %p;
  .reg .u32 %t, %n;
  .reg .u64 %a;
  .shared .u32 word;
  ld.param.u64 %a, [out];
  ld.param.u32 %n, [count];
  mov.u32 %t, %tid.x;
)";
constexpr const char* kTail = R"(
  st.global.u32 [%a], %t;
  ret;
}
)";

EmissionPlan plan(const std::string& body, const Variant& variant, ir::FunctionId function = 1) {
  auto parsed = ptx::parse(kHead + body + kTail);
  EXPECT_TRUE(parsed);
  const analysis::AnalysedModule module(ptx::to_ir(std::move(*parsed)));
  const analysis::AnalysedFunction analysed(module.ir().functions[function], module.graph(function),
                                            analysis::lane_basis(variant.shape, variant.full_warps));
  return plan_emission(analysed, variant);
}

constexpr Variant kFull{.shape = LaneShape::Linear, .full_warps = true};
constexpr Variant kSome{.shape = LaneShape::Linear, .full_warps = false};

constexpr const char* kGuard = "setp.ge.u32 %p, %t, %n; @%p exit;";
constexpr const char* kLoop = "LOOP: sub.u32 %n, %n, 1; setp.ne.u32 %p, %n, 0; @%p bra LOOP;";
constexpr const char* kBarrier = "bar.sync 0;";
constexpr const char* kSpin =
    "LOOP: atom.global.cas.b32 %n, [%a], 0, 1; setp.ne.u32 %p, %n, 0; @%p bra LOOP;";

TEST(EmissionPlan, ShortKernelsRunAllWarpsOfABlock) {
  EXPECT_EQ(plan("", kFull).entry, EntryShape::Block);
  EXPECT_EQ(plan(kGuard, kSome).entry, EntryShape::Block);
}

TEST(EmissionPlan, ALoopACallOrLocalMemoryMakesItAWarpACall) {
  EXPECT_EQ(plan(kLoop, kFull).entry, EntryShape::Warp);
  EXPECT_EQ(plan("call callee, (%t);", kFull).entry, EntryShape::Warp);
  EXPECT_EQ(plan(".local .u32 own; st.local.u32 [own], %t;", kFull).entry, EntryShape::Warp);
  EXPECT_EQ(plan("mov.u32 %t, %clock;", kFull).entry, EntryShape::Warp);
  std::string many;
  for (int i = 0; i < 300; ++i) many += "add.u32 %t, %t, %n;\n";
  EXPECT_EQ(plan(many, kFull).entry, EntryShape::Warp);
}

TEST(EmissionPlan, BarriersThatWaitMakeACoroutine) {
  EXPECT_EQ(plan(kBarrier, kFull).entry, EntryShape::Coroutine);
  EXPECT_EQ(plan(std::string(kLoop) + kBarrier, kSome).entry, EntryShape::Coroutine);
  EXPECT_EQ(plan("barrier.cta.arrive 0, 64;", kFull).entry, EntryShape::Warp);
}

TEST(EmissionPlan, OnlyPlainCodeLeavesItsFibre) {
  Variant traced = kFull;
  traced.build = Build::Traced;
  Variant checked = kFull;
  checked.build = Build::Checked;
  for (const char* body : {"", kBarrier}) {
    EXPECT_EQ(plan(body, traced).entry, EntryShape::Warp);
    EXPECT_EQ(plan(body, checked).entry, EntryShape::Warp);
  }
}

TEST(EmissionPlan, ScheduledLanesStayOnTheirFibre) {
  EXPECT_EQ(plan(kSpin, kFull).entry, EntryShape::Warp);
  EXPECT_EQ(plan(std::string(kSpin) + kBarrier, kFull).entry, EntryShape::Warp);
}

TEST(EmissionPlan, FunctionsAreCalledWithSomeLanes) {
  const EmissionPlan callee = plan("call callee, (%t);", kFull, 0);
  EXPECT_EQ(callee.entry, EntryShape::Call);
  EXPECT_EQ(callee.full, FullCode::None);
}

TEST(EmissionPlan, CodeForFullWarpsWhereAllLanesLeaveTogether) {
  EXPECT_EQ(plan("", kFull).full, FullCode::Only);
  EXPECT_EQ(plan(kLoop, kFull).full, FullCode::Only);
  EXPECT_EQ(plan("", kSome).full, FullCode::None);
  EXPECT_EQ(plan("call callee, (%t);", kFull).full, FullCode::None);  // a lane may exit inside
}

TEST(EmissionPlan, AGuardAtTheStartHasCodeForFullWarpsFirst) {
  EXPECT_EQ(plan(kGuard, kFull).full, FullCode::First);
  EXPECT_EQ(plan(kGuard, kSome).full, FullCode::None);
  EXPECT_EQ(plan(std::string(kGuard) + kBarrier, kFull).full, FullCode::None);  // not a loop over warps
}

TEST(EmissionPlan, KnowsRegistersOfOneBlock) {
  const EmissionPlan of = plan("@%p bra OVER; add.u32 %n, %n, 1; mov.u32 %t, %n; OVER:", kFull);
  // %p is read before it is written, %n in two blocks, %t and %a as well.
  EXPECT_EQ(of.of_block, std::vector<bool>(4, false));
  // In one block all but %a's address and what is stored know only that.
  const EmissionPlan straight = plan("add.u32 %n, %n, 1;", kFull);
  EXPECT_TRUE(straight.of_block[1]);
  EXPECT_TRUE(straight.of_block[2]);
}

TEST(EmissionPlan, LargeScheduledCodeKeepsRegistersInMemory) {
  EXPECT_FALSE(plan(kSpin, kFull).registers_in_memory);
  std::string many = ".reg .u32 %r<200>;\n";
  for (int i = 0; i < 200; ++i) {
    const std::string reg = "%r" + std::to_string(i);
    many += "add.u32 " + reg + ", %t, " + std::to_string(i) + ";\n";
    many += "setp.eq.u32 %p, %n, " + std::to_string(i) + ";\n@%p bra L" + std::to_string(i) + ";\n";
    many += "add.u32 %t, " + reg + ", %t;\nL" + std::to_string(i) + ":\n";
  }
  EXPECT_FALSE(plan(many, kFull).registers_in_memory);  // not scheduled
  EXPECT_TRUE(plan(kSpin + many, kFull).registers_in_memory);
}

}  // namespace
}  // namespace doppel::jit
