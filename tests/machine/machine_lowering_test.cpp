// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_lowering.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"

namespace doppel::machine {
namespace {

// A kernel `k` of one pointer parameter p and one number n with this body.
MachineFunction lower(const std::string& body, const LoweringOptions& options = {},
                      const std::string& head = ".version 8.0\n.target sm_86") {
  const std::string text =
      head +
      "\n.address_size 64\n.visible .entry k(.param .u64 p, .param .u32 n)\n{\n"
      ".reg .pred %p<9>; .reg .b32 %r<40>; .reg .f32 %f<6000>; .reg .b64 %rd<20>; .reg .f64 %fd<9>;\n"
      ".shared .align 4 .b8 tile[8192];\n" +
      body + "\nret;\n}\n";
  const auto module = ptx::parse(text);
  EXPECT_TRUE(module.has_value()) << (module ? "" : ptx::to_string(module.error().diagnostics.front()));
  if (!module) return {};
  return lower_to_machine(analysis::AnalysedModule(ptx::to_ir(*module)), 0, options).functions[0];
}

std::vector<std::string> mnemonics(const MachineFunction& machine) {
  std::vector<std::string> result;
  for (const MachineBlock& block : machine.blocks) {
    for (const MachineOperation& operation : block.operations) result.emplace_back(operation.mnemonic);
  }
  return result;
}

long count(const MachineFunction& machine, const std::string& mnemonic) {
  return std::ranges::count(mnemonics(machine), mnemonic);
}

TEST(MachineLowering, AnIndexedAccessNeedsOneWideMultiplyAdd) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; cvta.to.global.u64 %rd2, %rd1; mov.u32 %r1, %tid.x; mul.wide.u32 %rd3, %r1, "
      "4;\n"
      "add.s64 %rd4, %rd2, %rd3; ld.global.f32 %f1, [%rd4]; add.f32 %f2, %f1, %f1; st.global.f32 [%rd4], "
      "%f2;");
  EXPECT_EQ(mnemonics(machine), (std::vector<std::string>{"S2R", "IMAD.WIDE", "LDG", "FADD", "STG", "EXIT"}));
}

