// SPDX-License-Identifier: Apache-2.0
#include "machine/machine_liveness.h"

#include <bit>

namespace doppel::machine {
namespace {

using Set = std::vector<std::uint64_t>;

std::vector<ValueId> members(const Set& set, const std::vector<ValueId>& names) {
  std::vector<ValueId> result;
  for (std::size_t word = 0; word < set.size(); ++word) {
    for (std::uint64_t bits = set[word]; bits != 0; bits &= bits - 1)
      result.push_back(names[word * 64 + static_cast<std::size_t>(std::countr_zero(bits))]);
  }
  return result;
}

}  // namespace

MachineLiveness MachineLiveness::build(const ControlFlowGraph& graph, const MachineFunction& machine) {
  const auto& blocks = graph.blocks();
  // Only what some block reads before it writes it is live between blocks: the sets hold no other values, so
  // that they stay small where a block is long.
  constexpr std::uint32_t kLocal = UINT32_MAX;
  std::vector<std::uint32_t> number(machine.value_count(), kLocal);
  std::vector<BlockId> written(machine.value_count(), kNoBlock);
  for (BlockId id = 0; id < machine.blocks.size(); ++id) {
    for (const MachineOperation& operation : machine.blocks[id].operations) {
      for (const ValueId value : machine.operands(operation)) {
        if (written[value] != id) number[value] = 0;
      }
      for (const ValueId value : machine.results(operation)) written[value] = id;
    }
  }
  std::vector<ValueId> names;
  for (ValueId value = 0; value < number.size(); ++value) {
    if (number[value] == kLocal) continue;
    number[value] = static_cast<std::uint32_t>(names.size());
    names.push_back(value);
  }
  const std::size_t words = (names.size() + 63) / 64;
  std::vector<Set> read(blocks.size(), Set(words, 0)), set(blocks.size(), Set(words, 0));
  const auto has = [](const Set& in, std::uint32_t at) { return (in[at / 64] >> (at % 64) & 1) != 0; };
  const auto put = [](Set& in, std::uint32_t at) { in[at / 64] |= std::uint64_t{1} << (at % 64); };
  for (BlockId id = 0; id < blocks.size(); ++id) {
    for (const MachineOperation& operation : machine.blocks[id].operations) {
      for (const ValueId value : machine.operands(operation)) {
        if (number[value] != kLocal && !has(set[id], number[value])) put(read[id], number[value]);
      }
      for (const ValueId value : machine.results(operation)) {
        if (number[value] != kLocal) put(set[id], number[value]);
      }
    }
  }
  std::vector<Set> begin = read, end(blocks.size(), Set(words, 0));
  for (bool changed = true; changed;) {
    changed = false;
    for (auto id = static_cast<BlockId>(blocks.size()); id-- > 0;) {
      for (BlockId next : blocks[id].successors) {
        for (std::size_t word = 0; word < words; ++word) end[id][word] |= begin[next][word];
      }
      for (std::size_t word = 0; word < words; ++word) {
        const std::uint64_t now = read[id][word] | (end[id][word] & ~set[id][word]);
        changed = changed || now != begin[id][word];
        begin[id][word] = now;
      }
    }
  }
  MachineLiveness result;
  for (BlockId id = 0; id < blocks.size(); ++id) {
    result.at_begin_.push_back(members(begin[id], names));
    result.at_end_.push_back(members(end[id], names));
  }
  return result;
}

}  // namespace doppel::machine
