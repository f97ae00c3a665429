// SPDX-License-Identifier: Apache-2.0
// Pass: estimate_registers.
#include <algorithm>

#include "machine/block_graph.h"
#include "machine/machine_lowering.h"

namespace doppel::machine {

std::uint32_t estimate_registers(const LoweringContext& context, const MachineLiveness& liveness,
                                 const MachineFunction& machine) {
  BlockGraphBuilder builder(machine, liveness);
  std::uint32_t most = 0;
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    const BlockGraph graph = builder.build(id);
    BlockPressure pressure(graph);
    most = std::max(most, static_cast<std::uint32_t>(pressure.live()));
    for (std::uint32_t i = 0; i < graph.nodes.size(); ++i)
      most = std::max(most, static_cast<std::uint32_t>(pressure.place(i)));
  }
  std::uint32_t registers = std::max<std::uint32_t>(8, most + kReservedRegisters);
  // The calling convention sets registers aside.
  for (const ir::Operation& operation : context.function.operations) {
    if (operation.callee) registers = std::max<std::uint32_t>(registers, 24);
  }
  return registers;
}

}  // namespace doppel::machine
