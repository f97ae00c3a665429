// SPDX-License-Identifier: Apache-2.0
#include "analysis/control_flow_graph.h"

#include <algorithm>
#include <cassert>
#include <set>

namespace doppel::analysis {
namespace {

using ir::Flow;
using ir::Operation;

struct RawGraph {
  std::vector<BasicBlock> blocks;  // in text order, unreachable ones included
};

RawGraph split(const ir::Function& function, std::span<const std::uint32_t> split_at) {
  const auto count = static_cast<std::uint32_t>(function.operations.size());
  std::set<std::uint32_t> leaders;
  for (const ir::Block& block : function.blocks) leaders.insert(block.first);
  leaders.insert(split_at.begin(), split_at.end());
  leaders.erase(count);
  RawGraph graph;
  std::vector<BlockId> block_at(count + 1, kNoBlock);
  if (count == 0) return graph;
  for (std::uint32_t leader : leaders) {
    if (!graph.blocks.empty()) graph.blocks.back().last = leader;
    block_at[leader] = static_cast<BlockId>(graph.blocks.size());
    BasicBlock block;
    block.first = leader;
    graph.blocks.push_back(block);
  }
  graph.blocks.back().last = count;

  for (BlockId id = 0; id < graph.blocks.size(); ++id) {
    BasicBlock& block = graph.blocks[id];
    const auto add = [&](BlockId successor) {
      // An empty block at the very end stands for the function's end, which is an exit.
      if (successor == kNoBlock) {
        block.may_exit = true;
      } else if (std::ranges::find(block.successors, successor) == block.successors.end()) {
        block.successors.push_back(successor);
      }
    };
    const Operation& last = function.operations[block.last - 1];
    bool falls_through = true;
    switch (ir::row(last).flow) {
      case Flow::Next:
        break;
      case Flow::Targets:
        for (ir::BlockId target : last.targets) add(block_at[function.blocks[target].first]);
        falls_through = last.guard.has_value();
        break;
      case Flow::Leaves:
        block.may_exit = true;
        falls_through = last.guard.has_value();
        break;
    }
    if (falls_through && block.last < count) {
      block.fall_through = id + 1;
      add(id + 1);
    } else if (falls_through) {
      block.may_exit = true;
    }
  }
  return graph;
}

// Blocks reachable from `entry` along successors inside `member`, in reverse post-order; edges to `entry`
// itself are not followed. Where a block has several successors, the one that stands first in the text comes
// first in the order.
std::vector<BlockId> reverse_post_order(const std::vector<std::vector<BlockId>>& successors, BlockId entry) {
  std::vector<BlockId> order;
  std::vector<bool> seen(successors.size(), false);
  struct Frame {
    BlockId block;
    std::vector<BlockId> next;  // visited from the back
  };
  const auto frame_of = [&](BlockId block) {
    std::vector<BlockId> next = successors[block];
    std::ranges::sort(next);  // the largest is visited first, so it lands last
    return Frame{block, std::move(next)};
  };
  std::vector<Frame> stack;
  seen[entry] = true;
  stack.push_back(frame_of(entry));
  while (!stack.empty()) {
    Frame& frame = stack.back();
    if (frame.next.empty()) {
      order.push_back(frame.block);
      stack.pop_back();
      continue;
    }
    const BlockId next = frame.next.back();
    frame.next.pop_back();
    if (!seen[next]) {
      seen[next] = true;
      stack.push_back(frame_of(next));
    }
  }
  std::ranges::reverse(order);
  return order;
}

// Cooper, Harvey, Kennedy: "A simple, fast dominance algorithm". order: reverse post-order from the root,
// which is order[0].
std::vector<BlockId> immediate_dominators(const std::vector<std::vector<BlockId>>& predecessors,
                                          const std::vector<BlockId>& order, std::size_t size) {
  std::vector<std::uint32_t> position(size, kNoBlock);
  for (std::uint32_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  std::vector<BlockId> idom(size, kNoBlock);
  idom[order[0]] = order[0];
  for (bool changed = true; changed;) {
    changed = false;
    for (std::size_t i = 1; i < order.size(); ++i) {
      BlockId candidate = kNoBlock;
      for (BlockId predecessor : predecessors[order[i]]) {
        if (idom[predecessor] == kNoBlock) continue;
        if (candidate == kNoBlock) {
          candidate = predecessor;
          continue;
        }
        BlockId other = predecessor;
        while (candidate != other) {
          while (position[candidate] > position[other]) candidate = idom[candidate];
          while (position[other] > position[candidate]) other = idom[other];
        }
      }
      if (candidate != idom[order[i]]) {
        idom[order[i]] = candidate;
        changed = true;
      }
    }
  }
  return idom;
}

struct RawLoop {
  BlockId header;
  std::set<BlockId> body;
};

std::vector<RawLoop> natural_loops(const std::vector<std::vector<BlockId>>& successors,
                                   const std::vector<std::vector<BlockId>>& predecessors,
                                   const std::vector<BlockId>& order, const std::vector<BlockId>& idom,
                                   bool& reducible) {
  std::vector<std::uint32_t> position(successors.size(), kNoBlock);
  for (std::uint32_t i = 0; i < order.size(); ++i) position[order[i]] = i;
  const auto dominates = [&](BlockId above, BlockId below) {
    while (position[below] > position[above]) below = idom[below];
    return below == above;
  };
  std::vector<RawLoop> loops;
  reducible = true;
  for (BlockId block : order) {
    for (BlockId target : successors[block]) {
      if (position[target] > position[block]) continue;
      if (!dominates(target, block)) {
        reducible = false;
        continue;
      }
      auto found = std::ranges::find(loops, target, &RawLoop::header);
      if (found == loops.end()) found = loops.insert(loops.end(), RawLoop{target, {target}});
      std::vector<BlockId> work{block};
      while (!work.empty()) {
        const BlockId next = work.back();
        work.pop_back();
        if (!found->body.insert(next).second) continue;
        for (BlockId predecessor : predecessors[next]) work.push_back(predecessor);
      }
    }
  }
  // Outer loops first; a body that holds another loop's header is the larger one.
  std::ranges::sort(loops, [&](const RawLoop& a, const RawLoop& b) {
    return a.body.size() != b.body.size() ? a.body.size() > b.body.size()
                                          : position[a.header] < position[b.header];
  });
  return loops;
}

// Orders the blocks of one loop level: inner loops are collapsed to single nodes, ordered inside by
// recursion.
class LoopContiguousOrder {
 public:
  LoopContiguousOrder(const std::vector<std::vector<BlockId>>& successors, const std::vector<RawLoop>& loops)
      : successors_(successors),
        loops_(loops),
        innermost_(successors.size(), kNoLoop),
        parent_(loops.size(), kNoLoop) {
    for (LoopId loop = 0; loop < loops.size(); ++loop) {
      parent_[loop] = innermost_[loops[loop].header];
      for (BlockId block : loops[loop].body) innermost_[block] = loop;
    }
  }

  std::vector<BlockId> run(BlockId entry) {
    std::vector<BlockId> order;
    append(entry, kNoLoop, order);
    return order;
  }
  LoopId innermost(BlockId block) const { return innermost_[block]; }
  LoopId parent(LoopId loop) const { return parent_[loop]; }

 private:
  // The node that stands for `block` at the level of `loop`: the header of the outermost loop inside `loop`
  // that holds it. kNoBlock where the block lies outside of `loop`.
  BlockId representative(BlockId block, LoopId loop) const {
    BlockId node = block;
    for (LoopId at = innermost_[block];; at = parent_[at]) {
      if (at == loop) return node;
      if (at == kNoLoop) return kNoBlock;
      node = loops_[at].header;
    }
  }

  void append(BlockId entry, LoopId loop, std::vector<BlockId>& order) {
    std::vector<std::vector<BlockId>> edges(successors_.size());
    for (BlockId block = 0; block < successors_.size(); ++block) {
      const BlockId from = representative(block, loop);
      if (from == kNoBlock) continue;
      for (BlockId target : successors_[block]) {
        const BlockId to = representative(target, loop);
        if (to != kNoBlock && to != from && to != entry) edges[from].push_back(to);
      }
    }
    for (BlockId node : reverse_post_order(edges, entry)) {
      const LoopId inner = innermost_[node];
      if (inner == loop || (loop != kNoLoop && node == entry)) {
        order.push_back(node);
        continue;
      }
      // A collapsed loop: find the one whose parent level is this one.
      LoopId child = inner;
      while (parent_[child] != loop) child = parent_[child];
      append(loops_[child].header, child, order);
    }
  }

  const std::vector<std::vector<BlockId>>& successors_;
  const std::vector<RawLoop>& loops_;
  std::vector<LoopId> innermost_;
  std::vector<LoopId> parent_;
};

}  // namespace

ControlFlowGraph ControlFlowGraph::build(const ir::Function& function,
                                         std::span<const std::uint32_t> split_at) {
  ControlFlowGraph result;
  result.block_of_.assign(function.operations.size(), kNoBlock);
  RawGraph raw = split(function, split_at);
  if (raw.blocks.empty()) return result;

  const std::size_t size = raw.blocks.size();
  std::vector<std::vector<BlockId>> successors(size), predecessors(size);
  for (BlockId id = 0; id < size; ++id) successors[id] = raw.blocks[id].successors;
  const std::vector<BlockId> first_order = reverse_post_order(successors, 0);
  for (BlockId id : first_order) {
    for (BlockId target : successors[id]) predecessors[target].push_back(id);
  }
  const std::vector<BlockId> idom = immediate_dominators(predecessors, first_order, size);
  const std::vector<RawLoop> raw_loops =
      natural_loops(successors, predecessors, first_order, idom, result.reducible_);
  LoopContiguousOrder ordering(successors, raw_loops);
  const std::vector<BlockId> order = ordering.run(0);

  std::vector<BlockId> renumbered(size, kNoBlock);
  for (BlockId i = 0; i < order.size(); ++i) renumbered[order[i]] = i;
  const auto renumber = [&](BlockId id) { return id == kNoBlock ? kNoBlock : renumbered[id]; };

  for (BlockId old_id : order) {
    BasicBlock block = raw.blocks[old_id];
    for (BlockId& id : block.successors) id = renumbered[id];
    for (BlockId id : predecessors[old_id]) block.predecessors.push_back(renumbered[id]);
    block.fall_through = renumber(block.fall_through);
    block.immediate_dominator = old_id == 0 ? kNoBlock : renumbered[idom[old_id]];
    block.loop = ordering.innermost(old_id);
    for (std::uint32_t i = block.first; i < block.last; ++i) result.block_of_[i] = renumbered[old_id];
    result.blocks_.push_back(std::move(block));
  }

  for (LoopId id = 0; id < raw_loops.size(); ++id) {
    Loop loop;
    loop.header = renumbered[raw_loops[id].header];
    loop.parent = ordering.parent(id);
    loop.last = loop.header;
    for (BlockId old_id : raw_loops[id].body) loop.last = std::max(loop.last, renumbered[old_id]);
    for (BlockId at = loop.header; at <= loop.last; ++at) {
      for (BlockId target : result.blocks_[at].successors) {
        if (target == loop.header) loop.latches.push_back(at);
        const bool inside = target >= loop.header && target <= loop.last;
        if (!inside && std::ranges::find(loop.exits, target) == loop.exits.end())
          loop.exits.push_back(target);
      }
    }
    result.loops_.push_back(std::move(loop));
  }

  // Post-dominators: dominators of the reversed graph from a virtual exit, which is the node after the last
  // block.
  const auto exit_node = static_cast<BlockId>(result.blocks_.size());
  std::vector<std::vector<BlockId>> reverse(exit_node + 1), reverse_predecessors(exit_node + 1);
  for (BlockId id = 0; id < exit_node; ++id) {
    const BasicBlock& block = result.blocks_[id];
    for (BlockId target : block.successors) {
      reverse[target].push_back(id);
      reverse_predecessors[id].push_back(target);
    }
    if (block.may_exit) {
      reverse[exit_node].push_back(id);
      reverse_predecessors[id].push_back(exit_node);
    }
  }
  const std::vector<BlockId> reverse_order = reverse_post_order(reverse, exit_node);
  const std::vector<BlockId> ipdom = immediate_dominators(reverse_predecessors, reverse_order, exit_node + 1);
  for (BlockId id = 0; id < exit_node; ++id) {
    result.blocks_[id].immediate_post_dominator = ipdom[id] == exit_node ? kNoBlock : ipdom[id];
  }
  return result;
}

bool ControlFlowGraph::dominates(BlockId above, BlockId below) const {
  // A dominator has a smaller number than all it dominates.
  while (below != kNoBlock && below > above) below = blocks_[below].immediate_dominator;
  return below == above;
}

}  // namespace doppel::analysis
