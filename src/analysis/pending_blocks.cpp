// SPDX-License-Identifier: Apache-2.0
#include "analysis/pending_blocks.h"

#include <algorithm>
#include <cstdint>
#include <span>

namespace doppel::analysis {
namespace {

bool none(const BlockSet& set) { return std::ranges::find(set, true) == set.end(); }

// Adds the members of `from` but `except` to `to`; true where something was new.
bool merge(BlockSet& to, const BlockSet& from, BlockId except) {
  bool changed = false;
  for (BlockId id = 0; id < to.size(); ++id) {
    if (from[id] && !to[id] && id != except) {
      to[id] = true;
      changed = true;
    }
  }
  return changed;
}

// Sets of blocks in words, so that unions of many are quick.
class BlockSets {
 public:
  explicit BlockSets(std::size_t size) : words_((size + 63) / 64), bits_(words_ * size, 0) {}
  bool has(BlockId set, BlockId block) const {
    return (bits_[set * words_ + block / 64] >> (block % 64) & 1) != 0;
  }
  void add(BlockId set, BlockId block) {
    bits_[set * words_ + block / 64] |= std::uint64_t{1} << (block % 64);
  }
  std::span<const std::uint64_t> words(BlockId set) const { return {bits_.data() + set * words_, words_}; }
  void add_all(BlockId set, std::span<const std::uint64_t> words) {
    for (std::size_t word = 0; word < words_; ++word) bits_[set * words_ + word] |= words[word];
  }

 private:
  std::size_t words_;
  std::vector<std::uint64_t> bits_;
};

BlockSets reachability(const std::vector<BranchFact>& branches) {
  const std::size_t size = branches.size();
  BlockSets reach(size);
  for (BlockId from = 0; from < size; ++from) {
    std::vector<BlockId> work(branches[from].successors);
    while (!work.empty()) {
      const BlockId at = work.back();
      work.pop_back();
      if (reach.has(from, at)) continue;
      reach.add(from, at);
      for (BlockId successor : branches[at].successors) work.push_back(successor);
    }
  }
  return reach;
}

}  // namespace

BlockId PendingBlocks::next(const ControlFlowGraph& graph, BlockId block, const BlockSet& pending) {
  BlockId from = block + 1;
  for (LoopId loop = graph.blocks()[block].loop; loop != kNoLoop; loop = graph.loops()[loop].parent) {
    const Loop& at = graph.loops()[loop];
    for (; from <= at.last; ++from) {
      if (pending[from]) return from;
    }
    if (pending[at.header]) return at.header;
  }
  for (; from < pending.size(); ++from) {
    if (pending[from]) return from;
  }
  return kNoBlock;
}

BlockSet PendingBlocks::after(const std::vector<BranchFact>& branches, BlockId block) const {
  BlockSet result = during_[block];
  for (BlockId successor : branches[block].successors) result[successor] = true;
  return result;
}

PendingBlocks PendingBlocks::structured(const ControlFlowGraph& graph,
                                        const std::vector<BranchFact>& branches) {
  const std::size_t size = graph.blocks().size();
  PendingBlocks result;
  result.during_.assign(size, BlockSet(size, false));
  result.tested_.assign(size, false);
  std::vector<bool> reached(size, false);
  if (size == 0) return result;
  reached[0] = true;

  const auto arrive = [&](BlockId block, const BlockSet& pending) {
    const bool first = !reached[block];
    reached[block] = true;
    return merge(result.during_[block], pending, block) || first;
  };
  for (bool changed = true; changed;) {
    changed = false;
    for (BlockId id = 0; id < size; ++id) {
      if (!reached[id]) continue;
      const BlockSet& waiting = result.during_[id];
      if (none(waiting) && !branches[id].divergent) {
        for (BlockId successor : branches[id].successors) changed |= arrive(successor, waiting);
        continue;
      }
      const BlockSet after = result.after(branches, id);
      if (const BlockId candidate = next(graph, id, after); candidate != kNoBlock)
        changed |= arrive(candidate, after);
      if (const BlockId candidate = next(graph, id, waiting); candidate != kNoBlock) {
        changed |= arrive(candidate, waiting);
      }
    }
  }
  for (BlockId id = 0; id < size; ++id) {
    const BlockSet waiting = result.during_[id];
    result.convergent_.push_back(none(waiting));
    if (none(waiting) && !branches[id].divergent) continue;
    const BlockSet after = result.after(branches, id);
    if (const BlockId candidate = next(graph, id, after); candidate != kNoBlock)
      result.tested_[candidate] = true;
    if (const BlockId candidate = next(graph, id, waiting); candidate != kNoBlock)
      result.tested_[candidate] = true;
  }
  return result;
}

PendingBlocks PendingBlocks::scheduled(const ControlFlowGraph& graph,
                                       const std::vector<BranchFact>& branches) {
  const std::size_t size = graph.blocks().size();
  PendingBlocks result;
  result.during_.assign(size, BlockSet(size, false));
  result.tested_.assign(size, true);
  const BlockSets reach = reachability(branches);
  BlockSets during(size);
  // What several branches reach alike, such as the body of a loop, is merged once.
  std::vector<BlockId> merged;
  for (BlockId branch = 0; branch < size; ++branch) {
    if (!branches[branch].divergent) continue;
    const std::span<const std::uint64_t> reached = reach.words(branch);
    const auto same = [&](BlockId other) { return std::ranges::equal(reach.words(other), reached); };
    if (std::ranges::any_of(merged, same)) continue;
    merged.push_back(branch);
    for (BlockId id = 0; id < size; ++id) {
      if (reach.has(branch, id)) during.add_all(id, reached);
    }
  }
  for (BlockId id = 0; id < size; ++id) {
    for (BlockId other = 0; other < size; ++other) result.during_[id][other] = during.has(id, other);
  }
  for (BlockId id = 0; id < size; ++id) result.convergent_.push_back(none(result.during_[id]));
  return result;
}

}  // namespace doppel::analysis
