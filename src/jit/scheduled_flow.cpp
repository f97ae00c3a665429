// SPDX-License-Identifier: Apache-2.0
// Independent thread scheduling (PTX ISA 3.1): groups of lanes, each at a block of its own, run one after the
// other. Used where structured code could let one lane wait for another for ever (analysis/warp_progress.h).
//
// waiting[b] holds the lanes that stand at block b. The dispatcher runs the lowest block that holds lanes, so
// that lanes meet again; after some rounds of a loop it passes on to the next block instead, so that no lane
// starves. An operation with a member mask is a block of its own, and lanes stay there until all members have
// come.
#include <cstddef>
#include <functional>
#include <map>

#include "analysis/warp_progress.h"
#include "jit/control_flow.h"
#include "jit/host_target.h"
#include "jit/launch_context.h"
#include "jit/opaque_copy.h"

namespace doppel::jit {

using analysis::BlockId;
using ir::Op;
using ir::Operation;
using llvm::Value;

namespace {

// Rounds of loops before other lanes get their turn.
constexpr std::uint32_t kTurns = 16;

// A kernel has many places at which lanes wait for each other: code at each place for each other one would
// grow with the square. These functions of the module go through a list of blocks.
constexpr const char* kLanesAt = "lanes_at";  // b_.getInt32(waiting, blocks, count): who waits there
constexpr const char* kLetPass = "let_pass";  // void(waiting, passed, blocks, count, which): who has waited

// A loop over `count` blocks of the list; `each` adds its code for one. Leaves the builder behind it.
void for_blocks_of_list(llvm::IRBuilder<>& b, Value* blocks, Value* count,
                        const std::function<void(llvm::IRBuilder<>&, Value*)>& each) {
  llvm::Function* function = b.GetInsertBlock()->getParent();
  llvm::BasicBlock* before = b.GetInsertBlock();
  llvm::BasicBlock* body = llvm::BasicBlock::Create(b.getContext(), "block", function);
  llvm::BasicBlock* end = llvm::BasicBlock::Create(b.getContext(), "end", function);
  b.CreateBr(body);
  b.SetInsertPoint(body);
  llvm::PHINode* at = b.CreatePHI(b.getInt32Ty(), 2);
  at->addIncoming(b.getInt32(0), before);
  each(b, b.CreateLoad(b.getInt32Ty(), b.CreateInBoundsGEP(b.getInt32Ty(), blocks, at)));
  Value* next = b.CreateAdd(at, b.getInt32(1));
  at->addIncoming(next, body);
  b.CreateCondBr(b.CreateICmpULT(next, count), body, end);
  b.SetInsertPoint(end);
}

llvm::Function* new_function(llvm::Module& module, const char* name, llvm::FunctionType* type) {
  llvm::Function* function = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, module);
  HostTarget::get().apply(*function);
  function->addFnAttr(llvm::Attribute::NoInline);
  llvm::BasicBlock::Create(module.getContext(), "entry", function);
  return function;
}

llvm::Function* lanes_at(llvm::Module& module) {
  if (llvm::Function* found = module.getFunction(kLanesAt)) return found;
  llvm::Type* pointer = llvm::PointerType::get(module.getContext(), 0);
  llvm::Type* word = llvm::Type::getInt32Ty(module.getContext());
  llvm::Function* function =
      new_function(module, kLanesAt, llvm::FunctionType::get(word, {pointer, pointer, word}, false));
  llvm::IRBuilder<> b(&function->getEntryBlock());
  llvm::AllocaInst* lanes = b.CreateAlloca(word);
  b.CreateStore(b.getInt32(0), lanes);
  for_blocks_of_list(b, function->getArg(1), function->getArg(2), [&](llvm::IRBuilder<>& at, Value* block) {
    Value* there = at.CreateLoad(word, at.CreateInBoundsGEP(word, function->getArg(0), block));
    at.CreateStore(at.CreateOr(at.CreateLoad(word, lanes), there), lanes);
  });
  b.CreateRet(b.CreateLoad(word, lanes));
  return function;
}

llvm::Function* let_pass(llvm::Module& module) {
  if (llvm::Function* found = module.getFunction(kLetPass)) return found;
  llvm::Type* pointer = llvm::PointerType::get(module.getContext(), 0);
  llvm::Type* word = llvm::Type::getInt32Ty(module.getContext());
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(module.getContext()),
                                       {pointer, pointer, pointer, word, word}, false);
  llvm::Function* function = new_function(module, kLetPass, type);
  llvm::IRBuilder<> b(&function->getEntryBlock());
  for_blocks_of_list(b, function->getArg(2), function->getArg(3), [&](llvm::IRBuilder<>& at, Value* block) {
    Value* there = at.CreateLoad(word, at.CreateInBoundsGEP(word, function->getArg(0), block));
    Value* slot = at.CreateInBoundsGEP(word, function->getArg(1), block);
    Value* which = at.CreateAnd(there, function->getArg(4));
    at.CreateStore(at.CreateOr(at.CreateLoad(word, slot), which), slot);
  });
  b.CreateRetVoid();
  return function;
}

