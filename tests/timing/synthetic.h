// Small machine programs and traces by hand, for tests of the SM model.
#pragma once

#include <cstdint>
#include <vector>

#include "analysis/trace.h"
#include "card/load_card.h"
#include "machine/machine_operation.h"
#include "timing/sm_simulation.h"

namespace doppel::timing::synthetic {

inline card::Card a40() { return card::load_card(DOPPEL_SOURCE_DIR "/cards/a40.toml").value(); }

inline machine::MachineOperation arithmetic(machine::Pipe pipe, machine::ValueId result,
                                            std::vector<machine::ValueId> operands) {
  machine::MachineOperation operation;
  operation.pipe = pipe;
  operation.results[0] = result;
  for (std::size_t i = 0; i < operands.size(); ++i) operation.operands[i] = operands[i];
  return operation;
}

inline machine::MachineOperation access(machine::MemorySpace space, std::uint16_t rank,
                                        std::uint32_t instruction, machine::ValueId result, bool store,
                                        int bytes) {
  machine::MachineOperation operation;
  operation.pipe = machine::Pipe::Memory;
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
  machine::MachineProgram program;
  std::uint32_t instructions = 0;

  explicit Kernel(std::vector<machine::MachineOperation> operations, std::uint32_t values) {
    machine::MachineBlock block;
    block.operations = std::move(operations);
    block.fall_through = 0;
    for (const auto& operation : block.operations) {
      if (operation.access == machine::kNoAccess) continue;
      block.access_instructions.push_back(operation.instruction);
      ++block.accesses;
      instructions = std::max(instructions, operation.instruction + 1);
    }
    machine::MachineFunction function;
    function.value_registers.assign(values, 1);
    program.accesses = block.accesses;
    function.blocks.push_back(std::move(block));
    program.functions.push_back(std::move(function));
    program.value_base = {0};
    program.values = values;
    program.instruction_base = {0, instructions};
  }
};

inline analysis::TraceEvent block_event() {
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Block;
  event.mask = ~0u;
  return event;
}

inline analysis::TraceEvent shared_event(std::uint32_t instruction, int passes) {
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Access;
  event.space = analysis::AccessSpace::Shared;
  event.id = instruction;
  event.mask = ~0u;
  event.bytes_per_lane = 4;
  event.count = static_cast<std::uint16_t>(passes);
  return event;
}

inline void add_global(analysis::WarpTrace& warp, std::uint32_t instruction, std::uint64_t first_sector,
                       int count, int bytes) {
  analysis::TraceEvent event;
  event.kind = analysis::TraceEvent::Kind::Access;
  event.space = analysis::AccessSpace::Global;
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
inline Result run(const card::Card& card, const Kernel& kernel,
                  const std::vector<analysis::BlockTrace>& blocks, double share, L2 l2 = L2::Cold) {
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
