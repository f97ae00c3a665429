// SPDX-License-Identifier: Apache-2.0
#include "analysis/spin_loops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "analysis/analysed_module.h"
#include "analysis/clock_loops.h"
#include "analysis/clock_reads.h"
#include "analysis/loop_values.h"
#include "analysis/warp_progress.h"

namespace doppel::analysis {
namespace {

using ir::AtomicOp;
using ir::MemoryEffect;
using ir::Op;
using ir::Operation;
using ir::RegisterId;

// Done twice by one thread, it leaves what it leaves when it is done once.
bool is_idempotent(const Operation& atomic) {
  switch (atomic.attributes.atomic_op) {
    case AtomicOp::Cas:
    case AtomicOp::Exch:
    case AtomicOp::And:
    case AtomicOp::Or:
    case AtomicOp::Min:
    case AtomicOp::Max:
      return true;
    case AtomicOp::Add:
    case AtomicOp::Xor:
      return atomic.sources[0].is_immediate() && atomic.sources[0].immediate == 0;
    default:
      return false;
  }
}

// It may run any number of times in place of once, where it gets the same operands, of the clock too.
bool repeats_harmlessly(const Operation& operation) {
  const ir::OperationRow& row = ir::row(operation);
  if (row.wait == ir::Wait::Block || operation.callee != nullptr) return false;
  switch (row.memory) {
    case MemoryEffect::None:
    case MemoryEffect::Load:
    case MemoryEffect::Hint:
    case MemoryEffect::Fence:
      return std::ranges::none_of(operation.accesses, [](const ir::Access& access) {
        return access.completion != ir::Completion::None;
      });
    case MemoryEffect::Atomic:
      return is_idempotent(operation);
    default:
      return false;
  }
}

bool repeats_harmlessly(const LoopValues& loop) {
  bool harmless = true;
  loop.for_each_operation(
      [&](const Operation& each, std::uint32_t) { harmless = harmless && repeats_harmlessly(each); });
  return harmless;
}

bool reads_clock_register(const LoopValues& loop) {
  bool reads = false;
  loop.for_each_operation(
      [&](const Operation& each, std::uint32_t) { reads = reads || analysis::reads_clock_register(each); });
  return reads;
}

bool ends_by_memory(const LoopValues& values) {
  const Registers polled = values.made_by(reads_shared_state);
  for (BlockId block = values.loop().header; block <= values.loop().last; ++block) {
    const Operation& last = values.function().operations[values.graph().blocks()[block].last - 1];
    if (last.op == Op::Branch && last.guard && polled[last.guard->predicate]) return true;
  }
  return false;
}

bool only_waits_for_memory(const LoopValues& loop) {
  return repeats_harmlessly(loop) && !reads_clock_register(loop) && ends_by_memory(loop) &&
         loop.rounds_are_alike(loop.grown());
}

// What it computes of the clock it may keep: how many rounds it took to come there shows in nothing else.
bool only_waits_for_clock(const LoopValues& loop) {
  Registers other = loop.grown();
  const Registers by_clock = loop.made_by(analysis::reads_clock_register);
  for (RegisterId reg = 0; reg < other.size(); ++reg) other[reg] = other[reg] && !by_clock[reg];
  return repeats_harmlessly(loop) && loop.rounds_are_alike(other);
}

// Blocks without which no round can leave the loop.
std::vector<BlockId> blocks_of_last_round(const ControlFlowGraph& graph, const Loop& loop) {
  std::vector<BlockId> blocks;
  for (BlockId block = loop.header; block <= loop.last; ++block) {
    bool always = true;
    for (BlockId from = loop.header; from <= loop.last; ++from) {
      const BasicBlock& basic = graph.blocks()[from];
      const bool leaves = basic.may_exit || std::ranges::any_of(basic.successors, [&](BlockId to) {
                            return to < loop.header || to > loop.last;
                          });
      if (leaves) always = always && graph.dominates(block, from);
    }
    if (always) blocks.push_back(block);
  }
  return blocks;
}

}  // namespace

std::vector<SpinLoop> spin_loops(ir::FunctionId id, const ir::Function& function,
                                 const ControlFlowGraph& graph) {
  std::vector<SpinLoop> found;
  if (!graph.reducible() || graph.loops().empty()) return found;
  const bool on_memory = loops_on_memory(function, graph);
  const bool on_clock = std::ranges::any_of(function.operations, analysis::reads_clock_register);
  if (!on_memory && !on_clock) return found;
  const Liveness liveness = Liveness::build(function, graph);
  for (const Loop& loop : graph.loops()) {
    // A function's first block has nothing before it, and a loop that nothing leaves is no wait.
    if (loop.header == 0) continue;
    const LoopValues values(function, graph, liveness, loop);
    SpinLoop spin{id, loop.header, loop.last, graph.blocks()[loop.header].immediate_dominator,
                  blocks_of_last_round(graph, loop)};
    if (spin.round.empty()) continue;
    if (on_memory && only_waits_for_memory(values)) {
      found.push_back(std::move(spin));
    } else if (auto end = on_clock ? ends_by_clock(values) : std::nullopt) {
      spin.by_clock = true;
      spin.only_waits = only_waits_for_clock(values);
      // What work is done until a write comes is the program's.
      if (end->or_by_memory && !spin.only_waits) continue;
      spin.or_by_memory = end->or_by_memory;
      spin.clock_exits = std::move(end->exits);
      spin.clock_reads = std::move(end->reads);
      spin.counts_from = std::move(end->counts_from);
      found.push_back(std::move(spin));
    }
  }
  const auto has_inside = [](const SpinLoop& outer, const SpinLoop& inner) {
    return outer.header <= inner.header && inner.last <= outer.last &&
           outer.last - outer.header > inner.last - inner.header;
  };
  // What another thread does meanwhile is no part of a round that the clock ends.
  std::erase_if(found, [&](const SpinLoop& outer) {
    return outer.by_clock && std::ranges::any_of(found, [&](const SpinLoop& inner) {
             return !inner.by_clock && has_inside(outer, inner);
           });
  });
  // A loop inside of another that waits is part of that one's rounds.
  std::erase_if(found, [&](const SpinLoop& inner) {
    return std::ranges::any_of(found, [&](const SpinLoop& outer) { return has_inside(outer, inner); });
  });
  std::ranges::sort(found, {}, &SpinLoop::header);
  return found;
}

const SpinLoop* spin_loop_of(std::span<const SpinLoop> loops, TraceBlockId id) {
  const auto found = std::ranges::find_if(loops, [&](const SpinLoop& loop) { return loop.holds(id); });
  return found != loops.end() ? &*found : nullptr;
}

void count_without_polls(const AnalysedKernel& kernel, std::span<const BlockTrace> traces,
                         std::span<BlockCount> counts) {
  if (kernel.spin_loops.empty()) return;
  std::map<std::uint32_t, BlockCount> traced;  // by TraceBlockId
  for (const BlockTrace& block : traces) {
    for (const WarpTrace& warp : block.warps) {
      for (const TraceEvent& event : warp.events) {
        if (event.kind != TraceEvent::Kind::Block) continue;
        BlockCount& count = traced[event.id];
        ++count.warps;
        count.lanes += static_cast<std::uint64_t>(std::popcount(event.mask));
      }
    }
  }
  for (const SpinLoop& loop : kernel.spin_loops) {
    const auto traced_count = [&](BlockId block) {
      const auto at = traced.find(loop.function << 16 | block);
      return at != traced.end() ? at->second : BlockCount{};
    };
    const auto slot = [&](BlockId block) { return kernel.first_slot(loop.function) + block; };
    const BlockCount before = counts[slot(loop.before)];
    const BlockCount sample = traced_count(loop.before);
    for (BlockId block = loop.header; block <= loop.last; ++block) {
      BlockCount& count = counts[slot(block)];
      if (sample.warps == 0) {
        const bool once = std::ranges::find(loop.round, block) != loop.round.end();
        count = once ? BlockCount{std::min(count.warps, before.warps), std::min(count.lanes, before.lanes)}
                     : BlockCount{};
        continue;
      }
      const BlockCount of_samples = traced_count(block);
      const auto grown = [](std::uint64_t all, std::uint64_t part, std::uint64_t whole) {
        return static_cast<std::uint64_t>(
            std::llround(static_cast<double>(all) * static_cast<double>(part) / static_cast<double>(whole)));
      };
      count = {grown(before.warps, of_samples.warps, sample.warps),
               grown(before.lanes, of_samples.lanes, sample.lanes)};
    }
  }
}

}  // namespace doppel::analysis