class ScheduledFlow final : public ControlFlow {
 public:
  ScheduledFlow(FunctionEmitter& emitter, llvm::BasicBlock* end) : ControlFlow(emitter, end) {}

  void prepare() override {
    const auto count = static_cast<std::uint64_t>(graph_.blocks().size());
    auto* lanes = llvm::ArrayType::get(b_.getInt32Ty(), count);
    // As memory: LLVM would make a value of each element for each block.
    waiting_ = opaque_copy(b_, emitter_.stack_slot(lanes, "waiting"));
    passed_ = opaque_copy(b_, emitter_.stack_slot(lanes, "passed"));
    start_ = emitter_.stack_slot(b_.getInt32Ty(), "start");
    progress_ = emitter_.stack_slot(b_.getInt32Ty(), "progress");
    stuck_ = emitter_.stack_slot(b_.getInt32Ty(), "stuck");
    current_ = emitter_.stack_slot(b_.getInt32Ty(), "current");
    turns_ = emitter_.stack_slot(b_.getInt32Ty(), "turns");
    dispatch_ = emitter_.new_block("dispatch");
    b_.CreateMemSet(waiting_, b_.getInt8(0), 4 * count, llvm::Align(4));
    b_.CreateMemSet(passed_, b_.getInt8(0), 4 * count, llvm::Align(4));
    for (llvm::AllocaInst* slot : {start_, stuck_, current_}) b_.CreateStore(b_.getInt32(0), slot);
    b_.CreateStore(b_.getInt32(1), progress_);
    b_.CreateStore(b_.getInt32(kTurns), turns_);
  }

  void finish() override {
    llvm::Type* word = b_.getInt32Ty();
    llvm::BasicBlock* scan = emitter_.new_block("scan");
    llvm::BasicBlock* look = emitter_.new_block("look");
    llvm::BasicBlock* next = emitter_.new_block("scan_next");
    llvm::BasicBlock* found = emitter_.new_block("found");
    llvm::BasicBlock* wrapped = emitter_.new_block("wrapped");
    llvm::BasicBlock* again = emitter_.new_block("again");
    llvm::BasicBlock* nothing = emitter_.new_block("nothing");
    llvm::BasicBlock* idle = emitter_.new_block("idle");
    const auto count = static_cast<std::uint32_t>(graph_.blocks().size());

    b_.SetInsertPoint(dispatch_);
    Value* start = b_.CreateLoad(word, start_);
    b_.CreateStore(b_.getInt32(0), start_);
    b_.CreateBr(scan);

    b_.SetInsertPoint(scan);
    llvm::PHINode* block = b_.CreatePHI(word, 2);
    block->addIncoming(start, dispatch_);
    b_.CreateCondBr(b_.CreateICmpULT(block, b_.getInt32(count)), look, wrapped);

    b_.SetInsertPoint(look);
    Value* slot = b_.CreateInBoundsGEP(word, waiting_, block);
    Value* lanes = b_.CreateAnd(b_.CreateLoad(word, slot), lanes_.live());
    b_.CreateCondBr(b_.CreateICmpNE(lanes, b_.getInt32(0)), found, next);

    b_.SetInsertPoint(next);
    block->addIncoming(b_.CreateAdd(block, b_.getInt32(1)), next);
    b_.CreateBr(scan);

    b_.SetInsertPoint(found);
    b_.CreateStore(b_.getInt32(0), slot);
    b_.CreateStore(lanes, current_);
    llvm::BasicBlock* never = emitter_.new_block("never");
    llvm::SwitchInst* which = b_.CreateSwitch(block, never, count);
    for (BlockId id = 0; id < count; ++id) {
      if (!convergent(id) && body_[id] != nullptr && !unreachable(id))
        which->addCase(b_.getInt32(id), body_[id]);
    }
    b_.SetInsertPoint(never);
    b_.CreateUnreachable();

    b_.SetInsertPoint(wrapped);
    b_.CreateCondBr(b_.CreateICmpEQ(lanes_.live(), b_.getInt32(0)), end_, again);
    b_.SetInsertPoint(again);
    Value* progress = b_.CreateLoad(word, progress_);
    b_.CreateStore(b_.getInt32(0), progress_);
    b_.CreateCondBr(b_.CreateICmpNE(progress, b_.getInt32(0)), dispatch_, nothing);
    // All lanes wait: now those at a barrier go to it. If there are none, another warp may still do something
    // about it.
    b_.SetInsertPoint(nothing);
    Value* stuck = b_.CreateLoad(word, stuck_);
    b_.CreateStore(b_.getInt32(1), stuck_);
    b_.CreateCondBr(b_.CreateICmpNE(stuck, b_.getInt32(0)), idle, dispatch_);
    b_.SetInsertPoint(idle);
    emitter_.launch().yield();
    b_.CreateBr(dispatch_);
  }

