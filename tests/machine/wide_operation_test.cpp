// SPDX-License-Identifier: Apache-2.0
// What an operation of a tensor core needs goes through every list: no number of operands, floating-point
// operations or accesses is cut.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "ir/parse.h"
#include "machine/block_graph.h"
#include "machine/machine_lowering.h"

namespace doppel::machine {
namespace {

constexpr int kOperands = 20;

// A kernel of one block; the operations are put in by hand.
struct Scene {
  ir::Module module =
      ir::parse("module \"ir\" \"sm_86\" 64\nkernel \"k\" visible\nb0:\n  return\nend\n").value();
  ControlFlowGraph graph = ControlFlowGraph::build(module.functions[0]);
  RegisterRoles roles = RegisterRoles::build(module.functions[0], graph);
  OperationBuilder builder{module.functions[0], roles, {}};

  const ir::Operation& any() const { return module.functions[0].operations[0]; }
};

// Twenty values from memory, which one operation multiplies and adds.
MachineFunction multiply() {
  Scene scene;
  OperationBuilder& b = scene.builder;
  b.begin_block();
  std::vector<ValueId> operands;
  for (int i = 0; i < kOperands; ++i) {
    operands.push_back(b.new_value(1));
    b.add_access(b.emit(scene.any(), "LDS", Pipe::Memory, operands.back(), {}),
                 {MemorySpace::Shared, false, 4});
  }
  const ValueId sum = b.new_value(300);
  b.emit(scene.any(), "HMMA", Pipe::Fp16, sum, operands, 4096);
  MachineOperation& store = b.emit(scene.any(), "STS", Pipe::Memory, kNoValue, {sum});
  b.add_access(store, {MemorySpace::Shared, true, 1200});
  return b.take();
}

TEST(WideOperation, IsPrintedWhole) {
  const std::string text = to_string(multiply());
  EXPECT_NE(text.find("  HMMA v20 <- v0 v1 v2 v3 v4 v5 v6 v7 v8 v9 v10 v11 v12 v13 v14 v15 v16 v17 v18 v19 "
                      "flops 4096\n"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("  STS <- v20 to shared 1200\n"), std::string::npos) << text;
}

TEST(WideOperation, KeepsAllItsOperandsAlive) {
  const Scene scene;
  const MachineFunction machine = multiply();
  const MachineLiveness liveness = MachineLiveness::build(scene.graph, machine);
  const BlockGraph graph = BlockGraphBuilder(machine, liveness).build(0);
  BlockPressure pressure(graph);
  int most = 0;
  for (std::uint32_t i = 0; i < graph.nodes.size(); ++i) most = std::max(most, pressure.place(i));
  // All loaded, then a result as wide as no 8 bits count.
  EXPECT_EQ(graph.nodes[kOperands].predecessors, static_cast<std::uint32_t>(kOperands));
  EXPECT_EQ(most, 300);
}

TEST(WideOperation, OperandsThatAreReadBeforeTheyAreWrittenAreLiveAtTheStart) {
  Scene scene;
  OperationBuilder& b = scene.builder;
  b.begin_block();
  std::vector<ValueId> operands;
  for (int i = 0; i < kOperands; ++i) operands.push_back(b.new_value(1));
  b.emit(scene.any(), "HMMA", Pipe::Fp16, b.new_value(4), operands, 4096);
  const MachineFunction machine = b.take();
  EXPECT_EQ(MachineLiveness::build(scene.graph, machine).at_begin(0), operands);
}

// Global memory to shared memory behind the back of the registers.
TEST(WideOperation, HasTwoAccessesOfTheirOwnRank) {
  Scene scene;
  OperationBuilder& b = scene.builder;
  b.begin_block();
  const ValueId from = b.new_value(2), to = b.new_value(1);
  MachineOperation& copy = b.emit(scene.any(), "LDGSTS", Pipe::Memory, kNoValue, {from, to});
  b.add_access(copy, {MemorySpace::Global, false, 16});
  b.add_access(copy, {MemorySpace::Shared, true, 16});
  copy.asynchronous = Asynchronous::Joins;
  b.emit(scene.any(), "LDGDEPBAR", Pipe::Nop, kNoValue, {}).asynchronous = Asynchronous::Closes;
  MachineOperation& wait = b.emit(scene.any(), "DEPBAR", Pipe::Nop, kNoValue, {});
  wait.asynchronous = Asynchronous::Waits;
  wait.pending_groups = 2;
  EXPECT_EQ(b.block().accesses, 2u);
  MachineFunction machine = b.take();
  EXPECT_EQ(to_string(machine),
            "block 0:\n"
            "  LDGSTS <- v0 v1 from global 16 to shared 16 joins the open group\n"
            "  LDGDEPBAR <- closes the group\n"
            "  DEPBAR <- waits for all groups but 2\n");
  // It writes memory, and a wait keeps its place.
  eliminate_dead(machine);
  ASSERT_EQ(machine.blocks[0].operations.size(), 3u);
  EXPECT_EQ(machine.accesses(machine.blocks[0].operations[0])[1].rank, 1u);
  const MachineLiveness liveness = MachineLiveness::build(scene.graph, machine);
  const BlockGraph graph = BlockGraphBuilder(machine, liveness).build(0);
  EXPECT_EQ(graph.nodes[1].predecessors, 1u);
  EXPECT_EQ(graph.nodes[2].predecessors, 1u);
}

}  // namespace
}  // namespace doppel::machine