// As the vendor's assembler (13.0, sm_120a): F2FP for any pair, two instructions for .f32x2, one for mixed
// precision.
TEST(MachineLowering, ConversionsAndSumsOfTheLaterCard) {
  const auto lowered = [](const std::string& line) {
    const MachineFunction machine = lower(
        "ld.param.u64 %rd1, [p]; .reg .b16 %h<9>;\nld.global.b16 %h1, [%rd1]; ld.global.f32 %f1, [%rd1+4]; "
        "ld.global.b64 %rd3, [%rd1+8];\n" +
            line +
            "\nst.global.f32 [%rd1], %f9; st.global.b32 [%rd1+8], %r9; st.global.b64 [%rd1+16], %rd9; "
            "st.global.b16 [%rd1+24], %h8;",
        {}, ".version 8.8\n.target sm_120a");
    std::vector<std::string> names = mnemonics(machine);
    std::erase_if(names, [](const std::string& each) {
      return each[0] == 'L' || each.starts_with("ST") || each == "EXIT";
    });
    return names;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(lowered("cvt.rn.satfinite.e4m3x2.f32 %h8, %f1, %f1;"), Names{"F2FP"});
  EXPECT_EQ(lowered("cvt.rn.f16x2.f32 %r9, %f1, %f1;"), Names{"F2FP"});
  EXPECT_EQ(lowered("cvt.rn.f16x2.e4m3x2 %r9, %h1;"), Names{"F2FP"});
  EXPECT_EQ(lowered("cvt.rp.f16.f32 %h8, %f1;"), Names{"F2F"});
  EXPECT_EQ(lowered("add.rn.f32x2 %rd9, %rd3, %rd3;"), (Names{"FADD", "FADD"}));
  EXPECT_EQ(lowered("add.f32.f16 %f9, %h1, %f1;"), Names{"FADD"});
  EXPECT_EQ(lowered("fma.rn.f32.bf16 %f9, %h1, %h1, %f1;"), Names{"FFMA"});
  EXPECT_EQ(lowered("cvt.f32.f16 %f9, %h1;"), Names{"HADD2.F32"});
  EXPECT_EQ(lowered("atom.global.add.v4.f32 {%f9, %f8, %f7, %f6}, [%rd1], {%f1, %f1, %f1, %f1};"),
            Names{"ATOMG"});
  EXPECT_EQ(lowered("atom.global.add.v2.f32 _, [%rd1], {%f1, %f1};").size(), 1U);
}

// As the vendor's assembler (13.0): a load for each register of A and B and each pair of C.
TEST(MachineLowering, WmmaIsTwoProductsWithTheirLoadsAndStores) {
  const std::string a = "{%r0, %r1, %r2, %r3, %r4, %r5, %r6, %r7}",
                    b = "{%r8, %r9, %r10, %r11, %r12, %r13, %r14, %r15}",
                    c = "{%f0, %f1, %f2, %f3, %f4, %f5, %f6, %f7}";
  const auto text = [&](const std::string& space, const std::string& at) {
    return "ld.param.u64 %rd1, [p]; ld.param.u32 %r20, [n];\n"
           "wmma.load.a.sync.aligned.row.m16n16k16" +
           space + ".f16 " + a + ", [" + at + "], %r20;\nwmma.load.b.sync.aligned.col.m16n16k16" + space +
           ".f16 " + b + ", [" + at + "+512], %r20;\nwmma.load.c.sync.aligned.row.m16n16k16" + space +
           ".f32 " + c + ", [" + at +
           "+1024], %r20;\n"
           "wmma.mma.sync.aligned.row.col.m16n16k16.f32.f32 " +
           c + ", " + a + ", " + b + ", " + c + ";\nwmma.store.d.sync.aligned.row.m16n16k16" + space +
           ".f32 [" + at + "+2048], " + c + ", %r20;";
  };
  const MachineFunction in_global = lower(text(".global", "%rd1"));
  EXPECT_EQ(count(in_global, "LDG"), 12);
  EXPECT_EQ(count(in_global, "HMMA"), 2);
  EXPECT_EQ(count(in_global, "S2R"), 1);
  EXPECT_EQ(count(in_global, "STG"), 4);
  const MachineFunction in_shared = lower(text(".shared", "tile"));
  EXPECT_EQ(count(in_shared, "LDSM"), 2);
  EXPECT_EQ(count(in_shared, "LDS"), 4);
  EXPECT_EQ(count(in_shared, "HMMA"), 2);
  EXPECT_EQ(count(in_shared, "STS"), 4);
}

TEST(MachineLowering, AMatrixOfSharedMemoryIsOneAccessOf16BytesALane) {
  const MachineFunction machine = lower(
      "mov.u64 %rd1, tile; ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%r1, %r2, %r3, %r4}, [%rd1];\n"
      "ld.param.u64 %rd2, [p]; st.global.v4.b32 [%rd2], {%r1, %r2, %r3, %r4};");
  for (const MachineOperation& operation : machine.blocks[0].operations) {
    if (std::string(operation.mnemonic) != "LDSM") continue;
    EXPECT_EQ(operation.results.count, 1);  // of four registers
    ASSERT_EQ(operation.accesses.count, 1);
    EXPECT_EQ(machine.accesses(operation)[0].space, MemorySpace::Shared);
    EXPECT_EQ(machine.accesses(operation)[0].bytes_per_lane, 16);
  }
  EXPECT_EQ(count(machine, "LDSM"), 1);
}

TEST(MachineLowering, AFetchIsOneOperationOfTheTextureUnits) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; tex.2d.v4.f32.f32 {%f1, %f2, %f3, %f4}, [%rd1, {%f5, %f6}];\n"
      "tex.1d.v4.u32.s32 {%r1, %r2, %r3, %r4}, [%rd1, {%r5}];\n"
      "suld.b.2d.b32.trap %r6, [%rd1, {%r1, %r2}]; sust.b.2d.b32.trap [%rd1, {%r3, %r4}], %r6;");
  EXPECT_EQ(count(machine, "TEX"), 0);  // nobody reads it
  EXPECT_EQ(count(machine, "TLD"), 1);
  EXPECT_EQ(count(machine, "SULD"), 1);
  EXPECT_EQ(count(machine, "SUST"), 1);
  for (const MachineOperation& operation : machine.blocks[0].operations) {
    if (operation.pipe != Pipe::Texture) continue;
    EXPECT_EQ(operation.accesses.count, 1) << operation.mnemonic;
    EXPECT_EQ(machine.accesses(operation)[0].is_store, std::string(operation.mnemonic) == "SUST");
  }
}

