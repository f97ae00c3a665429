// SPDX-License-Identifier: Apache-2.0
#include "analysis/control_flow_graph.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>

namespace doppel::analysis {
namespace {

// Builds a function out of branches, returns and plain operations, enough for its control flow.
class FunctionBuilder {
 public:
  FunctionBuilder& label(const std::string& name) {
    places_[label_id(name)] = static_cast<std::uint32_t>(function_.operations.size());
    return *this;
  }
  FunctionBuilder& plain() { return add(ir::Op::Mov); }
  FunctionBuilder& ret() { return add(ir::Op::Return); }
  FunctionBuilder& ret_if() {
    add(ir::Op::Return);
    function_.operations.back().guard = ir::Guard{};
    return *this;
  }
  FunctionBuilder& bra(const std::string& target) {
    add(ir::Op::Branch);
    function_.operations.back().targets.push_back(label_id(target));  // a block's number until build()
    return *this;
  }
  FunctionBuilder& bra_if(const std::string& target) {
    bra(target);
    function_.operations.back().guard = ir::Guard{};
    return *this;
  }
  // To be called once, when all is said.
  const ir::Function& build() {
    const auto count = static_cast<std::uint32_t>(function_.operations.size());
    std::set<std::uint32_t> leaders{0};
    leaders.insert(places_.begin(), places_.end());
    for (std::uint32_t i = 0; i + 1 < count; ++i) {
      if (ir::ends_block(function_.operations[i])) leaders.insert(i + 1);
    }
    for (const std::uint32_t leader : leaders) {
      if (!function_.blocks.empty()) function_.blocks.back().last = leader;
      function_.blocks.push_back({leader, count});
    }
    for (ir::Operation& operation : function_.operations) {
      for (ir::BlockId& target : operation.targets) {
        target =
            static_cast<ir::BlockId>(std::ranges::find(function_.blocks, places_[target], &ir::Block::first) -
                                     function_.blocks.begin());
      }
    }
    return function_;
  }
  // The block that starts at the label.
  BlockId at(const ControlFlowGraph& graph, const std::string& name) {
    return graph.block_of(places_[label_id(name)]);
  }

 private:
  FunctionBuilder& add(ir::Op op) {
    function_.operations.emplace_back().op = op;
    return *this;
  }
  std::uint32_t label_id(const std::string& name) {
    const auto [found, added] = labels_.try_emplace(name, static_cast<std::uint32_t>(places_.size()));
    if (added) places_.push_back(0);
    return found->second;
  }
  ir::Function function_;
  std::vector<std::uint32_t> places_;  // by label: the operation behind it
  std::map<std::string, std::uint32_t> labels_;
};

TEST(ControlFlowGraph, StraightLineIsOneBlock) {
  FunctionBuilder f;
  f.plain().plain().ret();
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.blocks().size(), 1u);
  EXPECT_EQ(graph.blocks()[0].last, 3u);
  EXPECT_EQ(graph.blocks()[0].immediate_post_dominator, kNoBlock);
  EXPECT_TRUE(graph.reducible());
}

TEST(ControlFlowGraph, DiamondMeetsAtItsPostDominator) {
  FunctionBuilder f;
  f.plain().bra_if("else").plain().bra("join").label("else").plain().label("join").ret();
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.blocks().size(), 4u);
  const BlockId join = f.at(graph, "join");
  EXPECT_EQ(join, 3u) << "the join comes after both arms";
  EXPECT_EQ(graph.blocks()[0].immediate_post_dominator, join);
  EXPECT_EQ(graph.blocks()[join].immediate_dominator, 0u);
  EXPECT_EQ(graph.blocks()[join].predecessors.size(), 2u);
  EXPECT_TRUE(graph.dominates(0, join));
  EXPECT_FALSE(graph.dominates(1, join));
}

TEST(ControlFlowGraph, AGuardedReturnFallsThrough) {
  FunctionBuilder f;
  f.plain().ret_if().plain().ret();
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.blocks().size(), 2u);
  EXPECT_EQ(graph.blocks()[0].successors, std::vector<BlockId>{1});
  EXPECT_EQ(graph.blocks()[0].immediate_post_dominator, kNoBlock)
      << "some lanes leave, so block 1 does not post-dominate";
}

