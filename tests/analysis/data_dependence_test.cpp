// SPDX-License-Identifier: Apache-2.0
#include "analysis/data_dependence.h"

#include <gtest/gtest.h>

#include <string>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::analysis {
namespace {

bool follow(const std::string& body) {
  const std::string text =
      ".version 8.0\n.target sm_86\n.address_size 64\n"
      ".visible .entry k(.param .u64 p, .param .u64 q, .param .u32 n)\n{\n"
      ".reg .pred %p<9>; .reg .b32 %r<40>; .reg .f32 %f<40>; .reg .b64 %rd<20>;\n"
      ".shared .align 4 .b8 tile[4096];\n"
      "ld.param.u64 %rd1, [p]; ld.param.u64 %rd2, [q]; ld.param.u32 %r1, [n]; mov.u32 %r2, %tid.x;\n" +
      body + "\nret;\n}\n";
  const auto module = ptx::parse(text);
  EXPECT_TRUE(module.has_value()) << (module ? "" : ptx::to_string(module.error().diagnostics.front()));
  if (!module) return false;
  const ir::Module lowered = ptx::to_ir(*module);
  return follows_data(lowered.functions[0], ControlFlowGraph::build(lowered.functions[0]));
}

TEST(DataDependence, ArgumentsAndThreadNumbersAreNoData) {
  EXPECT_FALSE(
      follow("mad.lo.s32 %r3, %r2, %r1, 5; mul.wide.u32 %rd3, %r3, 4; add.s64 %rd4, %rd1, %rd3;\n"
             "ld.global.f32 %f1, [%rd4]; st.global.f32 [%rd2], %f1;"));
}

TEST(DataDependence, AnIndexFromMemoryIs) {
  EXPECT_TRUE(
      follow("ld.global.u32 %r3, [%rd1]; mul.wide.u32 %rd3, %r3, 4; add.s64 %rd4, %rd2, %rd3;\n"
             "ld.global.f32 %f1, [%rd4]; st.global.f32 [%rd2], %f1;"));
  EXPECT_TRUE(follow("ld.global.u64 %rd3, [%rd1]; st.global.u32 [%rd3], %r1;"));
  EXPECT_TRUE(
      follow("atom.global.add.u32 %r3, [%rd1], 1; mul.wide.u32 %rd3, %r3, 4; add.s64 %rd4, %rd2, %rd3;\n"
             "st.global.u32 [%rd4], %r1;"));
}

TEST(DataDependence, SoIsOneThatWentThroughSharedMemoryOrALoop) {
  EXPECT_TRUE(
      follow("st.shared.u32 [tile], %r2; ld.shared.u32 %r3, [tile]; mul.wide.u32 %rd3, %r3, 4;\n"
             "add.s64 %rd4, %rd1, %rd3; ld.global.f32 %f1, [%rd4]; st.global.f32 [%rd2], %f1;"));
  EXPECT_TRUE(
      follow("mov.u64 %rd3, %rd1;\nagain:\nld.global.u32 %r4, [%rd3];\nld.global.u64 %rd5, [%rd2];\n"
             "mov.u64 %rd3, %rd5;\nsetp.ne.u32 %p1, %r4, 0;\n@%p1 bra again;"));
}

TEST(DataDependence, SoIsALoopThatDataEnds) {
  const std::string loop =
      "mov.u32 %r4, 0;\nagain:\nadd.u32 %r4, %r4, 1;\nsetp.lt.u32 %p1, %r4, %r3;\n@%p1 bra again;";
  EXPECT_TRUE(follow("ld.global.u32 %r3, [%rd1];\n" + loop));
  EXPECT_FALSE(follow("mov.u32 %r3, %r1;\n" + loop));
}

TEST(DataDependence, DataThatOnlyDecidesABranchIsLeftToTheCounts) {
  EXPECT_FALSE(
      follow("ld.global.u32 %r3, [%rd1]; setp.ne.u32 %p1, %r3, 0;\n@!%p1 bra done;\n"
             "st.global.u32 [%rd2], %r3;\ndone:"));
}

}  // namespace
}  // namespace doppel::analysis