TEST(MachineLowering, ConstantsAndParametersCostNothing) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; cvta.to.global.u64 %rd2, %rd1; ld.param.u32 %r1, [n]; mov.u32 %r2, 7; add.s32 "
      "%r3, %r1, %r2;\n"
      "st.global.u32 [%rd2], %r3;");
  EXPECT_EQ(mnemonics(machine), (std::vector<std::string>{"IADD3", "STG", "EXIT"}));
}

TEST(MachineLowering, WideAddsTakeTwoOperationsUnlessTheCardHasThem) {
  const std::string body =
      "ld.param.u64 %rd1, [p]; ld.global.u64 %rd2, [%rd1]; ld.global.u64 %rd3, [%rd1+8]; add.s64 %rd4, %rd2, "
      "%rd3;\n"
      "st.global.u64 [%rd1], %rd4;";
  EXPECT_EQ(count(lower(body), "IADD3.X"), 1);
  LoweringOptions wide;
  wide.wide_integer_add = true;
  EXPECT_EQ(count(lower(body, wide), "IADD3.X"), 0);
}

// The one product of a kernel.
MachineOperation product(const std::string& line) {
  const MachineFunction machine =
      lower("ld.param.u64 %rd1, [p]; ld.global.f32 %f1, [%rd1]; ld.global.b32 %r1, [%rd1];\n" + line +
                "\nst.global.f32 [%rd1], %f2; st.global.f32 [%rd1], %f5;",
            {}, ".version 8.7\n.target sm_120a");
  for (const MachineBlock& block : machine.blocks) {
    for (const MachineOperation& operation : block.operations) {
      if (is_tensor(operation.pipe)) return operation;
    }
  }
  ADD_FAILURE() << "no product: " << line;
  return {};
}

TEST(MachineLowering, ProductsOfMatricesTakeTheirPipeByTheirLength) {
  const std::string d = "{%f2, %f3, %f4, %f5}", c = "{%f1, %f1, %f1, %f1}", two = "{%r1, %r1}",
                    four = "{%r1, %r1, %r1, %r1}";
  const MachineOperation sparse = product("mma.sp.sync.aligned.m16n8k32.row.col.f32.f16.f16.f32 " + d + ", " +
                                          four + ", " + four + ", " + c + ", %r1, 0;");
  EXPECT_EQ(sparse.pipe, Pipe::TensorF16ToF32);
  EXPECT_TRUE(sparse.is_sparse);
  EXPECT_EQ(sparse.passes, 4);
  EXPECT_EQ(sparse.flops, 2 * 16 * 8 * 32 / 32);
  const std::string factors = ", %r1, {0, 0}, %r1, {0, 0};";
  const MachineOperation fp4 =
      product("mma.sync.aligned.m16n8k64.row.col.kind::mxf4.block_scale.f32.e2m1.e2m1.f32.ue8m0 " + d + ", " +
              four + ", " + two + ", " + c + factors);
  EXPECT_EQ(fp4.pipe, Pipe::TensorScaledFp4);
  EXPECT_FALSE(fp4.is_sparse);
  EXPECT_EQ(fp4.passes, 2);
  const MachineOperation fp8 =
      product("mma.sync.aligned.m16n8k32.row.col.kind::mxf8f6f4.block_scale.f32.e4m3.e2m1.f32.ue8m0 " + d +
              ", " + four + ", " + two + ", " + c + factors);
  EXPECT_EQ(fp8.pipe, Pipe::TensorFp8);
  EXPECT_EQ(fp8.passes, 2);
}