TEST(ControlFlowGraph, LoopBlocksAreContiguousAndExitsComeAfter) {
  // The loop's exit stands before the rest of its body in the text, as compilers often place it.
  FunctionBuilder f;
  f.plain().label("head").bra_if("body").label("exit").plain().ret().label("body").bra_if("tail").plain();
  f.label("tail").bra("head");
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.loops().size(), 1u);
  const Loop& loop = graph.loops()[0];
  EXPECT_EQ(loop.header, f.at(graph, "head"));
  EXPECT_EQ(loop.last - loop.header + 1, 4u);
  ASSERT_EQ(loop.exits.size(), 1u);
  EXPECT_EQ(loop.exits[0], f.at(graph, "exit"));
  EXPECT_GT(f.at(graph, "exit"), loop.last);
  EXPECT_EQ(loop.latches, std::vector<BlockId>{f.at(graph, "tail")});
  EXPECT_EQ(graph.blocks()[f.at(graph, "exit")].loop, kNoLoop);
}

TEST(ControlFlowGraph, NestedLoopsKnowTheirParents) {
  FunctionBuilder f;
  f.label("outer").plain().label("inner").plain().bra_if("inner").plain().bra_if("outer").label("end").ret();
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.loops().size(), 2u);
  const BasicBlock& inner = graph.blocks()[f.at(graph, "inner")];
  const LoopId parent = graph.loops()[inner.loop].parent;
  ASSERT_NE(parent, kNoLoop);
  EXPECT_EQ(graph.loops()[parent].header, f.at(graph, "outer"));
  EXPECT_EQ(graph.loops()[parent].parent, kNoLoop);
  EXPECT_EQ(f.at(graph, "end"), graph.blocks().size() - 1);
}

TEST(ControlFlowGraph, TwoEntriesToACycleAreIrreducible) {
  FunctionBuilder f;
  f.bra_if("b").label("a").plain().bra("b").label("b").bra_if("a").ret();
  // a -> b -> a is entered at a (fall-through) and at b (branch).
  EXPECT_FALSE(ControlFlowGraph::build(f.build()).reducible());
}

TEST(ControlFlowGraph, UnreachableBlocksAreDropped) {
  FunctionBuilder f;
  f.plain().bra("end").plain().label("end").ret();
  const auto graph = ControlFlowGraph::build(f.build());
  EXPECT_EQ(graph.blocks().size(), 2u);
  EXPECT_EQ(graph.block_of(2), kNoBlock);
}

TEST(ControlFlowGraph, ABranchToTheEndOfTheTextIsAnExit) {
  FunctionBuilder f;
  f.plain().bra_if("end").plain().ret().label("end");
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.blocks().size(), 2u);
  EXPECT_EQ(graph.blocks()[0].successors, std::vector<BlockId>{1});
  EXPECT_EQ(graph.blocks()[0].immediate_post_dominator, kNoBlock);
}

TEST(ControlFlowGraph, AnEndlessLoopHasNoPostDominator) {
  FunctionBuilder f;
  f.plain().label("spin").plain().bra("spin");
  const auto graph = ControlFlowGraph::build(f.build());
  EXPECT_EQ(graph.blocks()[0].immediate_post_dominator, kNoBlock);
  EXPECT_EQ(graph.blocks()[1].immediate_post_dominator, kNoBlock);
}

TEST(ControlFlowGraph, ALoopAtTheEntry) {
  FunctionBuilder f;
  f.label("head").plain().bra_if("head").ret();
  const auto graph = ControlFlowGraph::build(f.build());
  ASSERT_EQ(graph.loops().size(), 1u);
  EXPECT_EQ(graph.loops()[0].header, 0u);
  EXPECT_EQ(graph.blocks()[0].immediate_dominator, kNoBlock);
}

}  // namespace
}  // namespace doppel::analysis
