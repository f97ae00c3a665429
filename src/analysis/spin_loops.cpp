// SPDX-License-Identifier: Apache-2.0
#include "analysis/spin_loops.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>

#include "analysis/analysed_module.h"
#include "analysis/clock_reads.h"
#include "analysis/liveness.h"
#include "analysis/warp_progress.h"

namespace doppel::analysis {
namespace {

using ir::AtomicOp;
using ir::MemoryEffect;
using ir::Op;
using ir::Operation;
using ir::RegisterId;

using Registers = std::vector<bool>;  // by register

bool reads_any(const Operation& operation, const Registers& set) {
  bool any = false;
  for_each_use(operation, [&](RegisterId reg) { any = any || set[reg]; });
  return any;
}

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

// It may run any number of times in place of once, where it gets the same operands.
bool repeats_harmlessly(const Operation& operation) {
  const ir::OperationRow& row = ir::row(operation);
  if (row.wait == ir::Wait::Block || operation.callee != nullptr) return false;
  if (row.clock == ir::Clock::WhereRead && reads_clock(operation)) return false;
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

class LoopTest {
 public:
  LoopTest(const ir::Function& function, const ControlFlowGraph& graph, const Liveness& liveness,
           const Loop& loop)
      : function_(function), graph_(graph), liveness_(liveness), loop_(loop) {}

  bool only_waits() const {
    bool harmless = true;
    for_each_operation([&](const Operation& each) { harmless = harmless && repeats_harmlessly(each); });
    return harmless && ends_by_memory() && rounds_are_alike();
  }

 private:
  template <typename Visit>
  void for_each_operation(const Visit& visit) const {
    for (BlockId block = loop_.header; block <= loop_.last; ++block) {
      const BasicBlock& basic = graph_.blocks()[block];
      for (std::uint32_t i = basic.first; i < basic.last; ++i) visit(function_.operations[i]);
    }
  }

  // Grows a set by what is computed from it in the loop.
  void close_over_uses(Registers& set) const {
    for (bool changed = true; changed;) {
      changed = false;
      for_each_operation([&](const Operation& each) {
        if (!reads_any(each, set)) return;
        for_each_definition(each, [&](RegisterId reg) {
          changed = changed || !set[reg];
          set[reg] = true;
        });
      });
    }
  }

  bool ends_by_memory() const {
    Registers polled(function_.registers.size(), false);
    for_each_operation([&](const Operation& each) {
      if (reads_shared_state(each)) for_each_definition(each, [&](RegisterId reg) { polled[reg] = true; });
    });
    close_over_uses(polled);
    for (BlockId block = loop_.header; block <= loop_.last; ++block) {
      const Operation& last = function_.operations[graph_.blocks()[block].last - 1];
      if (last.op == Op::Branch && last.guard && polled[last.guard->predicate]) return true;
    }
    return false;
  }

  // Registers whose value in one round hangs on their own value in the round before, and what is computed
  // from them.
  Registers grown() const {
    Registers defined(function_.registers.size(), false);
    for_each_operation([&](const Operation& each) {
      for_each_definition(each, [&](RegisterId reg) { defined[reg] = true; });
    });
    Registers result(function_.registers.size(), false);
    for (RegisterId reg = 0; reg < defined.size(); ++reg) {
      if (!defined[reg] || result[reg] || !liveness_.live_in(loop_.header, reg)) continue;
      Registers reached(function_.registers.size(), false);
      for_each_operation([&](const Operation& each) {
        bool uses = false, defines = false;
        for_each_use(each, [&](RegisterId used) { uses = uses || used == reg; });
        for_each_definition(each, [&](RegisterId made) { defines = defines || made == reg; });
        // Where the guard is false, the old value stays.
        if (uses || (defines && each.guard))
          for_each_definition(each, [&](RegisterId made) { reached[made] = true; });
      });
      close_over_uses(reached);
      if (!reached[reg]) continue;
      for (RegisterId each = 0; each < result.size(); ++each) result[each] = result[each] || reached[each];
    }
    return result;
  }

  // But for how long a round sleeps.
  bool rounds_are_alike() const {
    const Registers grows = grown();
    bool alike = true;
    for_each_operation([&](const Operation& each) {
      if (each.op == Op::Nanosleep && !each.guard) return;
      const bool computes = each.accesses.empty() && !ir::ends_block(each) && !waits_for_lanes(each);
      if (!computes && reads_any(each, grows)) alike = false;
    });
    for (const BlockId exit : loop_.exits) {
      for (RegisterId reg = 0; reg < grows.size(); ++reg)
        alike = alike && !(grows[reg] && liveness_.live_in(exit, reg));
    }
    return alike;
  }

  const ir::Function& function_;
  const ControlFlowGraph& graph_;
  const Liveness& liveness_;
  const Loop& loop_;
};

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
  if (!graph.reducible() || graph.loops().empty() || !loops_on_memory(function, graph)) return found;
  const Liveness liveness = Liveness::build(function, graph);
  for (const Loop& loop : graph.loops()) {
    // A function's first block has nothing before it, and a loop that nothing leaves is no wait.
    if (loop.header == 0 || !LoopTest(function, graph, liveness, loop).only_waits()) continue;
    SpinLoop spin{id, loop.header, loop.last, graph.blocks()[loop.header].immediate_dominator,
                  blocks_of_last_round(graph, loop)};
    if (!spin.round.empty()) found.push_back(std::move(spin));
  }
  // A loop inside of another that waits is part of that one's rounds.
  std::erase_if(found, [&](const SpinLoop& inner) {
    return std::ranges::any_of(found, [&](const SpinLoop& outer) {
      return outer.header <= inner.header && inner.last <= outer.last &&
             outer.last - outer.header > inner.last - inner.header;
    });
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