TEST(MachineLowering, FloatingPointOperationsAreCountedByType) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; ld.global.f32 %f1, [%rd1]; ld.global.f64 %fd1, [%rd1]; ld.global.b32 %r1, "
      "[%rd1];\n"
      "fma.rn.f32 %f2, %f1, %f1, %f1; fma.rn.f64 %fd2, %fd1, %fd1, %fd1; fma.rn.f16x2 %r2, %r1, %r1, %r1;\n"
      "fma.rn.bf16x2 %r3, %r1, %r1, %r1; st.global.b32 [%rd1+20], %r3;\n"
      "st.global.f32 [%rd1], %f2; st.global.f64 [%rd1+8], %fd2; st.global.b32 [%rd1+16], %r2;");
  EXPECT_EQ(machine.blocks[0].flops, 2u + 2u + 4u + 4u);
  EXPECT_EQ(machine.blocks[0].fp16_flops, 4u + 4u);
  EXPECT_EQ(machine.blocks[0].fp64_flops, 2u);
}

TEST(MachineLowering, NeighbouringSharedLoadsBecomeOneWideLoad) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 4; mov.u32 %r3, tile; add.s32 %r4, "
      "%r3, %r2;\n"
      "ld.shared.f32 %f1, [%r4]; ld.shared.f32 %f2, [%r4+4]; ld.shared.f32 %f3, [%r4+8]; ld.shared.f32 %f4, "
      "[%r4+12];\n"
      "add.f32 %f5, %f1, %f2; add.f32 %f6, %f3, %f4; add.f32 %f7, %f5, %f6; st.global.f32 [%rd1], %f7;");
  EXPECT_EQ(count(machine, "LDS"), 1);
  EXPECT_EQ(machine.blocks[0].accesses, 5u);
}

TEST(MachineLowering, UnalignedSharedLoadsStayApart) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 2; mov.u32 %r3, tile; add.s32 %r4, "
      "%r3, %r2;\n"
      "ld.shared.f32 %f1, [%r4]; ld.shared.f32 %f2, [%r4+4]; add.f32 %f5, %f1, %f2; st.global.f32 [%rd1], "
      "%f5;");
  EXPECT_EQ(count(machine, "LDS"), 2);
}

TEST(MachineLowering, AShortBlockRunsUnderItsPredicate) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; mov.u32 %r2, 0; setp.gt.u32 %p1, %r1, 3;\n"
      "@%p1 bra skip;\nadd.s32 %r2, %r1, 1;\nskip:\nst.global.u32 [%rd1], %r2;");
  EXPECT_EQ(count(machine, "BRA"), 0);
  EXPECT_EQ(count(machine, "BSSY"), 0);
  EXPECT_EQ(machine.blocks[0].merged, (std::vector<BlockId>{1, 2}));
}

TEST(MachineLowering, LanesThatPartMeetAgain) {
  std::string long_block;
  for (int i = 0; i < 12; ++i) long_block += "mad.lo.s32 %r2, %r2, %r1, 3;\n";
  const std::string tail = "skip:\nst.global.u32 [%rd1], %r2;";
  const MachineFunction varying = lower(
      "ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; mov.u32 %r2, 0; setp.gt.u32 %p1, %r1, 3;\n@%p1 bra "
      "skip;\n" +
      long_block + tail);
  EXPECT_EQ(count(varying, "BSSY"), 1);
  EXPECT_EQ(count(varying, "BSYNC"), 1);
  const MachineFunction uniform = lower(
      "ld.param.u64 %rd1, [p]; ld.param.u32 %r1, [n]; mov.u32 %r2, 0; setp.gt.u32 %p1, %r1, 3;\n@%p1 bra "
      "skip;\n" +
      long_block + tail);
  EXPECT_EQ(count(uniform, "BSSY"), 0);
  EXPECT_EQ(count(uniform, "BRA"), 1);
}

TEST(MachineLowering, LoadsGoAheadOfTheArithmeticThatNeedsThem) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; ld.global.f32 %f1, [%rd1]; add.f32 %f2, %f1, %f1; ld.global.f32 %f3, "
      "[%rd1+4]; add.f32 %f4, %f3, %f2;\n"
      "st.global.f32 [%rd1], %f4;");
  EXPECT_EQ(mnemonics(machine), (std::vector<std::string>{"LDG", "LDG", "FADD", "FADD", "STG", "EXIT"}));
}

