// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "frontend/ptx/parse.h"
#include "frontend/ptx/to_ir.h"
#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

MachineProgram lower(const std::string& body, std::uint32_t most_registers) {
  const std::string text =
      ".version 8.0\n.target sm_86\n.address_size 64\n.visible .entry k(.param .u64 p, .param .u32 n)\n{\n"
      ".reg .pred %p<9>; .reg .b32 %r<9>; .reg .f32 %f<400>; .reg .b64 %rd<9>; .reg .f64 %fd<200>;\n" +
      body + "\nret;\n}\n";
  const auto module = ptx::parse(text);
  EXPECT_TRUE(module.has_value()) << (module ? "" : ptx::to_string(module.error().diagnostics.front()));
  if (!module) return {};
  LoweringOptions options;
  options.most_registers = most_registers;
  return lower_to_machine(analysis::AnalysedModule(ptx::to_ir(*module)), 0, options);
}

// `count` sums of what was loaded, all wanted at the end, each of which needs the one before it: no order
// keeps few of them alive.
std::string many_live(int count, const std::string& between = "") {
  std::string body = "ld.param.u64 %rd1, [p]; ld.param.u32 %r1, [n]; ld.global.f32 %f0, [%rd1];\n";
  const auto f = [](int i) { return "%f" + std::to_string(i); };
  for (int i = 1; i < count; ++i)
    body += "fma.rn.f32 " + f(i) + ", " + f(i - 1) + ", " + f(i - 1) + ", 0f3F800000;\n";
  body += between;
  body += "mov.f32 %f399, " + f(count - 1) + ";\n";
  for (int i = 0; i < count; ++i) body += "fma.rn.f32 %f399, %f399, " + f(i) + ", " + f(i) + ";\n";
  return body + "st.global.f32 [%rd1], %f399;";
}

bool spills(const MachineOperation& operation) { return operation.spill_word != kNoSpill; }

long spills_of(const MachineBlock& block) { return std::ranges::count_if(block.operations, spills); }

TEST(Spill, WhatFitsStaysInRegisters) {
  const MachineProgram program = lower(many_live(40), 64);
  EXPECT_EQ(program.spill_words, 0u);
  EXPECT_EQ(spills_of(program.functions[0].blocks[0]), 0);
  EXPECT_GT(program.functions[0].registers, 40u);
}

TEST(Spill, NoKernelTakesMoreThanIsAllowed) {
  for (std::uint32_t most : {16u, 32u, 64u, 128u, 255u}) {
    const MachineProgram program = lower(many_live(300), most);
    EXPECT_LE(program.functions[0].registers, most);
    EXPECT_GT(program.functions[0].registers + 8, most);
    // What is not in a register is in the frame.
    EXPECT_GE(program.spill_words + most, 300u);
    EXPECT_LE(program.spill_words, 300u);
  }
}

TEST(Spill, EachLoadFindsWhatWasStoredForIt) {
  const MachineProgram program = lower(many_live(300), 32);
  std::map<ValueId, int> version;
  std::map<std::uint32_t, std::pair<ValueId, int>> frame;
  int loads = 0;
  const MachineFunction& machine = program.functions[0];
  for (const MachineOperation& operation : machine.blocks[0].operations) {
    if (!spills(operation)) {
      for (const ValueId value : machine.results(operation)) ++version[value];
      continue;
    }
    const MachineAccess& access = machine.accesses(operation)[0];
    EXPECT_EQ(access.space, MemorySpace::Local);
    EXPECT_EQ(access.bytes_per_lane, 4);
    EXPECT_LT(operation.spill_word, program.spill_words);
    if (access.is_store) {
      const ValueId value = machine.operands(operation)[0];
      frame[operation.spill_word] = {value, version[value]};
    } else {
      const ValueId value = machine.results(operation)[0];
      EXPECT_EQ(frame[operation.spill_word], (std::pair{value, version[value]}));
      ++loads;
    }
  }
  EXPECT_GE(loads, 250);
}

TEST(Spill, TheValueThatIsUsedLastLeavesItsRegister) {
  const MachineProgram program = lower(many_live(30), 32);
  // The last ones of 30 are the first that are added up never again: those made first are read next.
  const MachineFunction& machine = program.functions[0];
  ASSERT_GT(spills_of(program.functions[0].blocks[0]), 0);
  std::set<ValueId> stored;
  for (const MachineOperation& operation : machine.blocks[0].operations) {
    if (!spills(operation)) continue;
    // Each leaves once and comes back once.
    EXPECT_TRUE(machine.accesses(operation)[0].is_store ? stored.insert(machine.operands(operation)[0]).second
                                                        : stored.contains(machine.results(operation)[0]));
  }
}

TEST(Spill, DoublesTakeTwoWords) {
  std::string body = "ld.param.u64 %rd1, [p]; ld.global.f64 %fd0, [%rd1];\n";
  const auto fd = [](int i) { return "%fd" + std::to_string(i); };
  for (int i = 1; i < 100; ++i) body += "add.f64 " + fd(i) + ", " + fd(i - 1) + ", " + fd(i - 1) + ";\n";
  for (int i = 0; i < 100; ++i)
    body += "add.f64 %fd150, " + fd(i) + ", " + (i == 0 ? fd(99) : "%fd150") + ";\n";
  const MachineProgram program = lower(body + "st.global.f64 [%rd1], %fd150;", 64);
  EXPECT_LE(program.functions[0].registers, 64u);
  EXPECT_GE(program.spill_words, 200u - 64);
  for (const MachineOperation& operation : program.functions[0].blocks[0].operations) {
    if (!spills(operation)) continue;
    EXPECT_EQ(program.functions[0].accesses(operation)[0].bytes_per_lane, 8);
    EXPECT_EQ(operation.spill_word % 2, 0);
  }
}

TEST(Spill, ALoopThatDoesNotTouchAValueDoesNotPayForIt) {
  const std::string loop =
      "mov.u32 %r2, 0;\nagain:\nld.global.f32 %f390, [%rd1+4]; add.f32 %f391, %f390, %f390; st.global.f32 "
      "[%rd1+4], %f391;\nadd.s32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, %r1;\n@%p1 bra again;\n";
  const MachineProgram program = lower(many_live(100, loop), 48);
  const MachineFunction& function = program.functions[0];
  ASSERT_EQ(function.blocks.size(), 3u);
  EXPECT_LE(function.registers, 48u);
  EXPECT_GT(spills_of(function.blocks[0]), 40);
  EXPECT_EQ(spills_of(function.blocks[1]), 0);
  EXPECT_GT(spills_of(function.blocks[2]), 40);
}

TEST(Spill, ALoopThatNeedsMoreSpillsWithinItself) {
  // Four values live through a loop whose body needs more than there is.
  std::string body = "mov.u32 %r2, 0;\nagain:\n" + many_live(60) +
                     "\nadd.s32 %r2, %r2, 1; setp.lt.u32 %p1, %r2, %r1;\n@%p1 bra again;\n";
  const MachineProgram program = lower(body, 32);
  const MachineFunction& function = program.functions[0];
  EXPECT_LE(function.registers, 32u);
  EXPECT_GT(spills_of(function.blocks[1]), 50);
  // The jump stays the last.
  EXPECT_TRUE(function.blocks[1].operations.back().is_branch);
}

}  // namespace
}  // namespace doppel::machine
