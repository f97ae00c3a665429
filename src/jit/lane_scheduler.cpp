// Independent thread scheduling (PTX ISA 3.1): groups of lanes, each at a block of its own, run one after the
// other. Used where structured code could let one lane wait for another for ever (analysis/warp_progress.h).
//
// waiting[b] holds the lanes that stand at block b. The dispatcher runs the lowest block that holds lanes, so
// that lanes meet again; after some rounds of a loop it passes on to the next block instead, so that no lane
// starves. An operation with a member mask is a block of its own, and lanes stay there until all members have
// come.
#include <cstddef>
#include <functional>

#include "analysis/warp_progress.h"
#include "jit/host_target.h"
#include "jit/lower.h"
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
constexpr const char* kLanesAt = "lanes_at";  // i32(waiting, blocks, count): who waits there
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

}  // namespace

void FunctionEmitter::make_scheduler() {
  const auto count = static_cast<std::uint64_t>(graph_.blocks().size());
  auto* lanes = llvm::ArrayType::get(builder_.getInt32Ty(), count);
  // As memory: LLVM would make a value of each element for each block.
  scheduler_.waiting = opaque_copy(builder_, stack_slot(lanes, "waiting"));
  scheduler_.passed = opaque_copy(builder_, stack_slot(lanes, "passed"));
  scheduler_.start = stack_slot(builder_.getInt32Ty(), "start");
  scheduler_.progress = stack_slot(builder_.getInt32Ty(), "progress");
  scheduler_.stuck = stack_slot(builder_.getInt32Ty(), "stuck");
  scheduler_.current = stack_slot(builder_.getInt32Ty(), "current");
  scheduler_.turns = stack_slot(builder_.getInt32Ty(), "turns");
  scheduler_.dispatch = llvm::BasicBlock::Create(context(), "dispatch", into_);
  builder_.CreateMemSet(scheduler_.waiting, builder_.getInt8(0), 4 * count, llvm::Align(4));
  builder_.CreateMemSet(scheduler_.passed, builder_.getInt8(0), 4 * count, llvm::Align(4));
  scheduler_.lists.clear();
  for (llvm::AllocaInst* slot : {scheduler_.start, scheduler_.stuck, scheduler_.current})
    builder_.CreateStore(i32(0), slot);
  builder_.CreateStore(i32(1), scheduler_.progress);
  builder_.CreateStore(i32(kTurns), scheduler_.turns);
}

Value* FunctionEmitter::scheduler_lanes(Value* array, BlockId block) {
  return builder_.CreateConstInBoundsGEP1_64(builder_.getInt32Ty(), array, block);
}

void FunctionEmitter::add_scheduler_lanes(Value* array, BlockId block, Value* lanes) {
  Value* slot = scheduler_lanes(array, block);
  builder_.CreateStore(builder_.CreateOr(builder_.CreateLoad(builder_.getInt32Ty(), slot), lanes), slot);
}

// In the data of the object. Lists are few: places that wait for the same.
Value* FunctionEmitter::block_list(const std::vector<BlockId>& blocks) {
  Value*& list = scheduler_.lists[blocks];
  if (list == nullptr) {
    llvm::Constant* words = llvm::ConstantDataArray::get(context(), llvm::ArrayRef<std::uint32_t>(blocks));
    auto* variable = new llvm::GlobalVariable(module_.llvm, words->getType(), /*isConstant=*/true,
                                              llvm::GlobalValue::PrivateLinkage, words, "blocks");
    list = variable;
  }
  return list;
}

// The lanes that wait at these blocks, i32.
Value* FunctionEmitter::lanes_waiting_at(const std::vector<BlockId>& blocks) {
  if (blocks.empty()) return i32(0);
  return builder_.CreateCall(lanes_at(module_.llvm), {scheduler_.waiting, block_list(blocks),
                                                      i32(static_cast<std::uint32_t>(blocks.size()))});
}

// For those of them, the wait is over.
void FunctionEmitter::let_lanes_pass(const std::vector<BlockId>& blocks, Value* which) {
  if (blocks.empty()) return;
  builder_.CreateCall(let_pass(module_.llvm), {scheduler_.waiting, scheduler_.passed, block_list(blocks),
                                               i32(static_cast<std::uint32_t>(blocks.size())), which});
}