TEST(MachineLowering, DivisionIsALongSequence) {
  const MachineFunction machine = lower(
      "ld.param.u64 %rd1, [p]; ld.global.s32 %r1, [%rd1]; ld.global.s32 %r2, [%rd1+4]; div.s32 %r3, %r1, "
      "%r2; st.global.s32 [%rd1], %r3;");
  EXPECT_EQ(count(machine, "MUFU"), 1);
  // 25 of the assembler's own, with two loads, a store and the exit.
  EXPECT_NEAR(static_cast<double>(mnemonics(machine).size()), 29, 4);
}

TEST(MachineLowering, RegistersFollowWhatIsLive) {
  std::string body = "ld.param.u64 %rd1, [p];\n";
  for (int i = 0; i < 39; ++i)
    body += "ld.global.f32 %f" + std::to_string(i) + ", [%rd1+" + std::to_string(4 * i) + "];\n";
  for (int i = 1; i < 39; ++i) body += "add.f32 %f0, %f0, %f" + std::to_string(i) + ";\n";
  body += "st.global.f32 [%rd1], %f0;";
  // Not one for each load: where registers run high, arithmetic that frees some goes first.
  EXPECT_GE(lower(body).registers, 16u);
  EXPECT_LE(lower(body).registers, 45u);
  EXPECT_LE(lower("ld.param.u64 %rd1, [p]; st.global.u32 [%rd1], 1;").registers, 10u);
}

// The one atomic of a kernel.
struct Atomic {
  bool combines = false;
  bool is_store = false;
};
Atomic atomic_of(const std::string& operation, const std::string& after = "") {
  const MachineFunction machine = lower("ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x;\n" + operation + after);
  for (const MachineBlock& block : machine.blocks) {
    for (const MachineOperation& each : block.operations) {
      if (each.is_atomic) return {each.combines, machine.accesses(each)[0].is_store};
    }
  }
  ADD_FAILURE() << operation;
  return {};
}

TEST(MachineLowering, AnOldValueThatNobodyReadsIsNotWaitedFor) {
  EXPECT_TRUE(atomic_of("atom.global.add.u32 %r2, [%rd1], %r1;").is_store);
  EXPECT_FALSE(atomic_of("atom.global.add.u32 %r2, [%rd1], %r1;", "st.global.u32 [%rd1+4], %r2;").is_store);
  EXPECT_TRUE(atomic_of("red.global.add.u32 [%rd1], %r1;").is_store);
}

TEST(MachineLowering, AWarpCombinesWhatHasNoOrder) {
  for (const char* operation : {"add.u32", "min.s32", "max.u32", "and.b32", "or.b32", "xor.b32", "add.u64"}) {
    const bool wide = std::string(operation).find("64") != std::string::npos;
    EXPECT_TRUE(
        atomic_of(std::string("red.global.") + operation + " [%rd1], " + (wide ? "%rd1;" : "%r1;")).combines)
        << operation;
  }
  EXPECT_FALSE(atomic_of("atom.global.exch.b32 %r2, [%rd1], %r1;").combines);
  EXPECT_FALSE(atomic_of("atom.global.cas.b32 %r2, [%rd1], %r1, %r1;").combines);
  EXPECT_FALSE(atomic_of("red.global.inc.u32 [%rd1], %r1;").combines);
  EXPECT_FALSE(atomic_of("red.global.add.f32 [%rd1], %f1;").combines);
  // Where each lane wants its old value, they are one after the other.
  EXPECT_FALSE(atomic_of("atom.global.add.u32 %r2, [%rd1], %r1;", "st.global.u32 [%rd1+4], %r2;").combines);
  EXPECT_TRUE(atomic_of("red.shared.add.u32 [tile], 1;").combines);
  EXPECT_FALSE(atomic_of("red.shared.add.u32 [tile], %r1;").combines);
}

