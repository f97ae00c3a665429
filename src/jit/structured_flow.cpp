// SPDX-License-Identifier: Apache-2.0
// Blocks in the order of the code, with masks: see analysis/pending_blocks.h for the order in which a warp's
// blocks run.
#include <llvm/IR/MDBuilder.h>

#include "jit/control_flow.h"
#include "jit/launch_context.h"
#include "jit/register_file.h"

namespace doppel::jit {
namespace {

using analysis::BlockId;
using ir::Operation;
using llvm::Value;

// A loop's rounds before others get a turn; one that may wait for another warp counts as many at once.
constexpr std::uint32_t kRounds = 1u << 16;
constexpr std::uint32_t kWaitingRound = 1u << 11;

// Whether the operation may be a loop's way to see what another warp does.
bool may_look_at_others(const Operation& operation) {
  if (ir::row(operation).clock == ir::Clock::Spends) return true;
  switch (ir::row(operation).memory) {
    case ir::MemoryEffect::Atomic:
    case ir::MemoryEffect::Call:
      return true;
    case ir::MemoryEffect::Load:
      return operation.accesses[0].is_strong();
    case ir::MemoryEffect::None:
    case ir::MemoryEffect::Store:
    case ir::MemoryEffect::Reduce:
    case ir::MemoryEffect::Hint:
    case ir::MemoryEffect::Fence:
    case ir::MemoryEffect::TextureLoad:
    case ir::MemoryEffect::SurfaceWrite:
      break;
  }
  return false;
}

class StructuredFlow final : public ControlFlow {
 public:
  StructuredFlow(FunctionEmitter& emitter, llvm::BasicBlock* end)
      : ControlFlow(emitter, end), rounds_(emitter.stack_slot(b_.getInt32Ty(), "rounds")) {}

  void prepare() override {
    b_.CreateStore(b_.getInt32(kRounds), rounds_);
    pending_.assign(graph_.blocks().size(), nullptr);
    enter_.assign(graph_.blocks().size(), nullptr);
    for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
      if (convergent(id)) continue;
      pending_[id] = emitter_.stack_slot(b_.getInt32Ty(), "pending");
      b_.CreateStore(b_.getInt32(0), pending_[id]);
    }
  }

 private:
  void make_block(BlockId block) override {
    ControlFlow::make_block(block);
    enter_[block] =
        pending_blocks_.tested(block) ? emitter_.new_block("enter" + llvm::Twine(block)) : nullptr;
  }

  llvm::BasicBlock* arrival(BlockId block) { return enter_[block] != nullptr ? enter_[block] : body_[block]; }
  // Where a warp goes whose lanes may wait in `pending`.
  llvm::BasicBlock* next(BlockId block, const analysis::BlockSet& pending) {
    const BlockId next = analysis::PendingBlocks::next(graph_, block, pending);
    return next == analysis::kNoBlock ? end_ : arrival(next);
  }

  Value* lanes_at(BlockId block) { return b_.CreateLoad(b_.getInt32Ty(), pending_[block]); }

  void enter(BlockId block) override {
    if (enter_[block] == nullptr) return;
    b_.SetInsertPoint(enter_[block]);
    Value* lanes = convergent(block) ? lanes_.live() : lanes_at(block);
    b_.CreateCondBr(b_.CreateICmpNE(lanes, b_.getInt32(0)), body_[block],
                    next(block, pending_blocks_.during(block)));
  }

  void begin_some(BlockId block) override {
    lanes_.set_block(lanes_at(block));
    b_.CreateStore(b_.getInt32(0), pending_[block]);
  }

  void add_pending(BlockId target, Value* lanes) override {
    b_.CreateStore(b_.CreateOr(lanes_at(target), lanes), pending_[target]);
  }

  void go_on(BlockId block) override {
    const analysis::BranchFact& fact = analysed_.lanes.branches()[block];
    const bool all_left = convergent(block) && !fact.divergent && fact.successors.empty();
    b_.CreateBr(next(block, all_left ? analysis::BlockSet(graph_.blocks().size(), false)
                                     : pending_blocks_.after(analysed_.lanes.branches(), block)));
  }

  // A loop gives others a turn now and then, so that a launch can be cancelled and a loop that waits for
  // another warp ends.
  void begin_loop(BlockId header) override {
    emitter_.registers().drop_dead(header);
    const analysis::Loop& loop = graph_.loops()[graph_.blocks()[header].loop];
    bool waits = false;
    for (std::uint32_t i = 0; i < function_.operations.size() && !waits; ++i) {
      const BlockId at = graph_.block_of(i);
      waits = at != analysis::kNoBlock && at >= loop.header && at <= loop.last &&
              may_look_at_others(function_.operations[i]);
    }
    Value* left =
        b_.CreateSub(b_.CreateLoad(b_.getInt32Ty(), rounds_), b_.getInt32(waits ? kWaitingRound : 1));
    b_.CreateStore(left, rounds_);
    llvm::BasicBlock* turn = emitter_.new_block("yield");
    llvm::BasicBlock* go = emitter_.new_block("go");
    b_.CreateCondBr(b_.CreateICmpSLE(left, b_.getInt32(0)), turn, go,
                    llvm::MDBuilder(emitter_.context()).createBranchWeights(1, 1 << 20));
    b_.SetInsertPoint(turn);
    emitter_.launch().yield();
    b_.CreateStore(b_.getInt32(kRounds), rounds_);
    b_.CreateBr(go);
    b_.SetInsertPoint(go);
  }

  llvm::AllocaInst* rounds_;                // that a loop may go on without giving a turn
  std::vector<llvm::AllocaInst*> pending_;  // by block: lanes that are to run it; null where convergent
  std::vector<llvm::BasicBlock*> enter_;    // by block: tests for such lanes; null: not tested
};

}  // namespace

std::unique_ptr<ControlFlow> make_structured_flow(FunctionEmitter& emitter, llvm::BasicBlock* end) {
  return std::make_unique<StructuredFlow>(emitter, end);
}

}  // namespace doppel::jit