void FunctionEmitter::emit_dispatch() {
  llvm::Type* word = builder_.getInt32Ty();
  llvm::BasicBlock* scan = llvm::BasicBlock::Create(context(), "scan", into_);
  llvm::BasicBlock* look = llvm::BasicBlock::Create(context(), "look", into_);
  llvm::BasicBlock* next = llvm::BasicBlock::Create(context(), "scan_next", into_);
  llvm::BasicBlock* found = llvm::BasicBlock::Create(context(), "found", into_);
  llvm::BasicBlock* wrapped = llvm::BasicBlock::Create(context(), "wrapped", into_);
  llvm::BasicBlock* again = llvm::BasicBlock::Create(context(), "again", into_);
  llvm::BasicBlock* nothing = llvm::BasicBlock::Create(context(), "nothing", into_);
  llvm::BasicBlock* idle = llvm::BasicBlock::Create(context(), "idle", into_);
  const auto count = static_cast<std::uint32_t>(graph_.blocks().size());

  builder_.SetInsertPoint(scheduler_.dispatch);
  Value* start = builder_.CreateLoad(word, scheduler_.start);
  builder_.CreateStore(i32(0), scheduler_.start);
  builder_.CreateBr(scan);

  builder_.SetInsertPoint(scan);
  llvm::PHINode* block = builder_.CreatePHI(word, 2);
  block->addIncoming(start, scheduler_.dispatch);
  builder_.CreateCondBr(builder_.CreateICmpULT(block, i32(count)), look, wrapped);

  builder_.SetInsertPoint(look);
  Value* slot = builder_.CreateInBoundsGEP(word, scheduler_.waiting, block);
  Value* lanes = builder_.CreateAnd(builder_.CreateLoad(word, slot), live_mask());
  builder_.CreateCondBr(builder_.CreateICmpNE(lanes, i32(0)), found, next);

  builder_.SetInsertPoint(next);
  block->addIncoming(builder_.CreateAdd(block, i32(1)), next);
  builder_.CreateBr(scan);

  builder_.SetInsertPoint(found);
  builder_.CreateStore(i32(0), slot);
  builder_.CreateStore(lanes, scheduler_.current);
  llvm::BasicBlock* never = llvm::BasicBlock::Create(context(), "never", into_);
  llvm::SwitchInst* which = builder_.CreateSwitch(block, never, count);
  for (BlockId id = 0; id < count; ++id) {
    if (!analysis().pending().convergent(id) && body_[id] != nullptr && !unreachable(id))
      which->addCase(builder_.getInt32(id), body_[id]);
  }
  builder_.SetInsertPoint(never);
  builder_.CreateUnreachable();

  builder_.SetInsertPoint(wrapped);
  builder_.CreateCondBr(builder_.CreateICmpEQ(live_mask(), i32(0)), end_, again);
  builder_.SetInsertPoint(again);
  Value* progress = builder_.CreateLoad(word, scheduler_.progress);
  builder_.CreateStore(i32(0), scheduler_.progress);
  builder_.CreateCondBr(builder_.CreateICmpNE(progress, i32(0)), scheduler_.dispatch, nothing);
  // All lanes wait: now those at a barrier go to it. If there are none, another warp may still do something
  // about it.
  builder_.SetInsertPoint(nothing);
  Value* stuck = builder_.CreateLoad(word, scheduler_.stuck);
  builder_.CreateStore(i32(1), scheduler_.stuck);
  builder_.CreateCondBr(builder_.CreateICmpNE(stuck, i32(0)), idle, scheduler_.dispatch);
  builder_.SetInsertPoint(idle);
  call_yield();
  builder_.CreateBr(scheduler_.dispatch);
}

void FunctionEmitter::call_yield() {
  callback(offsetof(RuntimeCallbacks, yield),
           llvm::FunctionType::get(builder_.getVoidTy(), {builder_.getPtrTy()}, false), {context_});
}

