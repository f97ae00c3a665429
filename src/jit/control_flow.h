// SPDX-License-Identifier: Apache-2.0
// From block to block: which lanes run a block when, and where they go behind it.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "jit/function_emitter.h"

namespace doppel::jit {

class ControlFlow {
 public:
  // end: where a warp is sent that has no lane left.
  static std::unique_ptr<ControlFlow> make(FunctionEmitter& emitter, llvm::BasicBlock* end);
  virtual ~ControlFlow() = default;
  ControlFlow(const ControlFlow&) = delete;
  ControlFlow& operator=(const ControlFlow&) = delete;

  // In the function's entry.
  virtual void prepare() = 0;
  // Where the code of all blocks will stand; once more where there is code for 32 lanes and for some
  // (FullCode::First). all_stay: no lane leaves in it while others stay.
  void make_blocks(bool all_stay);
  // From here to the first block.
  void start();
  void emit_blocks();
  // What stands behind all blocks.
  virtual void finish() {}

  // For the lowering of operations.
  // Lanes that arrive at the barrier that the current block begins with: those of other places, too.
  virtual llvm::Value* barrier_lanes() { return lanes_.mask(); }
  void lanes_left_in_call();  // takes out the lanes that exited inside of a call

 protected:
  ControlFlow(FunctionEmitter& emitter, llvm::BasicBlock* end);

  struct Edge {
    std::optional<analysis::BlockId> target;  // none: lanes leave
    llvm::Value* lanes = nullptr;             // i32
  };

  virtual void make_block(analysis::BlockId block);
  // Code in front of a block's own.
  virtual void enter(analysis::BlockId /*block*/) {}
  // Sets the lanes of a block that does not run with all that are left.
  virtual void begin_some(analysis::BlockId block) = 0;
  virtual void begin_loop(analysis::BlockId /*header*/) {}
  // Lanes that are to run `target`, which is not convergent, when its turn comes.
  virtual void add_pending(analysis::BlockId target, llvm::Value* lanes) = 0;
  // Where lanes go that are to run `target` next.
  virtual llvm::BasicBlock* way_to(analysis::BlockId target) { return body_[target]; }
  // Behind a block whose lanes may have parted: each stands at its next block already.
  virtual void go_on(analysis::BlockId block) = 0;

  bool convergent(analysis::BlockId block) const { return pending_blocks_.convergent(block); }
  bool leaves(analysis::BlockId block) const;
  bool unreachable(analysis::BlockId block) const {
    return graph_.blocks()[block].predecessors.empty() && block != 0;
  }
  void send(analysis::BlockId target, llvm::Value* lanes);
  void leave(llvm::Value* lanes, bool exits_thread);
  void emit_leaving_edge(analysis::BlockId through, llvm::Value* lanes);
  const ir::Operation& first_of(analysis::BlockId block) const {
    return function_.operations[graph_.blocks()[block].first];
  }

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  const ir::Function& function_;
  const analysis::AnalysedFunction& analysed_;
  const analysis::ControlFlowGraph& graph_;
  const analysis::PendingBlocks& pending_blocks_;
  ActiveLanes& lanes_;
  llvm::BasicBlock* end_;
  std::vector<llvm::BasicBlock*> body_;  // by block

 private:
  void emit_block(analysis::BlockId block);
  void terminate(analysis::BlockId block);
  void trap_where(llvm::Value* lanes);
  void jump(const Edge& edge, bool exits_thread);
  void branch_together(const std::vector<Edge>& edges, bool exits_thread);
  bool stay_together(analysis::BlockId block, const std::vector<Edge>& edges);
  std::vector<Edge> edges_of(analysis::BlockId block, const ir::Operation& last);

  bool all_stay_ = false;  // of the blocks that are made now
  // By block: the end of its code for any lanes, where that takes over from the code for all 32.
  std::vector<llvm::BasicBlock*> partial_;
};

std::unique_ptr<ControlFlow> make_structured_flow(FunctionEmitter& emitter, llvm::BasicBlock* end);
std::unique_ptr<ControlFlow> make_scheduled_flow(FunctionEmitter& emitter, llvm::BasicBlock* end);

}  // namespace doppel::jit
