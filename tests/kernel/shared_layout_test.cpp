#include "kernel/shared_layout.h"

#include <gtest/gtest.h>

namespace doppel::kernel {
namespace {

ptx::Variable shared(std::uint64_t size, std::uint32_t alignment) {
  ptx::Variable variable;
  variable.space = ptx::Space::Shared;
  variable.size = size;
  variable.alignment = alignment;
  return variable;
}

ptx::Instruction naming(std::uint32_t module_variable) {
  ptx::Instruction instruction;
  ptx::Operand operand;
  operand.kind = ptx::Operand::Kind::Symbol;
  operand.symbol = {ptx::SymbolRef::Scope::Module, module_variable};
  instruction.operands.push_back(operand);
  return instruction;
}

ptx::Instruction calling(std::uint32_t function) {
  ptx::Instruction instruction;
  instruction.opcode = ptx::Opcode::Call;
  ptx::Call call;
  call.callee = function;
  instruction.call = std::make_shared<ptx::Call>(call);
  return instruction;
}

TEST(SharedLayout, PlacesWhatTheKernelReaches) {
  ptx::Module module;
  module.variables = {shared(3, 1), shared(8, 8), shared(100, 4), shared(0, 16)};
  module.functions.resize(3);
  module.functions[0].instructions = {naming(0), calling(1)};
  module.functions[1].instructions = {naming(1), naming(3)};
  module.functions[1].variables = {shared(4, 4)};
  module.functions[2].instructions = {naming(2)};

  EXPECT_EQ(reachable_functions(module, 0), (std::vector<std::uint32_t>{0, 1}));
  const SharedLayout layout = shared_layout(module, 0);
  EXPECT_EQ(layout.module_offsets[0], 0u);
  EXPECT_EQ(layout.module_offsets[1], 8u);
  EXPECT_EQ(layout.module_offsets[2], SharedLayout::kUnused);
  EXPECT_EQ((layout.function_offsets.at({1, 0})), 16u);
  EXPECT_EQ(layout.dynamic_offset, 32u);
  EXPECT_EQ(layout.module_offsets[3], 32u);
  EXPECT_EQ(layout.static_bytes, 32u);

  EXPECT_EQ(shared_layout(module, 2).static_bytes, 100u);
}

}  // namespace
}  // namespace doppel::kernel