// The start of a block in scheduled mode: who may go on.
void FunctionEmitter::begin_scheduled_block(BlockId block) {
  block_mask_ = builder_.CreateLoad(builder_.getInt32Ty(), scheduler_.current);
  const Operation& first = function_.operations[graph_.blocks()[block].first];
  if (analysis::waits_for_lanes(first)) {
    effective_mask_ = block_mask_;
    set_guard(first);
    if (ir::row(first).wait == ir::Wait::Block) {
      wait_at_barrier(block, first);
    } else {
      wait_for_members(block, first);
    }
    guard_ = nullptr;
  }
  builder_.CreateStore(i32(1), scheduler_.progress);
  builder_.CreateStore(i32(0), scheduler_.stuck);
}

// Lanes of `block` that may not go on yet stay; the dispatcher tries the blocks after it.
void FunctionEmitter::park(BlockId block, Value* lanes, Value* going) {
  add_scheduler_lanes(scheduler_.waiting, block, lanes);
  llvm::BasicBlock* none = llvm::BasicBlock::Create(context(), "parked", into_);
  llvm::BasicBlock* some = llvm::BasicBlock::Create(context(), "go", into_);
  builder_.CreateCondBr(builder_.CreateICmpEQ(going, i32(0)), none, some);
  builder_.SetInsertPoint(none);
  builder_.CreateStore(i32(block + 1), scheduler_.start);
  builder_.CreateBr(scheduler_.dispatch);
  builder_.SetInsertPoint(some);
}

std::vector<BlockId> FunctionEmitter::blocks_that_begin(
    const std::function<bool(const Operation&)>& with) const {
  std::vector<BlockId> found;
  for (BlockId block = 0; block < graph_.blocks().size(); ++block) {
    if (with(function_.operations[graph_.blocks()[block].first])) found.push_back(block);
  }
  return found;
}

void FunctionEmitter::wait_for_members(BlockId block, const Operation& operation) {
  llvm::Type* word = builder_.getInt32Ty();
  Value* arrived = effective_mask_;
  Value* idle = builder_.CreateAnd(block_mask_, builder_.CreateNot(arrived));  // guard false: they only pass
  // Places where members may wait: bar.warp.sync moves no data, so any does. At this one nobody does now.
  std::vector<BlockId> same;
  if (operation.op == Op::WarpSync) {
    same = blocks_that_begin([](const Operation& other) { return other.op == Op::WarpSync; });
    if (same.size() == 1) same.clear();
    arrived = builder_.CreateOr(arrived, lanes_waiting_at(same));
  }
  const Lanes members = read(operation.sources.back(), ir::Type::B32);
  Value* absent = builder_.CreateAnd(live_mask(), builder_.CreateNot(arrived));
  Value* complete = nullptr;
  Value* named = nullptr;
  if (members.pattern.is_uniform()) {
    named = members.parts[0];
    complete = builder_.CreateSExt(builder_.CreateICmpEQ(builder_.CreateAnd(named, absent), i32(0)), word);
  } else {
    Value* each = materialize(members);
    Value* missing = builder_.CreateAnd(each, splat(absent));
    Value* zero = llvm::Constant::getNullValue(each->getType());
    Value* fine = builder_.CreateICmpEQ(missing, zero);
    complete = builder_.CreateBitCast(fine, word);
    Value* counted = builder_.CreateSelect(builder_.CreateAnd(fine, mask_vector()), each, zero);
    named = builder_.CreateUnaryIntrinsic(llvm::Intrinsic::vector_reduce_or, counted);
  }
  Value* passed_slot = scheduler_lanes(scheduler_.passed, block);
  Value* passed = builder_.CreateLoad(word, passed_slot);
  Value* completed = builder_.CreateAnd(complete, effective_mask_);
  Value* going =
      builder_.CreateAnd(builder_.CreateOr(builder_.CreateOr(completed, passed), idle), block_mask_);
  builder_.CreateStore(builder_.CreateAnd(passed, builder_.CreateNot(going)), passed_slot);
  if (!same.empty()) {
    Value* any = builder_.CreateSExt(builder_.CreateICmpNE(completed, i32(0)), word);
    let_lanes_pass(same, builder_.CreateAnd(named, any));
  }
  park(block, builder_.CreateAnd(block_mask_, builder_.CreateNot(going)), going);
  block_mask_ = going;
  mask_vector_ = nullptr;
}