// `taps` by `taps` multiply-adds for each of `outputs` neighbouring rows, unrolled; a word that several of
// them need is loaded where the first one does.
std::string unrolled_filter(int taps, int outputs) {
  std::string body =
      "ld.param.u64 %rd1, [p]; mov.u32 %r1, %tid.x; shl.b32 %r2, %r1, 2; mov.u32 %r3, tile; add.s32 %r4, "
      "%r3, %r2;\n";
  int next = 0;
  std::map<std::pair<int, int>, std::string> loaded;
  std::vector<std::string> sums(static_cast<std::size_t>(outputs), "0f00000000");
  const auto name = [&] { return "%f" + std::to_string(next++); };
  for (int i = 0; i < taps; ++i) {
    for (int j = 0; j < taps; ++j) {
      for (int y = 0; y < outputs; ++y) {
        std::string& value = loaded[{y + i, j}];
        if (value.empty()) {
          value = name();
          body += "ld.shared.f32 " + value + ", [%r4+" + std::to_string((y + i) * 256 + 4 * j) + "];\n";
        }
        std::string& sum = sums[static_cast<std::size_t>(y)];
        const std::string result = name();
        body += "fma.rn.f32 " + result + ", " + value + ", 0f3F8" + std::to_string(i % 10) + "00" +
                std::to_string(j % 10) + "0, " + sum + ";\n";
        sum = result;
      }
    }
  }
  for (int y = 0; y < outputs; ++y)
    body +=
        "st.global.f32 [%rd1+" + std::to_string(4 * y) + "], " + sums[static_cast<std::size_t>(y)] + ";\n";
  return body;
}

TEST(MachineLowering, UnrolledCodeUsesUpWhatItLoads) {
  // What the vendor's assembler (13.0, sm_86) takes: 38, 39, 32 and 34. In the order of the program a word
  // lives until its last row has come: over 100.
  EXPECT_NEAR(lower(unrolled_filter(15, 4)).registers, 38, 4);
  EXPECT_NEAR(lower(unrolled_filter(15, 8)).registers, 39, 4);
  EXPECT_NEAR(lower(unrolled_filter(11, 2)).registers, 32, 8);
  EXPECT_NEAR(lower(unrolled_filter(7, 3)).registers, 34, 6);
}

TEST(MachineLowering, TheAssemblerOrders4096OperationsAtATime) {
  // 4,069 operations: 40 registers in the assembler too. 4,551: values that the first 4,096 load wait for the
  // rest (72 in the assembler; its order keeps fewer of them).
  EXPECT_NEAR(lower(unrolled_filter(15, 16)).registers, 40, 4);
  EXPECT_GT(lower(unrolled_filter(15, 18)).registers, 64u);
  // Where little is live between the parts, nothing is lost.
  std::string chain = "ld.param.u64 %rd1, [p]; ld.global.f32 %f0, [%rd1];\n";
  for (int i = 0; i < 6000; ++i) chain += "fma.rn.f32 %f0, %f0, %f0, 0f3F800000;\n";
  EXPECT_LE(lower(chain + "st.global.f32 [%rd1], %f0;").registers, 16u);
}

TEST(MachineLowering, LoadsOfUnrolledCodeRunAhead) {
  // A load waits some 30 cycles: so many operations, nearly, lie between it and its use.
  const MachineFunction machine = lower(unrolled_filter(15, 1));
  long distance = 0, loads = 0;
  std::map<ValueId, long> from;
  const auto& operations = machine.blocks[0].operations;
  for (long i = 0; i < static_cast<long>(operations.size()); ++i) {
    const MachineOperation& operation = operations[static_cast<std::size_t>(i)];
    for (const ValueId id : machine.operands(operation)) {
      if (!from.contains(id)) continue;
      distance += i - from[id];
      ++loads;
      from.erase(id);
    }
    if (operation.pipe == Pipe::Memory && !machine.accesses(operation)[0].is_store)
      from[machine.results(operation)[0]] = i;
  }
  ASSERT_EQ(loads, 225);
  EXPECT_GE(distance / loads, 8);
}

}  // namespace
}  // namespace doppel::machine
