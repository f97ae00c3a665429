// SPDX-License-Identifier: Apache-2.0
// What the functions of one compiled kernel share while their code is made.
#pragma once

#include <llvm/IR/Module.h>

#include <map>
#include <vector>

#include "analysis/analysed_module.h"
#include "jit/compiled_module.h"
#include "jit/module_compiler.h"

namespace doppel::jit {

struct ModuleState {
  const analysis::AnalysedModule& module;
  const ir::Module& ir;  // of the module
  const analysis::AnalysedKernel& kernel;
  Variant variant;
  llvm::Module& llvm;
  std::map<ir::FunctionId, llvm::Function*> functions;
  bool wide_vectors = false;                    // the host gathers and masks 512-bit vectors
  std::vector<AccessNote>* accesses = nullptr;  // null: nobody asks
};

}  // namespace doppel::jit
