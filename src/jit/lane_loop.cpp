// SPDX-License-Identifier: Apache-2.0
#include "jit/lane_loop.h"

#include <cstddef>

#include "jit/definedness.h"
#include "jit/launch_context.h"

namespace doppel::jit {

using llvm::Value;

void emit_lane_loop(FunctionEmitter& emitter, Value* mask, const std::function<void(Value*)>& body) {
  llvm::IRBuilder<>& b = emitter.b();
  llvm::Function* into = b.GetInsertBlock()->getParent();
  llvm::BasicBlock* before = b.GetInsertBlock();
  llvm::BasicBlock* loop = llvm::BasicBlock::Create(emitter.context(), "lanes", into);
  llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter.context(), "lanes_done", into);
  b.CreateCondBr(b.CreateICmpNE(mask, emitter.i32(0)), loop, done);
  b.SetInsertPoint(loop);
  llvm::PHINode* left = b.CreatePHI(b.getInt32Ty(), 2);
  left->addIncoming(mask, before);
  Value* lane = b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, left, b.getTrue());
  body(lane);
  Value* rest = b.CreateAnd(left, b.CreateSub(left, emitter.i32(1)));
  left->addIncoming(rest, b.GetInsertBlock());
  b.CreateCondBr(b.CreateICmpNE(rest, emitter.i32(0)), loop, done);
  b.SetInsertPoint(done);
}

void emit_access_callback(FunctionEmitter& emitter, std::uint32_t flags, int elements) {
  llvm::IRBuilder<>& b = emitter.b();
  llvm::Type* word = b.getInt32Ty();
  llvm::Type* pointer = b.getPtrTy();
  if (emitter.module().variant.build == Build::Traced) {
    emitter.launch().callback(offsetof(RuntimeCallbacks, trace_access),
                              llvm::FunctionType::get(b.getVoidTy(), {pointer, word, word, word}, false),
                              {emitter.launch().context(), emitter.i32(emitter.operation_number()),
                               emitter.lanes().mask(), emitter.i32(flags)});
  } else if (emitter.module().variant.build == Build::Checked) {
    emitter.launch().callback(
        offsetof(RuntimeCallbacks, check_access),
        llvm::FunctionType::get(b.getVoidTy(), {pointer, word, word, word, word, word, pointer}, false),
        {emitter.launch().context(), emitter.i32(emitter.function_id()),
         emitter.i32(emitter.instruction_index()), emitter.lanes().mask(), emitter.i32(flags),
         emitter.i32(static_cast<std::uint32_t>(elements)), emitter.definedness()->elements()});
  }
}

}  // namespace doppel::jit
