// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <llvm/IR/IRBuilder.h>

namespace doppel::jit {

// A copy of an integer or a pointer of which LLVM does not know that it is one: no pass looks through it.
llvm::Value* opaque_copy(llvm::IRBuilder<>& builder, llvm::Value* value);

}  // namespace doppel::jit