// A barrier suspends the whole warp, so it is called when no other lane of the warp can run; lanes that wait
// for the same barrier at another place arrive in the same call.
void FunctionEmitter::wait_at_barrier(BlockId block, const Operation& operation) {
  llvm::Type* word = builder_.getInt32Ty();
  Value* passed_slot = scheduler_lanes(scheduler_.passed, block);
  Value* passed = builder_.CreateAnd(builder_.CreateLoad(word, passed_slot), block_mask_);
  builder_.CreateStore(i32(0), passed_slot);
  // Lanes whose barrier was called from elsewhere go on behind it.
  llvm::BasicBlock* behind = llvm::BasicBlock::Create(context(), "behind", into_);
  llvm::BasicBlock* before = llvm::BasicBlock::Create(context(), "before", into_);
  builder_.CreateCondBr(builder_.CreateICmpNE(passed, i32(0)), behind, before);
  builder_.SetInsertPoint(behind);
  builder_.CreateStore(i32(1), scheduler_.progress);
  add_scheduler_lanes(scheduler_.waiting, block, builder_.CreateAnd(block_mask_, builder_.CreateNot(passed)));
  const analysis::BasicBlock& basic = graph_.blocks()[block];
  if (basic.fall_through == analysis::kNoBlock) {
    leave(passed, false);
  } else if (leaves(basic.fall_through)) {
    emit_leaving_edge(basic.fall_through, passed);
  } else {
    add_scheduler_lanes(scheduler_.waiting, basic.fall_through, passed);
  }
  builder_.CreateBr(scheduler_.dispatch);

  builder_.SetInsertPoint(before);
  Value* others = builder_.CreateAnd(live_mask(), builder_.CreateNot(block_mask_));
  Value* stuck = builder_.CreateICmpNE(builder_.CreateLoad(word, scheduler_.stuck), i32(0));
  Value* ready = builder_.CreateOr(builder_.CreateICmpEQ(others, i32(0)), stuck);
  Value* going = builder_.CreateSelect(ready, block_mask_, i32(0));
  park(block, builder_.CreateSelect(ready, i32(0), block_mask_), going);
  barrier_lanes_ = effective_mask_;
  if (operation.op != Op::Barrier) return;
  const auto same_barrier = [&](const Operation& other) {
    if (other.op != Op::Barrier || other.guard || other.sources != operation.sources) return false;
    return std::ranges::all_of(other.sources, &ir::Operand::is_immediate);
  };
  std::vector<BlockId> same = blocks_that_begin(same_barrier);
  std::erase(same, block);
  if (same.empty()) return;
  barrier_lanes_ = builder_.CreateOr(barrier_lanes_, lanes_waiting_at(same));
  let_lanes_pass(same, i32(~0U));
}

// After a block: its lanes stand at their next blocks already. A loop's lanes make way for others now and
// then.
void FunctionEmitter::go_to_dispatch(BlockId block) {
  bool goes_back = false;
  for (BlockId successor : analysis().branches()[block].successors) goes_back |= successor <= block;
  if (goes_back) {
    llvm::Type* word = builder_.getInt32Ty();
    Value* left = builder_.CreateSub(builder_.CreateLoad(word, scheduler_.turns), i32(1));
    Value* over = builder_.CreateICmpEQ(left, i32(0));
    builder_.CreateStore(builder_.CreateSelect(over, i32(kTurns), left), scheduler_.turns);
    builder_.CreateStore(builder_.CreateSelect(over, i32(block + 1), i32(0)), scheduler_.start);
    llvm::BasicBlock* turn = llvm::BasicBlock::Create(context(), "yield", into_);
    builder_.CreateCondBr(over, turn, scheduler_.dispatch);
    builder_.SetInsertPoint(turn);
    call_yield();
  }
  builder_.CreateBr(scheduler_.dispatch);
}

}  // namespace doppel::jit
