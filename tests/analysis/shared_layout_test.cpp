// SPDX-License-Identifier: Apache-2.0
#include "analysis/shared_layout.h"

#include <gtest/gtest.h>

namespace doppel::analysis {
namespace {

ir::Variable shared(std::uint64_t size, std::uint32_t alignment) {
  ir::Variable variable;
  variable.space = ir::Space::Shared;
  variable.size = size;
  variable.alignment = alignment;
  return variable;
}

ir::Operation naming(std::uint32_t module_variable) {
  ir::Operation operation;
  operation.sources.push_back(ir::Operand::of_symbol({ir::SymbolRef::Scope::Module, module_variable}, 0));
  return operation;
}

ir::Operation calling(std::uint32_t function) {
  ir::Operation operation;
  operation.op = ir::Op::Call;
  operation.callee = std::make_shared<const ir::Callee>(ir::Callee{function, std::nullopt, {}});
  return operation;
}

TEST(SharedLayout, PlacesWhatTheKernelReaches) {
  ir::Module module;
  module.variables = {shared(3, 1), shared(8, 8), shared(100, 4), shared(0, 16)};
  module.functions.resize(3);
  module.functions[0].operations = {naming(0), calling(1)};
  module.functions[1].operations = {naming(1), naming(3)};
  module.functions[1].variables = {shared(4, 4)};
  module.functions[2].operations = {naming(2)};

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
}  // namespace doppel::analysis
