// Pass: estimate_registers.
#include <algorithm>

#include "kernel/block_graph.h"
#include "kernel/machine_lowering.h"

namespace doppel::kernel {

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
  for (const ptx::Instruction& instruction : context.function.instructions) {
    if (instruction.call) registers = std::max<std::uint32_t>(registers, 24);
  }
  const ptx::LaunchBounds& bounds = context.function.bounds;
  if (bounds.max_registers != 0) registers = std::min(registers, bounds.max_registers);
  // The assembler spills rather than let a block of the promised size not fit: 65,536 registers a block.
  std::uint64_t threads = 1;
  for (std::uint32_t extent : bounds.max_threads) threads *= std::max<std::uint32_t>(1, extent);
  for (std::uint32_t extent : bounds.required_threads) {
    if (extent != 0) threads = std::max<std::uint64_t>(threads, extent);
  }
  const std::uint64_t resident =
      std::max<std::uint64_t>(1, threads) * std::max<std::uint32_t>(1, bounds.min_blocks_per_sm);
  const auto most_allowed =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(255, 65536 / resident / 8 * 8));
  return std::min(registers, std::max<std::uint32_t>(most_allowed, 16));
}

}  // namespace doppel::kernel
