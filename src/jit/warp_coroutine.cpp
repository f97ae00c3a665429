// SPDX-License-Identifier: Apache-2.0
#include "jit/warp_coroutine.h"

#include <llvm/Analysis/CGSCCPassManager.h>
#include <llvm/IR/Instructions.h>
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

#include "jit/module_compiler.h"

namespace doppel::jit {

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
