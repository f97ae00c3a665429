// SPDX-License-Identifier: Apache-2.0
#include "jit/opaque_copy.h"

#include <llvm/IR/InlineAsm.h>

namespace doppel::jit {

llvm::Value* opaque_copy(llvm::IRBuilder<>& builder, llvm::Value* value) {
  auto* type = llvm::FunctionType::get(value->getType(), {value->getType()}, false);
  auto* nothing = llvm::InlineAsm::get(type, "", "=r,0", /*hasSideEffects=*/false);
  llvm::CallInst* copy = builder.CreateCall(type, nothing, {value});
  copy->setDoesNotAccessMemory();
  copy->setDoesNotThrow();
  return copy;
}

}  // namespace doppel::jit
