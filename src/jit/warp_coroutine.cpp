#include "jit/warp_coroutine.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/Transforms/Coroutines/CoroCleanup.h>
#include <llvm/Transforms/Coroutines/CoroEarly.h>
#include <llvm/Transforms/Coroutines/CoroSplit.h>
#include <llvm/Transforms/Scalar/ADCE.h>
#include <llvm/Transforms/Scalar/EarlyCSE.h>
#include <llvm/Transforms/Scalar/LICM.h>
#include <llvm/Transforms/Scalar/LoopPassManager.h>
#include <llvm/Transforms/Scalar/SimplifyCFG.h>
#include <llvm/Transforms/Utils/LCSSA.h>

#include <algorithm>
#include <cstddef>

#include "jit/function_emitter.h"
#include "jit/module_compiler.h"

namespace doppel::jit {

using llvm::Value;

// Traced and checked code stays on fibres, and so do lane-scheduled kernels: they wait in many more places
// than at barriers.
bool FunctionEmitter::waits_at_barriers() const {
  if (!function_.is_kernel || scheduled_ || module_.variant.build != Build::Plain) return false;
  return std::ranges::any_of(function_.operations, [](const ir::Operation& operation) {
    return ir::row(operation).wait == ir::Wait::Block;
  });
}

void FunctionEmitter::begin_coroutine() {
  into_->setName(kCoroutineName);
  into_->setPresplitCoroutine();
  Value* null = llvm::ConstantPointerNull::get(builder_.getPtrTy());
  Value* id = builder_.CreateIntrinsic(llvm::Intrinsic::coro_id, {},
                                       {i32(static_cast<std::uint32_t>(kFrameAlignment)), null, null, null});
  Value* bytes = builder_.CreateIntrinsic(llvm::Intrinsic::coro_size, {builder_.getInt64Ty()}, {});
  Value* frame = callback(
      offsetof(RuntimeCallbacks, frame),
      llvm::FunctionType::get(builder_.getPtrTy(), {builder_.getPtrTy(), builder_.getInt64Ty()}, false),
      {context_, bytes});
  coroutine_ = builder_.CreateIntrinsic(llvm::Intrinsic::coro_begin, {}, {id, frame});
  left_ = llvm::BasicBlock::Create(context(), "left", into_);
}

void FunctionEmitter::suspend_where(Value* waits) {
  llvm::BasicBlock* suspend = llvm::BasicBlock::Create(context(), "suspend", into_);
  llvm::BasicBlock* destroyed = llvm::BasicBlock::Create(context(), "destroyed", into_);
  llvm::BasicBlock* go = llvm::BasicBlock::Create(context(), "complete", into_);
  builder_.CreateCondBr(waits, suspend, go);
  builder_.SetInsertPoint(suspend);
  Value* how = builder_.CreateIntrinsic(llvm::Intrinsic::coro_suspend, {},
                                        {llvm::ConstantTokenNone::get(context()), builder_.getFalse()});
  llvm::SwitchInst* next = builder_.CreateSwitch(how, left_, 2);
  next->addCase(builder_.getInt8(0), go);
  next->addCase(builder_.getInt8(1), destroyed);
  // The frame's memory is the engine's, and holds nothing that would have to be destroyed.
  builder_.SetInsertPoint(destroyed);
  builder_.CreateUnreachable();
  builder_.SetInsertPoint(go);
}

void FunctionEmitter::end_coroutine() {
  builder_.CreateBr(left_);
  builder_.SetInsertPoint(left_);
  builder_.CreateIntrinsic(llvm::Intrinsic::coro_end, {},
                           {coroutine_, builder_.getFalse(), llvm::ConstantTokenNone::get(context())});
  builder_.CreateRetVoid();
}

Value* FunctionEmitter::arrive_at_barrier(Value* barrier, Value* threads, ir::BarrierMode mode,
                                          Value* predicate) {
  llvm::Type* word = builder_.getInt32Ty();
  const bool leaves = coroutine_ != nullptr;
  Value* result = callback(
      leaves ? offsetof(RuntimeCallbacks, arrive) : offsetof(RuntimeCallbacks, barrier),
      llvm::FunctionType::get(word, {builder_.getPtrTy(), word, word, word, word, word}, false),
      {context_, barrier_mask(), barrier, threads, i32(static_cast<std::uint32_t>(mode)), predicate});
  if (!leaves) return result;
  if (mode == ir::BarrierMode::Arrive) return i32(0);
  suspend_where(builder_.CreateICmpNE(result, i32(0)));
  if (mode == ir::BarrierMode::Sync) return i32(0);
  return builder_.CreateLoad(word, context_field_address(offsetof(WarpContext, barrier_result)));
}

namespace {

bool is_coroutine(const llvm::Function& function) { return function.isPresplitCoroutine(); }

// Whether what it gives is made again after a barrier, and only its operands are kept: where that costs no
// more than to load it from the frame. A splat is a load of its scalar; arithmetic on 32 lanes is more.
bool is_made_again(llvm::Instruction& operation) {
  if (llvm::isa<llvm::CastInst>(operation) || llvm::isa<llvm::GetElementPtrInst>(operation) ||
      llvm::isa<llvm::InsertElementInst>(operation))
    return true;
  if (const auto* shuffle = llvm::dyn_cast<llvm::ShuffleVectorInst>(&operation))
    return shuffle->isZeroEltSplat();
  if (operation.getType()->isVectorTy() || operation.isIntDivRem()) return false;
  return llvm::isa<llvm::BinaryOperator>(operation) || llvm::isa<llvm::CmpInst>(operation) ||
         llvm::isa<llvm::SelectInst>(operation);
}

}  // namespace

void prepare_coroutines(llvm::Module& module, llvm::ModuleAnalysisManager& analyses) {
  if (std::ranges::none_of(module, is_coroutine)) return;
  llvm::CoroEarlyPass().run(module, analyses);
}

void split_coroutines(llvm::Module& module, llvm::ModuleAnalysisManager& analyses,
                      llvm::FunctionAnalysisManager& functions) {
  if (std::ranges::none_of(module, is_coroutine)) return;
  // What a loop computes and a barrier behind it keeps goes to the frame once, behind the loop.
  for (llvm::Function& function : module) {
    if (is_coroutine(function)) llvm::LCSSAPass().run(function, functions);
  }
  analyses.clear();
  functions.clear();
  llvm::ModulePassManager split;
  split.addPass(llvm::createModuleToPostOrderCGSCCPassAdaptor(
      llvm::CoroSplitPass(is_made_again, /*OptimizeFrame=*/true)));
  split.addPass(llvm::CoroCleanupPass());
  split.run(module, analyses);

  llvm::FunctionPassManager passes;
  passes.addPass(llvm::SimplifyCFGPass());
  passes.addPass(llvm::EarlyCSEPass(/*UseMemorySSA=*/true));
  passes.addPass(llvm::createFunctionToLoopPassAdaptor(
      llvm::LICMPass(llvm::LICMOptions()), /*UseMemorySSA=*/true, /*UseBlockFrequencyInfo=*/false));
  passes.addPass(llvm::ADCEPass());
  passes.addPass(llvm::SimplifyCFGPass());
  for (llvm::Function& function : module) {
    if (!function.getName().starts_with(kCoroutineName)) continue;
    // While it runs, nobody else touches the frame.
    if (function.getName() != kCoroutineName) {
      function.addParamAttr(0, llvm::Attribute::NoAlias);
      // The engine calls it.
      function.setCallingConv(llvm::CallingConv::C);
    }
    passes.run(function, functions);
  }
}

}  // namespace doppel::jit
