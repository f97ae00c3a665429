// SPDX-License-Identifier: Apache-2.0
// The last step: LLVM's code to an object file in memory.
#pragma once

#include <memory>
#include <string>

#include "jit/compiled_module.h"

namespace llvm {
class MemoryBuffer;
class Module;
}  // namespace llvm

namespace doppel::jit {

// Splits long basic blocks first: much of what LLVM does for one grows with the square of its length.
Result<std::unique_ptr<llvm::MemoryBuffer>> emit_object(llvm::Module& module, Effort effort,
                                                        const std::string& name);

}  // namespace doppel::jit
