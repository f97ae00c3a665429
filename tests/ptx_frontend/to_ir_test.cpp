// SPDX-License-Identifier: Apache-2.0
// PTX in the IR: every module that the tests have is valid there, and its text is read back as the same.
#include "frontend/ptx/to_ir.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "ir/parse.h"
#include "ir/print.h"
#include "ir/verify.h"
#include "parse_helpers.h"

namespace doppel::ptx::test {
namespace {

// The operations of the kernel around `body`, without the `ret`.
std::string lowered(const std::string& body, const std::string& target = "sm_86",
                    const std::string& version = "8.5") {
  const ir::Module module = to_ir(parse_well(kernel_text(body, target, version)));
  EXPECT_EQ(ir::verify(module), "");
  std::string text;
  const ir::Function& kernel = module.functions.at(0);
  for (std::size_t i = 0; i + 1 < kernel.operations.size(); ++i)
    text += ir::print(module, kernel, kernel.operations[i]) + "\n";
  return text;
}

void expect_round_trip(const ir::Module& module, const std::string& name) {
  EXPECT_EQ(ir::verify(module), "") << name;
  const std::string text = ir::print(module);
  const auto again = ir::parse(text);
  ASSERT_TRUE(again) << name << ": " << again.error().message << "\n" << text;
  EXPECT_EQ(ir::print(*again, {.origins = false}), ir::print(module, {.origins = false})) << name;
}

TEST(ToIr, EveryTestModuleIsValidAndReadBack) {
  std::size_t count = 0;
  for (const auto& file :
       std::filesystem::directory_iterator(std::string(DOPPEL_SOURCE_DIR) + "/tests/ptx")) {
    if (file.path().extension() != ".ptx") continue;
    auto usable = parse_usable(read_file(file.path()));
    ASSERT_TRUE(usable) << file.path();
    expect_round_trip(to_ir(std::move(usable->module)), file.path().filename());
    ++count;
  }
  EXPECT_GT(count, 900u);
}

TEST(ToIr, ADeclarationNeedsNoRegistersForItsParameters) {
  expect_round_trip(to_ir(parse_well(".version 8.0\n.target sm_86\n.address_size 64\n"
                                     ".extern .func (.param .b32 r) f(.param .b64 a, .reg .u32 b);\n"
                                     ".visible .entry k() { ret; }\n")),
                    "an extern function");
}

TEST(ToIr, TheTypeTellsWholeNumbersFromFloats) {
  EXPECT_EQ(lowered("add.s32 %r0, %r1, 5;\nadd.rz.ftz.f32 %f0, %f1, 0f3F800000;"),
            "%32:32 = iadd.s32 %33, 5\n%80:32 = fadd.rz.ftz.f32 %81, 0x3f800000\n");
  EXPECT_EQ(lowered("cvt.rni.s32.f32 %r0, %f1;\ncvt.rn.f32.s32 %f0, %r1;"),
            "%32:32 = ftoi.rni.s32.f32 %81\n%80:32 = itof.rn.f32.s32 %33\n");
  EXPECT_EQ(lowered("div.full.f32 %f0, %f1, %f2;\ndiv.rn.f32 %f0, %f1, %f2;"),
            "%80:32 = fdiv_approx.full.f32 %81, %82\n%80:32 = fdiv.rn.f32 %81, %82\n");
}

TEST(ToIr, TheCarryFlagIsARegister) {
  EXPECT_EQ(lowered("add.cc.u32 %r0, %r1, %r2;\naddc.cc.u32 %r3, %r1, %r2;\naddc.u32 %r4, %r1, %r2;"),
            "%32:32, %128:1 = iadd_carry.u32 %33, %34, 0\n"
            "%35:32, %128:1 = iadd_carry.u32 %33, %34, %128\n"
            "%36:32, _ = iadd_carry.u32 %33, %34, %128\n");
  EXPECT_EQ(lowered("sub.cc.u32 %r0, %r1, %r2;\nmadc.hi.u32 %r3, %r1, %r2, %r4;"),
            "%32:32, %128:1 = isub_carry.u32 %33, %34, 1\n"
            "%35:32, _ = imad_carry.hi.u32 %33, %34, %36, %128\n");
}

TEST(ToIr, AccessesSayAllOfTheirForm) {
  EXPECT_EQ(lowered("ld.global.nc.v2.f32 {%f0, _}, [%rd1+8];"),
            "%80:32, _ = load.f32 [global f32 x2 %57 + 8, nc]\n");
  EXPECT_EQ(lowered("ld.acquire.gpu.global.u32 %r0, [%rd1];"),
            "%32:32 = load.u32 [global u32 %57, acquire, gpu]\n");
  EXPECT_EQ(lowered("st.shared.b16 [%r1], %h2;"), "store.b16 %10 [shared b16 %33]\n");
  EXPECT_EQ(lowered("atom.global.cas.b32 %r0, [%rd1], %r2, 7;"),
            "%32:32 = atomic.cas.b32 %34, 7 [global b32 %57]\n");
  EXPECT_EQ(lowered("red.shared.add.u32 [%r1], 1;"), "reduce.add.u32 1 [shared u32 %33]\n");
  EXPECT_EQ(lowered("ld.param.u64 %rd0, [q+8];"), "%56:64 = load.u64 [param u64 parameter#1 + 8]\n");
  EXPECT_EQ(lowered("prefetch.global.L2 [%rd1];"), "prefetch [global b8 %57]\n");
}

TEST(ToIr, VectorsOfMovArePartsOfAValue) {
  EXPECT_EQ(lowered("mov.b64 %rd0, {%r1, %r2};\nmov.b64 {%r3, _}, %rd0;"),
            "%56:64 = pack.b64 %33, %34\n%35:32, _ = unpack.b64 %56\n");
}

TEST(ToIr, WarpAndBlockOperations) {
  EXPECT_EQ(lowered("shfl.sync.bfly.b32 %r0|%p0, %r1, 1, 31, -1;"),
            "%32:32, %0:1 = shuffle.bfly.b32 %33, 1, 31, -1\n");
  EXPECT_EQ(lowered("vote.sync.ballot.b32 %r0, !%p1, -1;"), "%32:32 = vote.ballot.b32 !%1, -1\n");
  EXPECT_EQ(lowered("bar.sync 0;\nbar.arrive 1, 64;\nbar.red.popc.u32 %r0, 0, %p1;"),
            "barrier 0\nbarrier_arrive 1, 64\n%32:32 = barrier_reduce.popc.u32 0, %1\n");
  EXPECT_EQ(lowered("elect.sync %r0|%p0, -1;", "sm_90", "8.5"), "%32:32, %0:1 = elect -1\n");
  EXPECT_EQ(lowered("movmatrix.sync.aligned.m8n8.trans.b16 %r0, %r1;", "sm_86", "7.8"),
            "%32:32 = matrix_transpose %33, -1\n");
}

TEST(ToIr, BranchesNameBlocks) {
  const ir::Module module =
      to_ir(parse_well(kernel_text("setp.lt.s32 %p0, %r0, 5;\n@%p0 bra L;\nadd.s32 %r0, %r0, 1;\nL:")));
  const ir::Function& kernel = module.functions.at(0);
  ASSERT_EQ(kernel.blocks.size(), 3u);
  EXPECT_EQ(ir::print(module, kernel, kernel.operations[1]), "@%0 branch -> b2");
  EXPECT_EQ(kernel.blocks[2].first, 3u);
}

TEST(ToIr, OriginsAreTheInstructions) {
  const ir::Module module = to_ir(parse_well(kernel_text("add.s32 %r0, %r1, 5;")));
  const ir::Operation& add = module.functions.at(0).operations.at(0);
  EXPECT_EQ(module.functions.at(0).form_of(add), "add.s32");
  EXPECT_EQ(add.origin.index, 0u);
  EXPECT_GT(add.origin.text.line, 3u);
}

}  // namespace
}  // namespace doppel::ptx::test
