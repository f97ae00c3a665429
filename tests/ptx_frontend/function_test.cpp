// SPDX-License-Identifier: Apache-2.0
// Bodies: scopes, labels, operands, calls, and what the parser resolves on the way.
#include <algorithm>

#include "parse_helpers.h"

namespace doppel::ptx {
namespace {

using test::kernel_text;
using test::module_text;
using test::parse_badly;
using test::parse_one;
using test::parse_well;

TEST(Function, RegistersOfRangesAndScopes) {
  const Module module =
      parse_well(kernel_text("add.s32 %r1, %r2, 3; { .reg .b32 %r1; mov.b32 %r1, %r2; } mov.b32 %r1, %r2;"));
  const Function& k = module.functions[0];
  EXPECT_EQ(k.registers[k.instructions[0].operands[0].reg].name(), "%r1");
  EXPECT_NE(k.instructions[1].operands[0].reg, k.instructions[0].operands[0].reg);
  EXPECT_EQ(k.instructions[2].operands[0].reg, k.instructions[0].operands[0].reg);
}

TEST(Function, LabelsAreLocalToTheirScope) {
  const Module module = parse_well(kernel_text("{ WAIT: bra WAIT; } { WAIT: bra.uni WAIT; bra END; } END: "));
  const Function& k = module.functions[0];
  ASSERT_EQ(k.labels.size(), 3U);
  EXPECT_EQ(k.labels[k.instructions[0].operands[0].label], 0U);
  EXPECT_EQ(k.labels[k.instructions[1].operands[0].label], 1U);
  EXPECT_TRUE(k.instructions[1].modifiers.uniform);
  EXPECT_EQ(k.labels[k.instructions[2].operands[0].label], 3U);
}

TEST(Function, BranchTables) {
  const Module module =
      parse_well(kernel_text("ts: .branchtargets A, B, A; brx.idx %r1, ts; A: mov.b32 %r1, %r2; B:"));
  const Instruction& brx = module.functions[0].instructions[0];
  EXPECT_EQ(brx.opcode, Opcode::BrxIdx);
  ASSERT_EQ(brx.branch_targets.size(), 3U);
  EXPECT_EQ(brx.branch_targets[0], brx.branch_targets[2]);
}

TEST(Function, Guards) {
  const Instruction i = parse_one("@!%p3 add.f32 %f1, %f2, 0f3F800000;");
  ASSERT_TRUE(i.guard.has_value());
  EXPECT_TRUE(i.guard->negated);
  EXPECT_EQ(i.operands[2].immediate, 0x3f800000U);
}

TEST(Function, Addresses) {
  Instruction i = parse_one("ld.global.u32 %r1, [%rd1+-8];");
  EXPECT_EQ(i.operands[1].kind, Operand::Kind::Address);
  EXPECT_EQ(i.operands[1].address_base, Operand::AddressBase::Register);
  EXPECT_EQ(i.operands[1].offset, -8);
  i = parse_one("ld.param.u32 %r1, [q+4*2];");
  EXPECT_EQ(i.operands[1].address_base, Operand::AddressBase::Symbol);
  EXPECT_EQ(i.operands[1].symbol.scope, SymbolRef::Scope::Parameter);
  EXPECT_EQ(i.operands[1].symbol.index, 1U);
  EXPECT_EQ(i.operands[1].offset, 8);
  i = parse_one("ld.global.u32 %r1, [4096];");
  EXPECT_EQ(i.operands[1].address_base, Operand::AddressBase::None);
  EXPECT_EQ(i.operands[1].offset, 4096);
}

TEST(Function, VectorsAndSinks) {
  Instruction i = parse_one("ld.global.v4.f32 {%f1, _, %f3, %f4}, [%rd1];");
  EXPECT_EQ(i.modifiers.vector, 4);
  ASSERT_EQ(i.operands[0].elements.size(), 4U);
  EXPECT_EQ(i.operands[0].elements[1].kind, Operand::Kind::Sink);
  i = parse_one("st.shared.v2.b32 [%r1+16], {%f1, 7};");
  EXPECT_EQ(i.operands[1].elements[1].immediate, 7U);
}

TEST(Function, MovesPackAndUnpack) {
  Instruction i = parse_one("mov.b64 %rd1, {%r1, %f2};");
  EXPECT_EQ(i.operands[1].kind, Operand::Kind::Vector);
  i = parse_one("mov.b32 {%h1, _}, %r1;");
  EXPECT_EQ(i.operands[0].elements[1].kind, Operand::Kind::Sink);
  parse_badly(kernel_text("mov.b64 %rd1, {%r1, %h2};"));
}

TEST(Function, MovesOfSpecialRegistersAndSymbols) {
  Instruction i = parse_one("mov.u32 %r1, %ctaid.y;");
  EXPECT_EQ(i.operands[1].kind, Operand::Kind::Special);
  EXPECT_EQ(i.operands[1].special, SpecialRegister::Ctaid);
  EXPECT_EQ(i.operands[1].component, 1);
  i = parse_one("mov.u32 %r1, %envreg7;");
  EXPECT_EQ(i.operands[1].component, 7);
  i = parse_one("mov.u32 %r1, WARP_SZ;");
  EXPECT_EQ(i.operands[1].immediate, 32U);
  const Module module =
      parse_well(module_text(".global .b8 g[8]; .func f { ret; }\n.entry k { .reg .b64 %a<4>; mov.u64 %a1, "
                             "g+4; mov.u64 %a2, f; cvta.global.u64 %a3, g; ret; }"));
  const auto& code = module.functions[1].instructions;
  EXPECT_EQ(code[0].operands[1].kind, Operand::Kind::Symbol);
  EXPECT_EQ(code[0].operands[1].offset, 4);
  EXPECT_EQ(code[1].operands[1].kind, Operand::Kind::Function);
  EXPECT_EQ(code[2].operands[1].kind, Operand::Kind::Symbol);
}

TEST(Function, SpecialRegisterInCvtIsMovedFirst) {
  const Module module = parse_well(kernel_text("L: cvt.u64.u32 %rd1, %tid.x; bra L;"));
  const Function& k = module.functions[0];
  ASSERT_EQ(k.instructions.size(), 4U);
  EXPECT_EQ(k.instructions[0].opcode, Opcode::Mov);
  EXPECT_EQ(k.instructions[1].operands[1].reg, k.instructions[0].operands[0].reg);
  EXPECT_EQ(k.labels[k.instructions[2].operands[0].label], 0U);
}

TEST(Function, SecondDestinations) {
  Instruction i = parse_one("setp.lt.and.s32 %p1|%p2, %r1, %r2, !%p3;");
  ASSERT_TRUE(i.second_destination.has_value());
  EXPECT_EQ(i.operands.size(), 4U);
  EXPECT_TRUE(i.operands[3].negated);
  i = parse_one("shfl.sync.down.b32 %f1|%p1, %f2, 1, 31, -1;");
  EXPECT_TRUE(i.second_destination.has_value());
  i = parse_one("shfl.sync.down.b32 %r1|_, %r2, 1, 31, -1;");
  EXPECT_FALSE(i.second_destination.has_value());
}

TEST(Function, BarrierForms) {
  Instruction i = parse_one("bar.sync 0;");
  EXPECT_EQ(i.opcode, Opcode::Bar);
  EXPECT_TRUE(i.modifiers.aligned);
  EXPECT_EQ(i.operands.size(), 1U);
  i = parse_one("barrier.cta.sync.aligned 1, 64;");
  EXPECT_EQ(i.opcode, Opcode::Bar);
  EXPECT_TRUE(i.modifiers.aligned);
  EXPECT_EQ(i.operands.size(), 2U);
  i = parse_one("bar.red.popc.u32 %r1, 0, %p1;");
  EXPECT_EQ(i.operands.size(), 3U);
  i = parse_one("bar.red.or.pred %p2, 0, 64, !%p1;");
  EXPECT_EQ(i.operands.size(), 4U);
  EXPECT_EQ(i.modifiers.barrier, BarrierMode::RedOr);
}

TEST(Function, CacheHintsAreDropped) {
  const Instruction i =
      parse_one("ld.global.L1::evict_last.L2::cache_hint.L2::128B.v2.u32 {%r1, %r2}, [%rd1], %rd2;");
  EXPECT_EQ(i.operands.size(), 2U);
  EXPECT_EQ(parse_one("ld.global.nc.f32 %f1, [%rd1].unified;").modifiers.cache_op, CacheOp::Nc);
}

TEST(Function, Calls) {
  const Module module =
      parse_well(module_text(".func (.param .b32 r) f (.param .b32 a, .param .align 8 .b8 b[16]) { ret; }\n"
                             ".func (.reg .b32 r) g (.reg .b32 a) { add.s32 r, a, 1; ret; }\n"
                             ".entry k { .reg .b32 %r<4>; .reg .b64 %rd<4>;\n"
                             "{ .param .b32 a; .param .align 8 .b8 b[16]; .param .b32 c; st.param.b32 [a], "
                             "%r1; call.uni (c), f, (a, b); ld.param.b32 %r2, [c]; }\n"
                             "call (%r1), g, (5);\n"
                             "{ .param .b32 a; proto: .callprototype (.param .b32 _) _ (.param .b32 _); call "
                             "(a), %rd1, (a), proto; }\n"
                             "ret; }"));
  const Function& k = module.functions[2];
  const Call& direct = *k.instructions[1].call;
  EXPECT_EQ(direct.callee, FunctionId{0});
  EXPECT_EQ(direct.arguments.size(), 2U);
  EXPECT_EQ(direct.arguments[1].symbol.scope, SymbolRef::Scope::Function);
  const Call& by_register = *k.instructions[3].call;
  EXPECT_EQ(by_register.arguments[0].immediate, 5U);
  const Call& indirect = *k.instructions[4].call;
  EXPECT_FALSE(indirect.callee.has_value());
  EXPECT_EQ(indirect.prototype, 0U);
  const Function& g = module.functions[1];
  EXPECT_EQ(g.parameter_registers.size(), 1U);
  EXPECT_EQ(g.instructions[0].operands[1].reg, g.parameter_registers[0]);
}

TEST(Function, CallErrors) {
  const std::string head =
      ".func (.param .b32 r) f (.param .b32 a) { ret; }\n.entry k { .reg .b64 %rd<2>; .param .b32 x; .param "
      ".b64 y; ";
  for (const char* call : {"call f, (x);", "call (x), f;", "call (x), f, (y);", "call (x), f, (x, x);",
                           "call (x), g, (x);", "call (x), %rd1, (x);", "call k;", "call (x), f, (z);"}) {
    EXPECT_EQ(parse_badly(module_text(head + call + " ret; }")).kind, Diagnostic::Kind::Malformed) << call;
  }
}

TEST(Function, MadOfFloatsIsFma) {
  const Instruction i = parse_one("mad.rn.ftz.f32 %f1, %f2, %f3, %f4;");
  EXPECT_EQ(i.opcode, Opcode::Fma);
  EXPECT_TRUE(i.modifiers.ftz);
  EXPECT_EQ(i.form, "mad.rn.ftz.f32");
}

// What hangs on the lane alone stands before the first instruction, once; labels and branches follow.
TEST(Function, LanesOfWmmaAreComputedAtTheEntry) {
  const Module module = parse_well(kernel_text(
      "A: wmma.load.c.sync.aligned.row.m8n8k32.s32 {%r1, %r2}, [%rd1], 8;\n"
      "@%p1 bra B; wmma.store.d.sync.aligned.row.m8n8k32.s32 [%rd1], {%r1, %r2}, 8; bra A; B: ret;"));
  const ptx::Function& f = module.functions[0];
  const auto is_lane = [](const Instruction& i) {
    return i.opcode == Opcode::Mov && i.operands[1].kind == Operand::Kind::Special;
  };
  EXPECT_TRUE(is_lane(f.instructions.front()));
  EXPECT_EQ(std::ranges::count_if(f.instructions, is_lane), 1);
  for (const Instruction& i : f.instructions) {
    if (i.opcode != Opcode::Bra) continue;
    const std::uint32_t target = f.labels[i.operands[0].label];
    const bool forward = i.guard.has_value();
    EXPECT_EQ(f.instructions[target].opcode, forward ? Opcode::Ret : Opcode::Mad) << target;
  }
}

}  // namespace
}  // namespace doppel::ptx
