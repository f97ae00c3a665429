// SPDX-License-Identifier: Apache-2.0
#include "analysis/clock_loops.h"

#include <algorithm>

#include "analysis/clock_reads.h"
#include "analysis/warp_progress.h"

namespace doppel::analysis {
namespace {

using ir::Operation;
using ir::RegisterId;

// Its result is a function of its operands: two warps with the same ones get the same.
bool computes(const Operation& operation) {
  return operation.accesses.empty() && operation.callee == nullptr && !waits_for_lanes(operation) &&
         ir::row(operation).memory == ir::MemoryEffect::None && !ir::ends_block(operation);
}

// The same of memory that nobody writes while the loop goes on: no other thread may, where the load is weak
// (PTX ISA 8, data races).
bool reads_what_stays(const LoopValues& values, const Operation& operation) {
  if (ir::row(operation).memory != ir::MemoryEffect::Load || reads_shared_state(operation)) return false;
  bool stays = true;
  values.for_each_operation([&](const Operation& each, std::uint32_t) {
    const ir::MemoryEffect effect = ir::row(each).memory;
    const bool only_reads = effect == ir::MemoryEffect::None || effect == ir::MemoryEffect::Load ||
                            effect == ir::MemoryEffect::Hint;
    stays = stays && only_reads && ir::row(each).wait != ir::Wait::Block;
  });
  return stays;
}

struct Exits {
  std::vector<BlockId> by_clock, by_memory;
  Registers predicates;  // of those by a clock
};

// Nothing where something else may end the loop.
std::optional<Exits> exits_of(const LoopValues& values, const Registers& by_clock) {
  const Loop& loop = values.loop();
  const Registers polled = values.made_by(reads_shared_state);
  Exits exits{{}, {}, values.none()};
  for (BlockId id = loop.header; id <= loop.last; ++id) {
    const BasicBlock& block = values.graph().blocks()[id];
    if (block.may_exit) return std::nullopt;
    if (std::ranges::all_of(block.successors,
                            [&](BlockId to) { return to >= loop.header && to <= loop.last; }))
      continue;
    const Operation& last = values.function().operations[block.last - 1];
    if (last.op != ir::Op::Branch || !last.guard) return std::nullopt;
    const RegisterId predicate = last.guard->predicate;
    if (by_clock[predicate] == polled[predicate]) return std::nullopt;
    (by_clock[predicate] ? exits.by_clock : exits.by_memory).push_back(id);
    exits.predicates[predicate] = exits.predicates[predicate] || by_clock[predicate];
  }
  return exits;
}

}  // namespace

std::optional<ClockEnd> ends_by_clock(const LoopValues& values) {
  bool reads = false, calls = false;
  values.for_each_operation([&](const Operation& each, std::uint32_t) {
    reads = reads || reads_clock_register(each);
    calls = calls || each.callee != nullptr;
  });
  // What a called function does is not known here.
  if (!reads || calls || values.loop().exits.empty()) return std::nullopt;
  const Registers by_clock = values.made_by(reads_clock_register);
  const Registers grown = values.grown();
  auto exits = exits_of(values, by_clock);
  if (!exits) return std::nullopt;

  // From the exits backwards: what the loop makes of it has to hang on the clock where it changes.
  Registers wanted = exits->predicates;
  std::vector<bool> seen(values.function().operations.size(), false);
  ClockEnd end;
  end.exits = std::move(exits->by_clock);
  end.or_by_memory = !exits->by_memory.empty();
  bool only_clock = true;
  for (bool changed = true; changed && only_clock;) {
    changed = false;
    values.for_each_operation([&](const Operation& each, std::uint32_t index) {
      bool makes = false;
      for_each_definition(each, [&](RegisterId reg) {
        if (!wanted[reg]) return;
        makes = true;
        only_clock = only_clock && (!grown[reg] || by_clock[reg]);
      });
      if (!makes || seen[index]) return;
      seen[index] = changed = true;
      only_clock = only_clock && (computes(each) || reads_what_stays(values, each));
      if (reads_clock_register(each)) end.reads.push_back(index);
      for_each_use(each, [&](RegisterId reg) { wanted[reg] = true; });
    });
  }
  if (!only_clock || end.reads.empty()) return std::nullopt;

  // The rest of it is made elsewhere: from which reading of the clock, if from one.
  const auto& operations = values.function().operations;
  for (bool changed = true; changed;) {
    changed = false;
    for (std::uint32_t i = 0; i < operations.size(); ++i) {
      if (seen[i] || values.holds(i) || values.graph().block_of(i) == kNoBlock || !computes(operations[i]))
        continue;
      bool makes = false;
      for_each_definition(operations[i], [&](RegisterId reg) { makes = makes || wanted[reg]; });
      if (!makes) continue;
      seen[i] = changed = true;
      if (reads_clock_register(operations[i])) end.counts_from.push_back(i);
      for_each_use(operations[i], [&](RegisterId reg) { wanted[reg] = true; });
    }
  }
  std::ranges::sort(end.reads);
  std::ranges::sort(end.counts_from);
  return end;
}

}  // namespace doppel::analysis