  Value* barrier_lanes() override {
    return barrier_lanes_ != nullptr ? barrier_lanes_ : ControlFlow::barrier_lanes();
  }

 private:
  void enter(BlockId /*block*/) override { barrier_lanes_ = nullptr; }

  // The start of a block: who may go on.
  void begin_some(BlockId block) override {
    lanes_.set_block(b_.CreateLoad(b_.getInt32Ty(), current_));
    const Operation& first = first_of(block);
    if (analysis::waits_for_lanes(first)) {
      emitter_.set_guard(first);
      if (ir::row(first).wait == ir::Wait::Block) {
        wait_at_barrier(block, first);
      } else {
        wait_for_members(block, first);
      }
      lanes_.clear_guard();
    }
    b_.CreateStore(b_.getInt32(1), progress_);
    b_.CreateStore(b_.getInt32(0), stuck_);
  }

  void add_pending(BlockId target, Value* lanes) override { add_lanes(waiting_, target, lanes); }

  llvm::BasicBlock* way_to(BlockId target) override { return convergent(target) ? body_[target] : dispatch_; }

  // After a block: its lanes stand at their next blocks already. A loop's lanes make way for others now and
  // then.
  void go_on(BlockId block) override {
    bool goes_back = false;
    for (BlockId successor : analysed_.lanes.branches()[block].successors) goes_back |= successor <= block;
    if (goes_back) {
      llvm::Type* word = b_.getInt32Ty();
      Value* left = b_.CreateSub(b_.CreateLoad(word, turns_), b_.getInt32(1));
      Value* over = b_.CreateICmpEQ(left, b_.getInt32(0));
      b_.CreateStore(b_.CreateSelect(over, b_.getInt32(kTurns), left), turns_);
      b_.CreateStore(b_.CreateSelect(over, b_.getInt32(block + 1), b_.getInt32(0)), start_);
      llvm::BasicBlock* turn = emitter_.new_block("yield");
      b_.CreateCondBr(over, turn, dispatch_);
      b_.SetInsertPoint(turn);
      emitter_.launch().yield();
    }
    b_.CreateBr(dispatch_);
  }

