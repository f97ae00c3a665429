// Pass: estimate_registers.
#include <algorithm>

#include "kernel/machine_lowering.h"

namespace doppel::kernel {
namespace {

using Set = std::vector<std::uint64_t>;

bool has(const Set& set, ValueId id) { return (set[id / 64] >> (id % 64) & 1) != 0; }
void put(Set& set, ValueId id) { set[id / 64] |= std::uint64_t{1} << (id % 64); }
void drop(Set& set, ValueId id) { set[id / 64] &= ~(std::uint64_t{1} << (id % 64)); }

// Walks a block backwards from what is live at its end.
template <typename Visit>
void walk(const MachineBlock& block, Set& live, Visit visit) {
  for (auto it = block.operations.rbegin(); it != block.operations.rend(); ++it) {
    visit(*it, live);
    for (ValueId id : it->results) {
      if (id != kNoValue) drop(live, id);
    }
    for (ValueId id : it->operands) {
      if (id != kNoValue) put(live, id);
    }
  }
}

}  // namespace

std::uint32_t estimate_registers(const LoweringContext& context, const MachineFunction& machine) {
  const auto& blocks = context.graph.blocks();
  const std::size_t words = (machine.value_registers.size() + 63) / 64;
  std::vector<Set> live_in(blocks.size(), Set(words, 0));
  const auto live_out = [&](BlockId id) {
    Set live(words, 0);
    for (BlockId next : blocks[id].successors) {
      for (std::size_t w = 0; w < words; ++w) live[w] |= live_in[next][w];
    }
    return live;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (BlockId id = static_cast<BlockId>(blocks.size()); id-- > 0;) {
      Set live = live_out(id);
      walk(machine.blocks[id], live, [](const MachineOperation&, const Set&) {});
      if (live != live_in[id]) {
        live_in[id] = std::move(live);
        changed = true;
      }
    }
  }
  std::uint32_t most = 0;
  for (BlockId id = 0; id < blocks.size(); ++id) {
    Set live = live_out(id);
    walk(machine.blocks[id], live, [&](const MachineOperation& operation, const Set& now) {
      std::uint32_t pressure = 0;
      for (std::size_t w = 0; w < words; ++w) {
        for (std::uint64_t bits = now[w]; bits != 0; bits &= bits - 1) {
          pressure += machine.value_registers[w * 64 + static_cast<std::size_t>(__builtin_ctzll(bits))];
        }
      }
      for (ValueId result : operation.results) {
        if (result != kNoValue && !has(now, result)) pressure += machine.value_registers[result];
      }
      most = std::max(most, pressure);
    });
  }
  // The stack pointer, and what alignment of pairs and fixed places cost (docs/timing-model.md).
  std::uint32_t registers = std::max<std::uint32_t>(8, most + 6);
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
