// Branches and reconvergence in structured mode: see analysis/pending_blocks.h for the order in which a
// warp's blocks run.
#include <llvm/IR/MDBuilder.h>

#include <cstddef>

#include "jit/lower.h"

namespace doppel::jit {

using analysis::BlockId;
using ir::Op;
using ir::Operation;
using llvm::Value;

bool FunctionEmitter::leaves(BlockId block) const {
  return analysis::only_leaves(function_, graph_.blocks()[block]);
}

// Lanes of the block by where they go next. An edge without a target leaves the function.
std::vector<FunctionEmitter::Edge> FunctionEmitter::edges_of(BlockId block, const Operation& last) {
  const analysis::BasicBlock& basic = graph_.blocks()[block];
  const auto block_at = [&](ir::BlockId target) -> std::optional<BlockId> {
    const std::uint32_t index = function_.blocks[target].first;
    if (index >= function_.operations.size()) return std::nullopt;
    return graph_.block_of(index);
  };
  const auto fall_through = [&]() -> std::optional<BlockId> {
    return basic.fall_through == analysis::kNoBlock ? std::nullopt : std::optional(basic.fall_through);
  };
  std::vector<Edge> edges;
  Value* taken = effective_mask_;
  if (last.op == Op::Branch) {
    edges.push_back({block_at(last.targets[0]), taken});
  } else if (last.op == Op::BranchTable) {
    Value* index = read_vector(last.sources[0], ir::Type::U32);
    for (std::uint32_t i = 0; i < last.targets.size(); ++i) {
      Value* here = builder_.CreateBitCast(builder_.CreateICmpEQ(index, constant(index->getType(), i)),
                                           builder_.getInt32Ty());
      edges.push_back({block_at(last.targets[i]), builder_.CreateAnd(taken, here)});
    }
  } else if (ir::ends_block(last)) {
    edges.push_back({std::nullopt, taken});
  } else {
    edges.push_back({fall_through(), block_mask_});
    return edges;
  }
  if (last.guard)
    edges.push_back({fall_through(), builder_.CreateAnd(block_mask_, builder_.CreateNot(taken))});
  return edges;
}

void FunctionEmitter::leave(Value* lanes, bool exits_thread) {
  builder_.CreateStore(builder_.CreateAnd(live_mask(), builder_.CreateNot(lanes)), live_);
  if (!function_.is_kernel && !exits_thread) {
    // What a returning lane left in the registers of the result is the caller's.
    for (std::size_t i = 0; i < function_.return_registers.size(); ++i) {
      if (function_.return_parameters[i].space != ir::Space::Reg) continue;
      Value* value = materialize(load_register(function_.return_registers[i]));
      Value* memory =
          parameter_memory({ir::SymbolRef::Scope::ReturnParameter, static_cast<std::uint32_t>(i)});
      Value* active = builder_.CreateBitCast(lanes, vector_of(builder_.getInt1Ty()));
      builder_.CreateMaskedStore(value, memory, llvm::Align(1), active);
    }
    return;
  }
  if (function_.is_kernel) return;  // nobody asks who has left before a call
  Value* address = context_field_address(offsetof(WarpContext, exited_mask));
  builder_.CreateStore(builder_.CreateOr(builder_.CreateLoad(builder_.getInt32Ty(), address), lanes),
                       address);
}

// An edge to a block that only leaves: its lanes are counted as having entered it.
void FunctionEmitter::emit_leaving_edge(BlockId through, Value* lanes) {
  count_block(through, lanes, /*may_be_empty=*/true);
  leave(lanes, function_.operations[graph_.blocks()[through].first].op == Op::Exit);
}

// Lanes that are to run `target` when its turn comes.
void FunctionEmitter::add_pending(BlockId target, Value* lanes) {
  if (analysis().pending().convergent(target)) return;  // then all that live are there
  if (scheduled_) {
    add_scheduler_lanes(scheduler_.waiting, target, lanes);
    return;
  }
  llvm::AllocaInst* slot = pending_[target];
  builder_.CreateStore(builder_.CreateOr(builder_.CreateLoad(builder_.getInt32Ty(), slot), lanes), slot);
}

void FunctionEmitter::emit_terminator(BlockId block) {
  const Operation& last = function_.operations[at_];
  set_guard(last);
  const analysis::PendingBlocks& pending = analysis().pending();
  const bool convergent = pending.convergent(block);
  const bool exits_thread = last.op == Op::Exit;

  const auto jump = [&](std::optional<BlockId> target, Value* lanes) {
    if (!target) {
      leave(lanes, exits_thread);
      builder_.CreateBr(end_);
    } else if (leaves(*target)) {
      emit_leaving_edge(*target, lanes);
      builder_.CreateBr(end_);
    } else {
      add_pending(*target, lanes);
      builder_.CreateBr(scheduled_ && !pending.convergent(*target) ? scheduler_.dispatch : body_[*target]);
    }
  };

  if (last.op == Op::Trap) {
    llvm::BasicBlock* trapped = llvm::BasicBlock::Create(context(), "trap", into_);
    llvm::BasicBlock* passed = llvm::BasicBlock::Create(context(), "passed", into_);
    builder_.CreateCondBr(builder_.CreateICmpNE(effective_mask_, i32(0)), trapped, passed);
    builder_.SetInsertPoint(trapped);
    llvm::Type* word = builder_.getInt32Ty();
    callback(offsetof(RuntimeCallbacks, trap),
             llvm::FunctionType::get(builder_.getVoidTy(), {builder_.getPtrTy(), word, word, word}, false),
             {context_, effective_mask_, i32(id_), i32(at_)});
    builder_.CreateUnreachable();
    builder_.SetInsertPoint(passed);
  }

  // All lanes are here, and all take the same way: a plain branch.
  const bool uniform_guard = guard_ == nullptr || !guard_->getType()->isVectorTy();
  if (convergent && uniform_guard && last.op != Op::BranchTable) {
    std::vector<Edge> edges = edges_of(block, last);
    if (edges.size() == 1) {
      jump(edges[0].target, block_mask_);
      return;
    }
    llvm::BasicBlock* taken = llvm::BasicBlock::Create(context(), "taken", into_);
    llvm::BasicBlock* passed = llvm::BasicBlock::Create(context(), "passed", into_);
    builder_.CreateCondBr(guard_, taken, passed);
    builder_.SetInsertPoint(taken);
    jump(edges[0].target, block_mask_);
    builder_.SetInsertPoint(passed);
    jump(edges[1].target, block_mask_);
    return;
  }

  const std::vector<Edge> edges = edges_of(block, last);
  if (all_lanes_stay_ && stay_together(block, edges)) return;
  bool left = false;
  for (const Edge& edge : edges) {
    if (!edge.target) {
      leave(edge.lanes, exits_thread);
      left = true;
    } else if (leaves(*edge.target)) {
      emit_leaving_edge(*edge.target, edge.lanes);
      left = true;
    } else {
      add_pending(*edge.target, edge.lanes);
    }
  }
  const analysis::BranchFact& fact = analysis().branches()[block];
  if (convergent && !fact.divergent && fact.successors.size() == 1) {
    // Some lanes may have left; the others go on together.
    const BlockId target = fact.successors[0];
    llvm::BasicBlock* next = scheduled_ && !pending.convergent(target) ? scheduler_.dispatch : body_[target];
    if (left) {
      builder_.CreateCondBr(builder_.CreateICmpNE(live_mask(), i32(0)), next, end_);
    } else {
      builder_.CreateBr(next);
    }
    return;
  }
  const analysis::BlockSet after = convergent && !fact.divergent && fact.successors.empty()
                                       ? analysis::BlockSet(graph_.blocks().size(), false)
                                       : pending.after(analysis().branches(), block);
  if (convergent && !fact.divergent && fact.successors.size() > 1) {
    // A uniform table branch: the lanes' masks tell which target it was.
    llvm::BasicBlock* rest = nullptr;
    for (const Edge& edge : edges) {
      if (!edge.target || leaves(*edge.target)) continue;
      rest = llvm::BasicBlock::Create(context(), "next", into_);
      llvm::BasicBlock* next =
          scheduled_ && !pending.convergent(*edge.target) ? scheduler_.dispatch : body_[*edge.target];
      builder_.CreateCondBr(builder_.CreateICmpNE(edge.lanes, i32(0)), next, rest);
      builder_.SetInsertPoint(rest);
    }
    builder_.CreateBr(end_);
    return;
  }
  if (scheduled_) {
    go_to_dispatch(block);
    return;
  }
  const BlockId next = analysis::PendingBlocks::next(graph_, block, after);
  builder_.CreateBr(next == analysis::kNoBlock ? end_ : arrival(next));
}

// A loop gives others a turn now and then, so that a launch can be cancelled and a loop that waits for
// another warp ends.
void FunctionEmitter::poll_loop(BlockId header) {
  const analysis::Loop& loop = graph_.loops()[graph_.blocks()[header].loop];
  bool waits = false;
  for (std::uint32_t i = 0; i < function_.operations.size(); ++i) {
    const BlockId at = graph_.block_of(i);
    if (at == analysis::kNoBlock || at < loop.header || at > loop.last) continue;
    const Operation& operation = function_.operations[i];
    switch (ir::row(operation).memory) {
      case ir::MemoryEffect::Atomic:
      case ir::MemoryEffect::Call:
        waits = true;
        break;
      case ir::MemoryEffect::Load:
        waits |= operation.accesses[0].is_strong();
        break;
      case ir::MemoryEffect::None:
      case ir::MemoryEffect::Store:
      case ir::MemoryEffect::Reduce:
      case ir::MemoryEffect::Hint:
      case ir::MemoryEffect::Fence:
        break;
    }
    waits |= ir::row(operation).clock == ir::Clock::Spends;
  }
  Value* left =
      builder_.CreateSub(builder_.CreateLoad(builder_.getInt32Ty(), poll_), i32(waits ? 1u << 11 : 1));
  builder_.CreateStore(left, poll_);
  llvm::BasicBlock* turn = llvm::BasicBlock::Create(context(), "yield", into_);
  llvm::BasicBlock* go = llvm::BasicBlock::Create(context(), "go", into_);
  llvm::MDBuilder metadata(context());
  builder_.CreateCondBr(builder_.CreateICmpSLE(left, i32(0)), turn, go,
                        metadata.createBranchWeights(1, 1 << 20));
  builder_.SetInsertPoint(turn);
  call_yield();
  builder_.CreateStore(i32(1u << 16), poll_);
  builder_.CreateBr(go);
  builder_.SetInsertPoint(go);
}

}  // namespace doppel::jit
