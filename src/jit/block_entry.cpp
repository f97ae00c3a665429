// SPDX-License-Identifier: Apache-2.0
// Short kernels that run the warps of a block in one call: the loop over them is generated code too, so that
// what is the same for all of them is loaded once, and nothing stands between one warp and the next.
#include <cstddef>
#include <map>

#include "jit/block_counters.h"
#include "jit/function_entry.h"
#include "jit/launch_context.h"
#include "jit/module_compiler.h"

namespace doppel::jit {
namespace {

using llvm::Value;

bool is_of_warp(std::size_t field) {
  constexpr auto kTid = offsetof(WarpContext, tid);
  constexpr auto kTidBase = offsetof(WarpContext, tid_base);
  return (field >= kTid && field < kTid + sizeof(WarpContext::tid)) ||
         (field >= kTidBase && field < kTidBase + sizeof(WarpContext::tid_base)) ||
         field == offsetof(WarpContext, active_mask) || field == offsetof(WarpContext, warp_id) ||
         field == offsetof(WarpContext, engine);
}

class BlockLoop final : public FunctionEntry {
 public:
  using FunctionEntry::FunctionEntry;

  bool runs_blocks() const override { return true; }

  // The loop's invariants go to the entry block.
  void open() override {
    llvm::BasicBlock* entry = head_;
    builder_.into().setName(kBlockName);
    Value* range = builder_.into().getArg(0);
    llvm::Type* pointer = b_.getPtrTy();
    const auto field = [&](std::size_t offset) {
      return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), range, offset);
    };
    first_ = b_.CreateLoad(pointer, field(offsetof(WarpRange, first)));
    stride_ = b_.CreateLoad(b_.getInt64Ty(), field(offsetof(WarpRange, stride)));
    Value* warps = b_.CreateLoad(b_.getInt32Ty(), field(offsetof(WarpRange, warps)));
    head_ = builder_.new_block("warp");
    b_.CreateBr(head_);
    b_.SetInsertPoint(head_);
    one_ = b_.CreatePHI(pointer, 2);
    one_->addIncoming(first_, entry);
    left_ = b_.CreatePHI(b_.getInt32Ty(), 2);
    left_->addIncoming(warps, entry);
    context_ = one_;
    // Whose fault it is, in every turn. A load that LLVM takes out of the loop is the first warp's, which the
    // engine has set.
    Value* engine = b_.CreateLoad(
        pointer, b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), context_, offsetof(WarpContext, engine)));
    b_.CreateStore(engine, field(offsetof(WarpRange, current)), /*isVolatile=*/true);
  }

  void end(LaunchContext& launch) override {
    llvm::BasicBlock* done = builder_.new_block("done");
    one_->addIncoming(b_.CreateGEP(b_.getInt8Ty(), context_, stride_), b_.GetInsertBlock());
    Value* left = b_.CreateSub(left_, b_.getInt32(1));
    left_->addIncoming(left, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpNE(left, b_.getInt32(0)), head_, done);
    b_.SetInsertPoint(done);
    for (const auto& [slot, counter] : counters_)
      add_to_counter(b_, launch.counter_address(slot), b_.CreateLoad(counter_type(b_), counter));
    b_.CreateRetVoid();
  }

  FieldPlace place_of_field(std::size_t offset) override {
    if (is_of_warp(offset)) return {&*head_->getFirstNonPHIIt(), context_};
    return {first_->getNextNode(), first_};
  }

  // Counts in a register of the host, and goes to memory when all warps are done.
  Value* counter(LaunchContext& /*launch*/, std::uint32_t slot) override {
    llvm::AllocaInst*& counter = counters_[slot];
    if (counter == nullptr) {
      counter = builder_.stack_slot(counter_type(b_), "counter");
      llvm::IRBuilder<> at(builder_.into().getEntryBlock().getTerminator());
      at.CreateAlignedStore(llvm::Constant::getNullValue(counter_type(b_)), counter, llvm::Align(8));
    }
    return counter;
  }

 private:
  llvm::LoadInst* first_ = nullptr;  // the context of the block's first warp
  Value* stride_ = nullptr;
  llvm::PHINode* one_ = nullptr;                         // context of the warp that runs
  llvm::PHINode* left_ = nullptr;                        // warps, with it
  std::map<std::uint32_t, llvm::AllocaInst*> counters_;  // by slot
};

}  // namespace

std::unique_ptr<FunctionEntry> make_block_entry(LaneBuilder& builder) {
  return std::make_unique<BlockLoop>(builder);
}

}  // namespace doppel::jit