  Value* slot_of(Value* array, BlockId block) {
    return b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), array, block);
  }

  void add_lanes(Value* array, BlockId block, Value* lanes) {
    Value* slot = slot_of(array, block);
    b_.CreateStore(b_.CreateOr(b_.CreateLoad(b_.getInt32Ty(), slot), lanes), slot);
  }

  // In the data of the object. Lists are few: places that wait for the same.
  Value* block_list(const std::vector<BlockId>& blocks) {
    Value*& list = lists_[blocks];
    if (list == nullptr) {
      llvm::Constant* words =
          llvm::ConstantDataArray::get(emitter_.context(), llvm::ArrayRef<std::uint32_t>(blocks));
      auto* variable = new llvm::GlobalVariable(emitter_.module().llvm, words->getType(), /*isConstant=*/true,
                                                llvm::GlobalValue::PrivateLinkage, words, "blocks");
      list = variable;
    }
    return list;
  }

  // The lanes that wait at these blocks, i32.
  Value* lanes_waiting_at(const std::vector<BlockId>& blocks) {
    if (blocks.empty()) return b_.getInt32(0);
    return b_.CreateCall(
        lanes_at(emitter_.module().llvm),
        {waiting_, block_list(blocks), b_.getInt32(static_cast<std::uint32_t>(blocks.size()))});
  }

  // For those of them, the wait is over.
  void let_lanes_pass(const std::vector<BlockId>& blocks, Value* which) {
    if (blocks.empty()) return;
    b_.CreateCall(let_pass(emitter_.module().llvm),
                  {waiting_, passed_, block_list(blocks),
                   b_.getInt32(static_cast<std::uint32_t>(blocks.size())), which});
  }

  // Lanes of `block` that may not go on yet stay; the dispatcher tries the blocks after it.
  void park(BlockId block, Value* lanes, Value* going) {
    add_lanes(waiting_, block, lanes);
    llvm::BasicBlock* none = emitter_.new_block("parked");
    llvm::BasicBlock* some = emitter_.new_block("go");
    b_.CreateCondBr(b_.CreateICmpEQ(going, b_.getInt32(0)), none, some);
    b_.SetInsertPoint(none);
    b_.CreateStore(b_.getInt32(block + 1), start_);
    b_.CreateBr(dispatch_);
    b_.SetInsertPoint(some);
  }

  std::vector<BlockId> blocks_that_begin(const std::function<bool(const Operation&)>& with) const {
    std::vector<BlockId> found;
    for (BlockId block = 0; block < graph_.blocks().size(); ++block) {
      if (with(first_of(block))) found.push_back(block);
    }
    return found;
  }

  void wait_for_members(BlockId block, const Operation& operation) {
    llvm::Type* word = b_.getInt32Ty();
    Value* arrived = lanes_.mask();
    Value* idle = b_.CreateAnd(lanes_.block_mask(), b_.CreateNot(arrived));  // guard false: they only pass
    // Places where members may wait: bar.warp.sync moves no data, so any does. At this one nobody does now.
    std::vector<BlockId> same;
    if (operation.op == Op::WarpSync) {
      same = blocks_that_begin([](const Operation& other) { return other.op == Op::WarpSync; });
      if (same.size() == 1) same.clear();
      arrived = b_.CreateOr(arrived, lanes_waiting_at(same));
    }
    const Lanes members = emitter_.read(operation.sources.back(), ir::Type::B32);
    Value* absent = b_.CreateAnd(lanes_.live(), b_.CreateNot(arrived));
    Value* complete = nullptr;
    Value* named = nullptr;
    if (members.pattern.is_uniform()) {
      named = members.parts[0];
      complete = b_.CreateSExt(b_.CreateICmpEQ(b_.CreateAnd(named, absent), b_.getInt32(0)), word);
    } else {
      Value* each = emitter_.materialize(members);
      Value* missing = b_.CreateAnd(each, emitter_.splat(absent));
      Value* zero = llvm::Constant::getNullValue(each->getType());
      Value* fine = b_.CreateICmpEQ(missing, zero);
      complete = b_.CreateBitCast(fine, word);
      Value* counted = b_.CreateSelect(b_.CreateAnd(fine, lanes_.mask_vector()), each, zero);
      named = b_.CreateUnaryIntrinsic(llvm::Intrinsic::vector_reduce_or, counted);
    }
    Value* passed_slot = slot_of(passed_, block);
    Value* passed = b_.CreateLoad(word, passed_slot);
    Value* completed = b_.CreateAnd(complete, lanes_.mask());
    Value* going = b_.CreateAnd(b_.CreateOr(b_.CreateOr(completed, passed), idle), lanes_.block_mask());
    b_.CreateStore(b_.CreateAnd(passed, b_.CreateNot(going)), passed_slot);
    if (!same.empty()) {
      Value* any = b_.CreateSExt(b_.CreateICmpNE(completed, b_.getInt32(0)), word);
      let_lanes_pass(same, b_.CreateAnd(named, any));
    }
    park(block, b_.CreateAnd(lanes_.block_mask(), b_.CreateNot(going)), going);
    lanes_.set_block(going);
  }

  // A barrier suspends the whole warp, so it is called when no other lane of the warp can run; lanes that
  // wait for the same barrier at another place arrive in the same call.
  void wait_at_barrier(BlockId block, const Operation& operation) {
    llvm::Type* word = b_.getInt32Ty();
    Value* passed_slot = slot_of(passed_, block);
    Value* passed = b_.CreateAnd(b_.CreateLoad(word, passed_slot), lanes_.block_mask());
    b_.CreateStore(b_.getInt32(0), passed_slot);
    // Lanes whose barrier was called from elsewhere go on behind it.
    llvm::BasicBlock* behind = emitter_.new_block("behind");
    llvm::BasicBlock* before = emitter_.new_block("before");
    b_.CreateCondBr(b_.CreateICmpNE(passed, b_.getInt32(0)), behind, before);
    b_.SetInsertPoint(behind);
    b_.CreateStore(b_.getInt32(1), progress_);
    add_lanes(waiting_, block, b_.CreateAnd(lanes_.block_mask(), b_.CreateNot(passed)));
    const analysis::BasicBlock& basic = graph_.blocks()[block];
    if (basic.fall_through == analysis::kNoBlock) {
      leave(passed, false);
    } else if (leaves(basic.fall_through)) {
      emit_leaving_edge(basic.fall_through, passed);
    } else {
      add_lanes(waiting_, basic.fall_through, passed);
    }
    b_.CreateBr(dispatch_);

    b_.SetInsertPoint(before);
    Value* others = b_.CreateAnd(lanes_.live(), b_.CreateNot(lanes_.block_mask()));
    Value* stuck = b_.CreateICmpNE(b_.CreateLoad(word, stuck_), b_.getInt32(0));
    Value* ready = b_.CreateOr(b_.CreateICmpEQ(others, b_.getInt32(0)), stuck);
    Value* going = b_.CreateSelect(ready, lanes_.block_mask(), b_.getInt32(0));
    park(block, b_.CreateSelect(ready, b_.getInt32(0), lanes_.block_mask()), going);
    barrier_lanes_ = lanes_.mask();
    if (operation.op != Op::Barrier) return;
    const auto same_barrier = [&](const Operation& other) {
      if (other.op != Op::Barrier || other.guard || other.sources != operation.sources) return false;
      return std::ranges::all_of(other.sources, &ir::Operand::is_immediate);
    };
    std::vector<BlockId> same = blocks_that_begin(same_barrier);
    std::erase(same, block);
    if (same.empty()) return;
    barrier_lanes_ = b_.CreateOr(barrier_lanes_, lanes_waiting_at(same));
    let_lanes_pass(same, b_.getInt32(~0U));
  }

  Value* waiting_ = nullptr;              // [blocks x i32]: lanes that stand at a block
  Value* passed_ = nullptr;               // [blocks x i32]: of those, lanes whose wait has ended elsewhere
  llvm::AllocaInst* start_ = nullptr;     // where the next scan begins
  llvm::AllocaInst* progress_ = nullptr;  // a block has run since the last scan wrapped around
  llvm::AllocaInst* stuck_ = nullptr;     // every lane waits
  llvm::AllocaInst* current_ = nullptr;   // lanes handed to the block that runs
  llvm::AllocaInst* turns_ = nullptr;     // rounds of loops until others get theirs
  llvm::BasicBlock* dispatch_ = nullptr;
  std::map<std::vector<BlockId>, Value*> lists_;  // block_list()
  // Of the barrier that the current block begins with, where it is called.
  Value* barrier_lanes_ = nullptr;
};

}  // namespace

std::unique_ptr<ControlFlow> make_scheduled_flow(FunctionEmitter& emitter, llvm::BasicBlock* end) {
  return std::make_unique<ScheduledFlow>(emitter, end);
}

}  // namespace doppel::jit
