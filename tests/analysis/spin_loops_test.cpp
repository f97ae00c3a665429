// SPDX-License-Identifier: Apache-2.0
#include "analysis/spin_loops.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "analysis/analysed_module.h"
#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::analysis {
namespace {

std::unique_ptr<AnalysedModule> analysed(const std::string& body) {
  const std::string text =
      ".version 8.0\n.target sm_86\n.address_size 64\n"
      ".visible .entry k(.param .u64 p, .param .u64 q, .param .u32 n)\n{\n"
      ".reg .pred %p<9>; .reg .b32 %r<40>; .reg .f32 %f<40>; .reg .b64 %rd<20>;\n"
      "ld.param.u64 %rd1, [p]; ld.param.u64 %rd2, [q]; ld.param.u32 %r1, [n]; mov.u32 %r2, %tid.x;\n" +
      body + "\nret;\n}\n";
  const auto module = ptx::parse(text);
  EXPECT_TRUE(module.has_value()) << (module ? "" : ptx::to_string(module.error().diagnostics.front()));
  if (!module) return nullptr;
  return std::make_unique<AnalysedModule>(ptx::to_ir(*module));
}

std::size_t spins(const std::string& body) {
  const auto module = analysed(body);
  return module != nullptr ? module->kernel(0).spin_loops.size() : 0;
}

TEST(SpinLoops, APollOfAFlagIsOne) {
  EXPECT_EQ(spins("again: ld.acquire.gpu.u32 %r3, [%rd1]; setp.eq.u32 %p1, %r3, 0; @%p1 bra again;"), 1u);
  EXPECT_EQ(spins("again: ld.volatile.global.u32 %r3, [%rd1]; xor.b32 %r4, %r3, %r2;\n"
                  "setp.gt.s32 %p1, %r4, -1; @%p1 bra again;"),
            1u);
}

TEST(SpinLoops, SoIsOneThatTestsTheValueOfTheRoundBefore) {
  EXPECT_EQ(spins("ld.volatile.global.u32 %r3, [%rd1];\nagain: setp.ne.u32 %p1, %r3, 0; @%p1 bra done;\n"
                  "ld.volatile.global.u32 %r3, [%rd1]; bra again;\ndone:"),
            1u);
}

TEST(SpinLoops, SoIsALockAndAPollBeforeIt) {
  EXPECT_EQ(spins("again: atom.global.cas.b32 %r3, [%rd1], 0, 1; setp.ne.u32 %p1, %r3, 0; @%p1 bra again;"),
            1u);
  EXPECT_EQ(spins("again: atom.global.exch.b32 %r3, [%rd1], 1; setp.eq.u32 %p1, %r3, 0; @%p1 bra done;\n"
                  "look: ld.volatile.global.u32 %r4, [%rd1]; setp.ne.u32 %p2, %r4, 0; @%p2 bra look;\n"
                  "bra again;\ndone:"),
            1u);
}

TEST(SpinLoops, SleepsThatGrowChangeNothing) {
  EXPECT_EQ(spins("mov.u32 %r5, 8;\nagain: ld.acquire.gpu.u32 %r3, [%rd1]; setp.ne.u32 %p1, %r3, 0;\n"
                  "@%p1 bra done;\nnanosleep.u32 %r5; shl.b32 %r5, %r5, 1; bra again;\ndone:"),
            1u);
}

TEST(SpinLoops, ALoopThatCountsIsNone) {
  const std::string counts =
      "mov.u32 %r5, 0;\nagain: ld.acquire.gpu.u32 %r3, [%rd1]; add.u32 %r5, %r5, 1;\n"
      "setp.eq.u32 %p1, %r3, 0; ";
  EXPECT_EQ(spins(counts + "setp.lt.and.u32 %p2, %r5, %r1, %p1; @%p2 bra again;"), 0u);  // ends by it
  EXPECT_EQ(spins(counts + "@%p1 bra again;\nst.global.u32 [%rd2], %r5;"), 0u);          // tells of it
  EXPECT_EQ(spins(counts + "@%p1 bra again;"), 1u);                                      // nobody asks
}

TEST(SpinLoops, ASearchIsNone) {
  EXPECT_EQ(spins("again: ld.volatile.global.u32 %r3, [%rd1]; add.s64 %rd1, %rd1, 4;\n"
                  "setp.eq.u32 %p1, %r3, 0; @%p1 bra again;"),
            0u);
  EXPECT_EQ(spins("again: ld.volatile.global.u64 %rd1, [%rd1]; setp.ne.s64 %p1, %rd1, 0; @%p1 bra again;"),
            0u);
}

TEST(SpinLoops, NorIsOneThatTakesWork) {
  EXPECT_EQ(spins("again: atom.global.add.u32 %r3, [%rd1], 1; setp.lt.u32 %p1, %r3, %r1; @%p1 bra again;"),
            0u);
}

TEST(SpinLoops, NorOneThatStoresOrReadsTheClockOrMeetsABarrier) {
  const auto with = [](const std::string& what) {
    return spins("again: ld.acquire.gpu.u32 %r3, [%rd1]; " + what +
                 " setp.eq.u32 %p1, %r3, 0; @%p1 bra again;");
  };
  EXPECT_EQ(with("st.global.u32 [%rd2], %r2;"), 0u);
  EXPECT_EQ(with("red.global.add.u32 [%rd2], 1;"), 0u);
  EXPECT_EQ(with("mov.u32 %r4, %clock;"), 0u);
  EXPECT_EQ(with("bar.sync 0;"), 0u);
  EXPECT_EQ(with("fence.acq_rel.gpu; nanosleep.u32 100;"), 1u);
}

TEST(SpinLoops, ALoopOfTheProgramIsNone) {
  EXPECT_EQ(spins("mov.u32 %r4, 0;\nagain: ld.global.u32 %r3, [%rd1]; add.u32 %r4, %r4, 1;\n"
                  "setp.lt.u32 %p1, %r4, %r1; @%p1 bra again;"),
            0u);
  // A sum is added until the old value is still there: each round adds its own.
  EXPECT_EQ(spins("ld.global.u32 %r3, [%rd1];\nagain: add.u32 %r4, %r3, %r2; mov.u32 %r5, %r3;\n"
                  "atom.global.cas.b32 %r3, [%rd1], %r5, %r4; setp.ne.u32 %p1, %r3, %r5; @%p1 bra again;"),
            0u);
}

constexpr const char* kWaits =
    "setp.ne.u32 %p2, %r2, 0; @%p2 bra done;\n"
    "atom.global.add.u32 %r4, [%rd1], 1;\n"
    "again: ld.acquire.gpu.u32 %r3, [%rd1]; setp.eq.u32 %p1, %r3, %r4; @%p1 bra again;\ndone:";

TEST(SpinLoops, FailedPollsAreNotCounted) {
  const auto module = analysed(kWaits);
  const AnalysedKernel& kernel = module->kernel(0);
  ASSERT_EQ(kernel.spin_loops.size(), 1u);
  const SpinLoop& loop = kernel.spin_loops[0];
  std::vector<BlockCount> counts(kernel.counter_slots, BlockCount{50, 1600});
  counts[loop.before] = {50, 50};
  counts[loop.header] = {12345, 12345};
  std::vector<BlockCount> without = counts;
  count_without_polls(kernel, {}, without);
  EXPECT_EQ(without[loop.header], (BlockCount{50, 50}));
  // Two rounds of the traced blocks found something for some of their lanes.
  BlockTrace trace;
  trace.warps.resize(1);
  const auto enter = [&](BlockId block, std::uint32_t mask) {
    TraceEvent event;
    event.id = block;
    event.mask = mask;
    trace.warps[0].events.push_back(event);
  };
  enter(loop.before, 0xf);
  enter(loop.header, 0xf);
  enter(loop.header, 0x3);
  without = counts;
  counts[loop.before] = without[loop.before] = {50, 200};
  count_without_polls(kernel, {&trace, 1}, without);
  EXPECT_EQ(without[loop.header], (BlockCount{100, 300}));
  EXPECT_EQ(without[loop.last + 1], counts[loop.last + 1]);
}

}  // namespace
}  // namespace doppel::analysis
