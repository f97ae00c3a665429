// SPDX-License-Identifier: Apache-2.0
// A kernel that is left and resumed at its barriers (warp_coroutine.h).
#include <llvm/IR/Intrinsics.h>

#include <cstddef>

#include "jit/function_entry.h"
#include "jit/launch_context.h"
#include "jit/module_compiler.h"

namespace doppel::jit {
namespace {

using llvm::Value;

class CoroutineEntry final : public FunctionEntry {
 public:
  using FunctionEntry::FunctionEntry;

  void begin(LaunchContext& launch) override {
    builder_.into().setName(kCoroutineName);
    builder_.into().setPresplitCoroutine();
    Value* null = llvm::ConstantPointerNull::get(b_.getPtrTy());
    Value* id =
        b_.CreateIntrinsic(llvm::Intrinsic::coro_id, {},
                           {b_.getInt32(static_cast<std::uint32_t>(kFrameAlignment)), null, null, null});
    Value* bytes = b_.CreateIntrinsic(llvm::Intrinsic::coro_size, {b_.getInt64Ty()}, {});
    Value* frame = launch.callback(
        offsetof(RuntimeCallbacks, frame),
        llvm::FunctionType::get(b_.getPtrTy(), {b_.getPtrTy(), b_.getInt64Ty()}, false), {context_, bytes});
    coroutine_ = b_.CreateIntrinsic(llvm::Intrinsic::coro_begin, {}, {id, frame});
    left_ = builder_.new_block("left");
  }

  void end(LaunchContext& /*launch*/) override {
    b_.CreateBr(left_);
    b_.SetInsertPoint(left_);
    b_.CreateIntrinsic(llvm::Intrinsic::coro_end, {},
                       {coroutine_, b_.getFalse(), llvm::ConstantTokenNone::get(builder_.context())});
    b_.CreateRetVoid();
  }

  Value* arrive_at_barrier(LaunchContext& launch, const BarrierArrival& arrival) override {
    Value* waits = launch.arrive_at_barrier(offsetof(RuntimeCallbacks, arrive), arrival);
    if (arrival.mode == ir::BarrierMode::Arrive) return b_.getInt32(0);
    suspend_where(b_.CreateICmpNE(waits, b_.getInt32(0)));
    if (arrival.mode == ir::BarrierMode::Sync) return b_.getInt32(0);
    return b_.CreateLoad(b_.getInt32Ty(), launch.field_address(offsetof(WarpContext, barrier_result)));
  }

 private:
  void suspend_where(Value* waits) {
    llvm::BasicBlock* suspend = builder_.new_block("suspend");
    llvm::BasicBlock* destroyed = builder_.new_block("destroyed");
    llvm::BasicBlock* go = builder_.new_block("complete");
    b_.CreateCondBr(waits, suspend, go);
    b_.SetInsertPoint(suspend);
    Value* how = b_.CreateIntrinsic(llvm::Intrinsic::coro_suspend, {},
                                    {llvm::ConstantTokenNone::get(builder_.context()), b_.getFalse()});
    llvm::SwitchInst* next = b_.CreateSwitch(how, left_, 2);
    next->addCase(b_.getInt8(0), go);
    next->addCase(b_.getInt8(1), destroyed);
    // The frame's memory is the engine's, and holds nothing that would have to be destroyed.
    b_.SetInsertPoint(destroyed);
    b_.CreateUnreachable();
    b_.SetInsertPoint(go);
  }

  Value* coroutine_ = nullptr;        // llvm.coro.begin's
  llvm::BasicBlock* left_ = nullptr;  // back to the caller, for now or at the end
};

}  // namespace

std::unique_ptr<FunctionEntry> make_coroutine_entry(LaneBuilder& builder) {
  return std::make_unique<CoroutineEntry>(builder);
}

}  // namespace doppel::jit
