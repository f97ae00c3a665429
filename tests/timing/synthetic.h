// Small machine programs and traces by hand, for tests of the SM model.
#pragma once

#include <cstdint>
#include <vector>

#include "card/load_card.h"
#include "kernel/machine_operation.h"
#include "kernel/trace.h"
#include "timing/sm_simulation.h"

namespace doppel::timing::synthetic {

inline card::Card a40() { return card::load_card(DOPPEL_SOURCE_DIR "/cards/a40.toml").value(); }

inline kernel::MachineOperation arithmetic(kernel::Pipe pipe, kernel::ValueId result,
                                           std::vector<kernel::ValueId> operands) {
  kernel::MachineOperation operation;
  operation.pipe = pipe;
  operation.results[0] = result;
  for (std::size_t i = 0; i < operands.size(); ++i) operation.operands[i] = operands[i];
  return operation;
}

inline kernel::MachineOperation access(kernel::MemorySpace space, std::uint16_t rank,
                                       std::uint32_t instruction, kernel::ValueId result, bool store,
                                       int bytes) {
  kernel::MachineOperation operation;
  operation.pipe = kernel::Pipe::Memory;
  operation.space = space;
  operation.access = rank;
  operation.instruction = instruction;
  if (!store) operation.results[0] = result;
  operation.is_store = store;
  operation.bytes_per_lane = static_cast<std::uint8_t>(bytes);
  return operation;
}

// One function of one block, which a warp runs `repeats` times.
struct Kernel {
  kernel::MachineProgram program;
  std::uint32_t instructions = 0;

  explicit Kernel(std::vector<kernel::MachineOperation> operations, std::uint32_t values) {
    kernel::MachineBlock block;
    block.operations = std::move(operations);
    block.fall_through = 0;
    for (const auto& operation : block.operations) {
      if (operation.access == kernel::kNoAccess) continue;
      block.access_instructions.push_back(operation.instruction);
      ++block.accesses;
      instructions = std::max(instructions, operation.instruction + 1);
    }
    kernel::MachineFunction function;
    function.value_registers.assign(values, 1);
    program.accesses = block.accesses;
    function.blocks.push_back(std::move(block));
    program.functions.push_back(std::move(function));
    program.value_base = {0};
    program.values = values;
    program.instruction_base = {0, instructions};
  }
};

inline kernel::TraceEvent block_event() {
  kernel::TraceEvent event;
  event.kind = kernel::TraceEvent::Kind::Block;
  event.mask = ~0u;
  return event;
}

inline kernel::TraceEvent shared_event(std::uint32_t instruction, int passes) {
  kernel::TraceEvent event;
  event.kind = kernel::TraceEvent::Kind::Access;
  event.space = kernel::AccessSpace::Shared;
  event.id = instruction;
  event.mask = ~0u;
  event.bytes_per_lane = 4;
  event.count = static_cast<std::uint16_t>(passes);
  return event;
}

inline void add_global(kernel::WarpTrace& warp, std::uint32_t instruction, std::uint64_t first_sector,
                       int count, int bytes) {
  kernel::TraceEvent event;
  event.kind = kernel::TraceEvent::Kind::Access;
  event.space = kernel::AccessSpace::Global;
  event.id = instruction;
  event.mask = ~0u;
  event.bytes_per_lane = static_cast<std::uint8_t>(bytes);
  event.payload = static_cast<std::uint32_t>(warp.sectors.size());
  event.count = static_cast<std::uint16_t>(count);
  for (int i = 0; i < count; ++i) warp.sectors.push_back(first_sector + static_cast<std::uint64_t>(i));
  warp.events.push_back(event);
}

struct Result {
  SimulationCounts counts;
  MemoryTraffic traffic;
};

// `blocks` on one SM of the card, all resident at once; the SM has `share` of the chip's bandwidth; L2 has
// all of the memory from before, or nothing.
enum class L2 : std::uint8_t { Cold, Warm };
inline Result run(const card::Card& card, const Kernel& kernel, const std::vector<kernel::BlockTrace>& blocks,
                  double share, L2 l2 = L2::Cold) {
  const SmParameters parameters = sm_parameters(card, card.clocks.sustained_mhz);
  const AddressPatterns patterns(blocks, Dim3{static_cast<std::uint32_t>(blocks.size()), 1, 1},
                                 kernel.program.instruction_base);
  const std::vector<double> present(patterns.size(), l2 == L2::Warm ? 1.0 : 0.0);
  ChipMemory memory(parameters, patterns, {card.l2.bytes, present, 0, share});
  std::size_t next = 0;
  SmSimulation simulation(parameters, kernel.program, patterns, memory,
                          {1, static_cast<int>(blocks.size()), 128 * 1024},
                          [&](int, Cycle, SmSimulation::Work& work) {
                            if (next == blocks.size()) return false;
                            const BlockIndex index{static_cast<std::int64_t>(next), 0, 0};
                            work.trace = &blocks[next++];
                            work.placement = {index, index, {index}};
                            return true;
                          });
  while (simulation.run(1'000'000)) {
  }
  return {simulation.counts(), memory.traffic()};
}

}  // namespace doppel::timing::synthetic
