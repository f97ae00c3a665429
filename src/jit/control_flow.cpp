// SPDX-License-Identifier: Apache-2.0
#include "jit/control_flow.h"

#include <cstddef>

#include "jit/block_counters.h"
#include "jit/function_entry.h"
#include "jit/launch_context.h"
#include "jit/register_file.h"

namespace doppel::jit {

using analysis::BlockId;
using ir::Op;
using ir::Operation;
using llvm::Value;

std::unique_ptr<ControlFlow> ControlFlow::make(FunctionEmitter& emitter, llvm::BasicBlock* end) {
  return emitter.analysed().scheduled() ? make_scheduled_flow(emitter, end)
                                        : make_structured_flow(emitter, end);
}

ControlFlow::ControlFlow(FunctionEmitter& emitter, llvm::BasicBlock* end)
    : emitter_(emitter),
      b_(emitter.b()),
      function_(emitter.function()),
      analysed_(emitter.analysed()),
      graph_(analysed_.graph),
      pending_blocks_(analysed_.lanes.pending()),
      lanes_(emitter.lanes()),
      end_(end),
      body_(graph_.blocks().size(), nullptr),
      partial_(graph_.blocks().size(), nullptr) {}

bool ControlFlow::leaves(BlockId block) const {
  return analysis::only_leaves(function_, graph_.blocks()[block]);
}

void ControlFlow::make_block(BlockId block) {
  body_[block] = emitter_.new_block("block" + llvm::Twine(block));
}

void ControlFlow::make_blocks(bool all_stay) {
  all_stay_ = all_stay;
  for (BlockId id = 0; id < graph_.blocks().size(); ++id) make_block(id);
}

void ControlFlow::start() {
  if (graph_.blocks().empty()) {
    b_.CreateBr(end_);
    return;
  }
  send(0, lanes_.live());
  b_.CreateBr(way_to(0));
}

void ControlFlow::emit_blocks() {
  for (BlockId id = 0; id < graph_.blocks().size(); ++id) emit_block(id);
}

void ControlFlow::emit_block(BlockId block) {
  const analysis::BasicBlock& basic = graph_.blocks()[block];
  if (unreachable(block)) {
    b_.SetInsertPoint(body_[block]);
    b_.CreateUnreachable();
    return;
  }
  emitter_.registers().begin_block(block, body_[block]);
  enter(block);
  b_.SetInsertPoint(body_[block]);
  if (convergent(block)) {
    lanes_.set_block(all_stay_ ? b_.getInt32(~0u) : lanes_.live());
  } else {
    begin_some(block);
  }
  emitter_.counters().count(block, lanes_.block_mask());
  if (basic.loop != analysis::kNoLoop && graph_.loops()[basic.loop].header == block) begin_loop(block);
  const bool has_terminator = ir::ends_block(function_.operations[basic.last - 1]);
  for (std::uint32_t i = basic.first; i < basic.last; ++i) {
    emitter_.set_position(block, i);
    if (has_terminator && i + 1 == basic.last) break;
    emitter_.emit_operation();
  }
  lanes_.clear_guard();
  if (has_terminator) emitter_.check_uses();
  if (!all_stay_ && partial_[block] != nullptr) {
    b_.CreateBr(partial_[block]);
    b_.SetInsertPoint(partial_[block]);
    lanes_.set_block(lanes_.live());
  }
  terminate(block);
}

// Lanes of the block by where they go next. An edge without a target leaves the function.
std::vector<ControlFlow::Edge> ControlFlow::edges_of(BlockId block, const Operation& last) {
  const auto block_at = [&](ir::BlockId target) -> std::optional<BlockId> {
    const std::uint32_t index = function_.blocks[target].first;
    if (index >= function_.operations.size()) return std::nullopt;
    return graph_.block_of(index);
  };
  const BlockId behind = graph_.blocks()[block].fall_through;
  const auto fall_through = behind == analysis::kNoBlock ? std::nullopt : std::optional(behind);
  std::vector<Edge> edges;
  Value* taken = lanes_.mask();
  if (last.op == Op::Branch) {
    edges.push_back({block_at(last.targets[0]), taken});
  } else if (last.op == Op::BranchTable) {
    Value* index = emitter_.read_vector(last.sources[0], ir::Type::U32);
    for (std::uint32_t i = 0; i < last.targets.size(); ++i) {
      Value* here =
          b_.CreateBitCast(b_.CreateICmpEQ(index, emitter_.constant(index->getType(), i)), b_.getInt32Ty());
      edges.push_back({block_at(last.targets[i]), b_.CreateAnd(taken, here)});
    }
  } else if (ir::ends_block(last)) {
    edges.push_back({std::nullopt, taken});
  } else {
    edges.push_back({fall_through, lanes_.block_mask()});
    return edges;
  }
  if (last.guard) edges.push_back({fall_through, b_.CreateAnd(lanes_.block_mask(), b_.CreateNot(taken))});
  return edges;
}

void ControlFlow::leave(Value* lanes, bool exits_thread) {
  lanes_.set_live(b_.CreateAnd(lanes_.live(), b_.CreateNot(lanes)));
  if (function_.is_kernel) return;  // nobody asks who has left before a call
  LaunchContext& launch = emitter_.launch();
  if (exits_thread) {
    Value* address = launch.field_address(offsetof(WarpContext, exited_mask));
    b_.CreateStore(b_.CreateOr(b_.CreateLoad(b_.getInt32Ty(), address), lanes), address);
    return;
  }
  // What a returning lane left in the registers of the result is the caller's.
  for (std::size_t i = 0; i < function_.return_registers.size(); ++i) {
    if (function_.return_parameters[i].space != ir::Space::Reg) continue;
    Value* value = emitter_.materialize(emitter_.registers().load(function_.return_registers[i]));
    Value* memory =
        launch.parameter_memory({ir::SymbolRef::Scope::ReturnParameter, static_cast<std::uint32_t>(i)});
    Value* active = b_.CreateBitCast(lanes, emitter_.vector_of(b_.getInt1Ty()));
    b_.CreateMaskedStore(value, memory, llvm::Align(1), active);
  }
}

// An edge to a block that only leaves: its lanes are counted as having entered it.
void ControlFlow::emit_leaving_edge(BlockId through, Value* lanes) {
  emitter_.counters().count(through, lanes, /*may_be_empty=*/true);
  leave(lanes, first_of(through).op == Op::Exit);
}

void ControlFlow::send(BlockId target, Value* lanes) {
  if (!convergent(target)) add_pending(target, lanes);  // else all that live are there
}

// All lanes of the block go along this edge.
void ControlFlow::jump(const Edge& edge, bool exits_thread) {
  Value* lanes = lanes_.block_mask();
  if (!edge.target) {
    leave(lanes, exits_thread);
    b_.CreateBr(end_);
  } else if (leaves(*edge.target)) {
    emit_leaving_edge(*edge.target, lanes);
    b_.CreateBr(end_);
  } else {
    send(*edge.target, lanes);
    b_.CreateBr(way_to(*edge.target));
  }
}

// All lanes are here, and all take the same way: a plain branch.
void ControlFlow::branch_together(const std::vector<Edge>& edges, bool exits_thread) {
  if (edges.size() == 1) {
    jump(edges[0], exits_thread);
    return;
  }
  llvm::BasicBlock* taken = emitter_.new_block("taken");
  llvm::BasicBlock* passed = emitter_.new_block("passed");
  b_.CreateCondBr(lanes_.guard(), taken, passed);
  b_.SetInsertPoint(taken);
  jump(edges[0], exits_thread);
  b_.SetInsertPoint(passed);
  jump(edges[1], exits_thread);
}

// At the end of a block of the code for all 32 lanes. False: no lane leaves there, or all that go on do.
bool ControlFlow::stay_together(BlockId block, const std::vector<Edge>& edges) {
  const analysis::BranchFact& fact = analysed_.lanes.branches()[block];
  if (!convergent(block) || fact.divergent || fact.successors.size() != 1) return false;
  Value* leaving = nullptr;
  for (const Edge& edge : edges) {
    if (edge.target && !leaves(*edge.target)) continue;
    leaving = leaving == nullptr ? edge.lanes : b_.CreateOr(leaving, edge.lanes);
  }
  if (leaving == nullptr) return false;
  partial_[block] = emitter_.new_block("partial");
  b_.CreateCondBr(b_.CreateICmpEQ(leaving, b_.getInt32(0)), body_[fact.successors[0]], partial_[block],
                  emitter_.likely());
  return true;
}

void ControlFlow::trap_where(Value* lanes) {
  llvm::BasicBlock* trapped = emitter_.new_block("trap");
  llvm::BasicBlock* passed = emitter_.new_block("passed");
  b_.CreateCondBr(b_.CreateICmpNE(lanes, b_.getInt32(0)), trapped, passed);
  b_.SetInsertPoint(trapped);
  emitter_.launch().trap(lanes, emitter_.instruction_index());
  b_.SetInsertPoint(passed);
}

void ControlFlow::terminate(BlockId block) {
  const Operation& last = function_.operations[emitter_.instruction_index()];
  emitter_.set_guard(last);
  if (last.op == Op::Trap) trap_where(lanes_.mask());

  const bool exits_thread = last.op == Op::Exit;
  const bool uniform_guard = lanes_.guard() == nullptr || !lanes_.guard()->getType()->isVectorTy();
  const std::vector<Edge> edges = edges_of(block, last);
  if (convergent(block) && uniform_guard && last.op != Op::BranchTable) {
    branch_together(edges, exits_thread);
    return;
  }
  if (all_stay_ && stay_together(block, edges)) return;
  bool left = false;
  for (const Edge& edge : edges) {
    if (!edge.target) {
      leave(edge.lanes, exits_thread);
      left = true;
    } else if (leaves(*edge.target)) {
      emit_leaving_edge(*edge.target, edge.lanes);
      left = true;
    } else {
      send(*edge.target, edge.lanes);
    }
  }
  const analysis::BranchFact& fact = analysed_.lanes.branches()[block];
  const bool together = convergent(block) && !fact.divergent;
  if (together && fact.successors.size() == 1) {
    // Some lanes may have left; the others go on together.
    llvm::BasicBlock* next = way_to(fact.successors[0]);
    if (left) {
      b_.CreateCondBr(b_.CreateICmpNE(lanes_.live(), b_.getInt32(0)), next, end_);
    } else {
      b_.CreateBr(next);
    }
  } else if (together && fact.successors.size() > 1) {
    // A uniform table branch: the lanes' masks tell which target it was.
    for (const Edge& edge : edges) {
      if (!edge.target || leaves(*edge.target)) continue;
      llvm::BasicBlock* rest = emitter_.new_block("next");
      b_.CreateCondBr(b_.CreateICmpNE(edge.lanes, b_.getInt32(0)), way_to(*edge.target), rest);
      b_.SetInsertPoint(rest);
    }
    b_.CreateBr(end_);
  } else {
    go_on(block);
  }
}

void ControlFlow::lanes_left_in_call() {
  LaunchContext& launch = emitter_.launch();
  Value* exited = b_.CreateLoad(b_.getInt32Ty(), launch.field_address(offsetof(WarpContext, exited_mask)));
  Value* stay = b_.CreateNot(exited);
  Value* live = b_.CreateAnd(lanes_.live(), stay);
  lanes_.set_live(live);
  lanes_.set_block(b_.CreateAnd(lanes_.block_mask(), stay), /*may_be_empty=*/true);
  llvm::BasicBlock* go = emitter_.new_block("some_left");
  b_.CreateCondBr(b_.CreateICmpNE(live, b_.getInt32(0)), go, end_);
  b_.SetInsertPoint(go);
}

}  // namespace doppel::jit
