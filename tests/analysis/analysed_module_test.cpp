// SPDX-License-Identifier: Apache-2.0
#include "analysis/analysed_module.h"

#include <gtest/gtest.h>

#include <string>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::analysis {
namespace {

ir::Module module_of(const std::string& body) {
  const std::string text =
      ".version 8.0\n.target sm_86\n.address_size 64\n"
      ".func helper() { ret; }\n.func unused() { ret; }\n"
      ".visible .entry k(.param .u64 p)\n{\n"
      ".reg .pred %p<4>; .reg .b32 %r<8>; .reg .b64 %rd<4>; .shared .align 16 .b8 tile[48];\n"
      "ld.param.u64 %rd1, [p];\n" +
      body + "\nret;\n}\n";
  auto module = ptx::parse(text);
  EXPECT_TRUE(module.has_value()) << (module ? "" : ptx::to_string(module.error().diagnostics.front()));
  return ptx::to_ir(std::move(*module));
}

bool waits(const std::string& body) { return AnalysedModule(module_of(body)).kernel(2).may_wait_for_others; }

TEST(AnalysedModule, AKernelIsMadeOnceWithWhatItReaches) {
  const AnalysedModule module(module_of("st.shared.u32 [tile], 1; call helper; bar.sync 0;"));
  const AnalysedKernel& kernel = module.kernel(2);
  EXPECT_EQ(&kernel, &module.kernel(2));
  EXPECT_EQ(&module.graph(2), &module.graph(2));
  EXPECT_EQ(kernel.functions, (std::vector<ir::FunctionId>{0, 2}));
  EXPECT_EQ(kernel.shared.static_bytes, 48u);
  EXPECT_EQ(kernel.operations, 1u + 5u);
  EXPECT_TRUE(kernel.has_loops);  // it calls
  EXPECT_FALSE(kernel.reads_clock);
}

TEST(AnalysedModule, WhatBreaksTheRulesIsFoundInBuildsThatLook) {
#if !defined(NDEBUG) || defined(DOPPEL_VERIFY_IR)
  ir::Module module = module_of("mov.u32 %r1, 1;");
  module.functions.back().operations[0].results.clear();
  EXPECT_DEATH(AnalysedModule(std::move(module)), "ir: function 'k', operation 0 .*0 values");
#else
  GTEST_SKIP() << "neither a debug build nor one with DOPPEL_VERIFY_IR";
#endif
}

TEST(AnalysedModule, CountersHaveAPlaceForEachBlockThatCanRun) {
  const AnalysedModule module(module_of("bra done;\ndead: trap;\ndone: mov.u32 %r1, 1;"));
  const AnalysedKernel& kernel = module.kernel(2);
  ASSERT_EQ(kernel.first_slots.size(), kernel.functions.size());
  for (std::size_t i = 0; i < kernel.functions.size(); ++i) {
    EXPECT_EQ(kernel.first_slot(kernel.functions[i]), kernel.first_slots[i]);
    const bool is_last = i + 1 == kernel.functions.size();
    const std::uint32_t end = is_last ? kernel.counter_slots : kernel.first_slots[i + 1];
    EXPECT_LE(module.graph(kernel.functions[i]).blocks().size(), end - kernel.first_slots[i]);
  }
}

// Each body is that of another module, and is taken from there when it is asked for.
class LateBodies final : public ir::BodySource {
 public:
  explicit LateBodies(ir::Module whole) : whole_(std::move(whole)) {}

  ir::Module heads() const {
    ir::Module module = whole_;
    for (ir::Function& each : module.functions) {
      each.operations.clear();
      each.blocks.clear();
    }
    return module;
  }
  void read(ir::FunctionId id, ir::Function& into) override {
    read_.push_back(id);
    into = whole_.functions[id];
  }
  const std::vector<ir::FunctionId>& read_ones() const { return read_; }

 private:
  ir::Module whole_;
  std::vector<ir::FunctionId> read_;
};

TEST(AnalysedModule, BodiesAreReadOnceOfWhatAKernelReaches) {
  const auto bodies = std::make_shared<LateBodies>(module_of("call helper;"));
  const AnalysedModule module(bodies->heads(), bodies);
  EXPECT_TRUE(bodies->read_ones().empty());
  EXPECT_EQ(module.kernel(2).functions, (std::vector<ir::FunctionId>{0, 2}));
  EXPECT_EQ(bodies->read_ones(), (std::vector<ir::FunctionId>{2, 0}));
  EXPECT_EQ(module.graph(0).blocks().size(), 1u);
  EXPECT_EQ(bodies->read_ones().size(), 2u);
  module.read_all_bodies();
  EXPECT_EQ(bodies->read_ones().size(), 3u);
}

TEST(AnalysedModule, AnyBodyMaySayWhatACallOfAnythingReaches) {
  const auto bodies =
      std::make_shared<LateBodies>(module_of("mov.u64 %rd2, unused; p: .callprototype _ (); call %rd2, p;"));
  const AnalysedModule module(bodies->heads(), bodies);
  EXPECT_EQ(module.kernel(2).functions, (std::vector<ir::FunctionId>{1, 2}));
  EXPECT_EQ(bodies->read_ones().size(), 3u);
}

TEST(AnalysedModule, ALoopThatEndsByWhatAnotherThreadWritesWaits) {
  EXPECT_TRUE(waits("again: ld.volatile.global.u32 %r1, [%rd1]; setp.eq.u32 %p1, %r1, 0; @%p1 bra again;"));
  EXPECT_TRUE(
      waits("again: atom.global.cas.b32 %r1, [%rd1], 0, 1; and.b32 %r2, %r1, 3; setp.ne.u32 %p1, %r2, 0;\n"
            "@%p1 bra again;"));
}

TEST(AnalysedModule, OthersDoNot) {
  EXPECT_FALSE(waits("atom.global.add.u32 %r1, [%rd1], 1; setp.ne.u32 %p1, %r1, 0; @%p1 trap;"));
  EXPECT_FALSE(
      waits("mov.u32 %r1, 0; again: red.global.add.u32 [%rd1], 1; add.u32 %r1, %r1, 1;\n"
            "setp.lt.u32 %p1, %r1, 9; @%p1 bra again;"));
  EXPECT_FALSE(waits("again: ld.global.u32 %r1, [%rd1]; setp.eq.u32 %p1, %r1, 0; @%p1 bra again;"));
}

}  // namespace
}  // namespace doppel::analysis
