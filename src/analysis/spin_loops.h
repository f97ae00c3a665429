// SPDX-License-Identifier: Apache-2.0
// Loops that wait, for what another thread writes or for a clock: how often they go round is not the
// program's but the machine's. What an emulation makes of their rounds says nothing of a card's, so traces
// and counts do without the rounds that failed.
//
// Needs a graph and the lists of blocks that traces and counters know.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "analysis/control_flow_graph.h"
#include "analysis/trace.h"
#include "ir/module.h"

namespace doppel::analysis {

struct AnalysedKernel;
class AnalysedModule;

struct SpinLoop {
  ir::FunctionId function = 0;
  BlockId header = 0;
  BlockId last = 0;  // its blocks are exactly [header, last]
  BlockId before =
      0;  // the header's immediate dominator: runs before each time that a warp comes to the loop
  std::vector<BlockId> round;  // blocks that every round runs which leaves the loop
  // It ends when a clock has come far enough, and not by what another thread writes.
  bool by_clock = false;
  // Or by what another thread writes, in blocks that are none of these: a wait with a time-out.
  bool or_by_memory = false;
  std::vector<BlockId> clock_exits;
  bool only_waits = true;  // by a clock: nothing but the time tells how many rounds it took
  // By a clock: operations of the function that read it for the loop's end, and those before the loop whose
  // reading it counts from; none: that is not known.
  std::vector<std::uint32_t> clock_reads, counts_from;

  bool on_memory() const { return !by_clock || or_by_memory; }
  bool holds(TraceBlockId id) const {
    return id.function() == function && id.block() >= header && id.block() <= last;
  }
  bool begins_at(TraceBlockId id) const { return id.function() == function && id.block() == header; }
};

// The loops of a function, none inside of another, that end by a clock (clock_loops.h), or that
// - end by what another thread may write: a branch out of them, or back, hangs on a strong load or an atomic
// in
//   them;
// - leave nothing behind but what their last round leaves: no store, reduction, call or barrier of the block,
// of
//   atomics only those that change nothing when they are done again, no clock that is read, and no value that
//   grows from round to round, but for how long they sleep.
// Ascending by header. id: of the function, for the result.
std::vector<SpinLoop> spin_loops(ir::FunctionId id, const ir::Function& function,
                                 const ControlFlowGraph& graph);

// The loop that holds the block; null: none. loops: ascending by function and header.
const SpinLoop* spin_loop_of(std::span<const SpinLoop> loops, TraceBlockId id);

// What the counts of a grid would be if no poll had failed. In the traced blocks none has (the recorder drops
// failed rounds): the loops' blocks run as often there, for each time that the block before the loop runs, as
// in all others. Without traces, each loop goes round once. counts: by the kernel's slots.
void count_without_polls(const AnalysedKernel& kernel, std::span<const BlockTrace> traces,
                         std::span<BlockCount> counts);

}  // namespace doppel::analysis
