// Short kernels that run the warps of a block in one call: the loop over them is generated code too, so that
// what is the same for all of them is loaded once, and nothing stands between one warp and the next.
#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cstddef>

#include "analysis/clock_reads.h"
#include "jit/function_emitter.h"
#include "jit/module_compiler.h"

namespace doppel::jit {
namespace {

// In longer ones the step from warp to warp no longer counts, and LLVM would keep more values over the loop
// than the host has registers.
constexpr std::size_t kMostInstructions = 256;

bool may_wait_or_count(const ir::Operation& operation) {
  const bool barrier = ir::row(operation).wait == ir::Wait::Block || operation.op == ir::Op::BarrierArrive;
  return barrier || operation.op == ir::Op::Call || analysis::reads_clock(operation);
}

bool is_of_warp(std::size_t field) {
  constexpr auto kTid = offsetof(WarpContext, tid);
  constexpr auto kTidBase = offsetof(WarpContext, tid_base);
  return (field >= kTid && field < kTid + sizeof(WarpContext::tid)) ||
         (field >= kTidBase && field < kTidBase + sizeof(WarpContext::tid_base)) ||
         field == offsetof(WarpContext, active_mask) || field == offsetof(WarpContext, warp_id) ||
         field == offsetof(WarpContext, engine);
}

}  // namespace

using analysis::BlockId;
using llvm::Value;

// Where no warp ever waits, nor needs memory of its own: without loops, calls, barriers and local memory.
bool FunctionEmitter::runs_whole_blocks() const {
  return function_.is_kernel && !scheduled_ && module_.variant.build == Build::Plain && graph_.reducible() &&
         graph_.loops().empty() && local_.bytes == 0 && function_.operations.size() <= kMostInstructions &&
         std::ranges::none_of(function_.operations, may_wait_or_count);
}

// Whether the kernel is worth code of its own for warps of which no lane leaves before the others: those of
// which some do are few, as behind `if (i >= count) return;`. They change over to the general code where it
// happens, which must be where all lanes are.
bool FunctionEmitter::may_run_full() const {
  if (!module_.variant.full_warps) return false;
  for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
    if (!lanes_leave_after(id)) continue;
    const analysis::BranchFact& fact = analysis().branches()[id];
    if (!analysis().pending().convergent(id) || fact.divergent || fact.successors.size() > 1) return false;
  }
  return true;
}

// At the end of a block of the code for all 32 lanes. False: no lane leaves there, or all that go on do.
bool FunctionEmitter::stay_together(BlockId block, const std::vector<Edge>& edges) {
  const analysis::BranchFact& fact = analysis().branches()[block];
  if (!analysis().pending().convergent(block) || fact.divergent || fact.successors.size() != 1) return false;
  Value* leaving = nullptr;
  for (const Edge& edge : edges) {
    if (edge.target && !leaves(*edge.target)) continue;
    leaving = leaving == nullptr ? edge.lanes : builder_.CreateOr(leaving, edge.lanes);
  }
  if (leaving == nullptr) return false;
  partial_[block] = llvm::BasicBlock::Create(context(), "partial", into_);
  builder_.CreateCondBr(builder_.CreateICmpEQ(leaving, i32(0)), body_[fact.successors[0]], partial_[block],
                        likely());
  return true;
}

// Leaves the builder in the entry block, where the loop's invariants go. warp_start_ is each warp's own.
void FunctionEmitter::begin_block_loop() {
  into_->setName(kBlockName);
  Value* range = into_->getArg(0);
  llvm::Type* pointer = builder_.getPtrTy();
  const auto field = [&](std::size_t offset) {
    return builder_.CreateConstInBoundsGEP1_64(builder_.getInt8Ty(), range, offset);
  };
  block_context_ = builder_.CreateLoad(pointer, field(offsetof(WarpRange, first)));
  loop_.stride = builder_.CreateLoad(builder_.getInt64Ty(), field(offsetof(WarpRange, stride)));
  Value* warps = builder_.CreateLoad(builder_.getInt32Ty(), field(offsetof(WarpRange, warps)));
  warp_start_ = llvm::BasicBlock::Create(context(), "warp", into_);
  builder_.CreateBr(warp_start_);
  builder_.SetInsertPoint(warp_start_);
  llvm::PHINode* one = builder_.CreatePHI(pointer, 2);
  one->addIncoming(block_context_, entry_);
  loop_.left = builder_.CreatePHI(builder_.getInt32Ty(), 2);
  loop_.left->addIncoming(warps, entry_);
  context_ = one;
  // Whose fault it is, in every turn. A load that LLVM takes out of the loop is the first warp's, which the
  // engine has set.
  Value* engine = builder_.CreateLoad(
      pointer,
      builder_.CreateConstInBoundsGEP1_64(builder_.getInt8Ty(), context_, offsetof(WarpContext, engine)));
  builder_.CreateStore(engine, field(offsetof(WarpRange, current)), /*isVolatile=*/true);
}

void FunctionEmitter::end_block_loop() {
  llvm::BasicBlock* done = llvm::BasicBlock::Create(context(), "done", into_);
  auto* one = llvm::cast<llvm::PHINode>(context_);
  one->addIncoming(builder_.CreateGEP(builder_.getInt8Ty(), context_, loop_.stride),
                   builder_.GetInsertBlock());
  Value* left = builder_.CreateSub(loop_.left, i32(1));
  loop_.left->addIncoming(left, builder_.GetInsertBlock());
  builder_.CreateCondBr(builder_.CreateICmpNE(left, i32(0)), warp_start_, done);
  builder_.SetInsertPoint(done);
  for (const auto& [slot, counter] : loop_.counters)
    add_to_counter(counter_address(slot), builder_.CreateLoad(counter_type(), counter));
  builder_.CreateRetVoid();
}

// Counts in a register of the host, and goes to memory when all warps are done.
llvm::AllocaInst* FunctionEmitter::loop_counter(std::uint32_t slot) {
  llvm::AllocaInst*& counter = loop_.counters[slot];
  if (counter == nullptr) {
    counter = stack_slot(counter_type(), "counter");
    llvm::IRBuilder<> at(entry_->getTerminator());
    at.CreateAlignedStore(llvm::Constant::getNullValue(counter_type()), counter, llvm::Align(8));
  }
  return counter;
}

Value* FunctionEmitter::parameter_before_loop(std::uint64_t offset, int bits) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(bits) / 8;
  if (block_context_ == nullptr || offset + bytes > parameters_.size) return nullptr;
  Value* parameters = context_field(offsetof(WarpContext, parameters), builder_.getPtrTy());
  llvm::IRBuilder<> at(llvm::cast<llvm::Instruction>(parameters)->getNextNode());
  return at.CreateAlignedLoad(
      int_type(bits), at.CreateConstInBoundsGEP1_64(at.getInt8Ty(), parameters, offset), llvm::Align(1));
}

llvm::Instruction* FunctionEmitter::field_position(std::size_t offset) {
  if (block_context_ == nullptr) {
    // Before every use in the entry block itself: at its first instruction after the slots.
    auto position = entry_->begin();
    while (llvm::isa<llvm::AllocaInst>(*position)) ++position;
    return &*position;
  }
  if (is_of_warp(offset)) return &*warp_start_->getFirstNonPHIIt();
  return llvm::cast<llvm::Instruction>(block_context_)->getNextNode();
}

}  // namespace doppel::jit
