// SPDX-License-Identifier: Apache-2.0
// Calls from generated code into this library for what is rare or long: one call for 32 lanes.
#pragma once

#include <initializer_list>

#include "jit/function_emitter.h"

namespace doppel::jit {

// name(mask, operand..., immediate..., result): operands and result are pointers to 32 values (see
// runtime_functions.h).
llvm::Value* call_helper(FunctionEmitter& emitter, const char* name,
                         std::initializer_list<llvm::Value*> operands, int result_bits,
                         std::initializer_list<std::uint32_t> immediates = {});

}  // namespace doppel::jit
