// SPDX-License-Identifier: Apache-2.0
// Kernels that are left and resumed at their barriers, as LLVM coroutines (Coroutines.rst, "switched-resume
// lowering"): cheaper than to switch stacks, because a return goes where the host's processor expects it.
#pragma once

#include <llvm/IR/Module.h>
#include <llvm/IR/PassManager.h>

namespace doppel::jit {

// Before all other passes.
void prepare_coroutines(llvm::Module& module, llvm::ModuleAnalysisManager& analyses);
// After those that promote registers, so that only what lives across a barrier goes to the frame. Makes of
// each coroutine its start and a function that resumes it.
void split_coroutines(llvm::Module& module, llvm::ModuleAnalysisManager& analyses,
                      llvm::FunctionAnalysisManager& functions);

}  // namespace doppel::jit
