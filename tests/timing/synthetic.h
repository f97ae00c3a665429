// SPDX-License-Identifier: Apache-2.0
// Small machine programs and traces by hand, for tests of the SM model.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "analysis/trace.h"
#include "card/load_card.h"
#include "machine/machine_operation.h"
#include "timing/sm_simulation.h"

namespace doppel::timing::synthetic {

inline card::Card a40() { return card::load_card(DOPPEL_SOURCE_DIR "/cards/a40.toml").value(); }

// An operation with what stands in its function's lists.
struct Step : machine::MachineOperation {
  std::vector<machine::ValueId> writes, reads;
  std::vector<machine::MachineAccess> touches;
};

inline Step arithmetic(machine::Pipe pipe, machine::ValueId result, std::vector<machine::ValueId> operands) {
  Step step;
  step.pipe = pipe;
  step.writes = {result};
  step.reads = std::move(operands);
  return step;
}

inline Step access(machine::MemorySpace space, std::uint32_t rank, std::uint32_t instruction,
                   machine::ValueId result, bool store, std::uint32_t bytes) {
  Step step;
  step.pipe = machine::Pipe::Memory;
  step.instruction = instruction;
  if (!store) step.writes = {result};
  step.touches = {{space, store, bytes, rank}};
  return step;
}

// One function of one block, which a warp runs `repeats` times.
struct Kernel {
  machine::MachineProgram program;
  std::uint32_t instructions = 0;

  explicit Kernel(const std::vector<Step>& steps, std::uint32_t values) {
    machine::MachineFunction function;
    machine::MachineBlock block;
    block.fall_through = 0;
    for (const Step& step : steps) {
      machine::MachineOperation& operation = block.operations.emplace_back(step);
      for (const machine::ValueId value : step.writes) function.add_result(operation, value);
      for (const machine::ValueId value : step.reads) function.add_operand(operation, value);
      for (const machine::MachineAccess& access : step.touches) {
        function.add_access(operation, access);
        if (access.rank == machine::kNoAccess) continue;
        block.access_instructions.push_back(step.instruction);
        ++block.accesses;
        instructions = std::max(instructions, step.instruction + 1);
      }
    }
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
