// SPDX-License-Identifier: Apache-2.0
#include "jit/helper_call.h"

#include "jit/lane_functions.h"

namespace doppel::jit {

using llvm::Value;

Value* call_helper(FunctionEmitter& emitter, const char* name, std::initializer_list<Value*> operands,
                   int result_bits, std::initializer_list<std::uint32_t> immediates) {
  llvm::IRBuilder<>& b = emitter.b();
  std::vector<llvm::Type*> types{b.getInt32Ty()};
  // Operands that are the same in every lane give every lane's result, whether it is active or not.
  bool uniform = true;
  for (Value* operand : operands) uniform &= !operand->getType()->isVectorTy();
  std::vector<Value*> arguments{uniform ? emitter.i32(~0u) : emitter.lanes().mask()};
  ScratchSlots scratch(emitter);
  for (Value* operand : operands) {
    types.push_back(b.getPtrTy());
    arguments.push_back(scratch.store(emitter.splat(operand)));
  }
  for (std::uint32_t immediate : immediates) {
    types.push_back(b.getInt32Ty());
    arguments.push_back(emitter.i32(immediate));
  }
  llvm::Type* lanes = emitter.int_type(result_bits, false);
  Value* result = scratch.store(llvm::Constant::getNullValue(lanes));
  types.push_back(b.getPtrTy());
  arguments.push_back(result);
  b.CreateCall(
      emitter.module().llvm.getOrInsertFunction(name, llvm::FunctionType::get(b.getVoidTy(), types, false)),
      arguments);
  return b.CreateLoad(lanes, result);
}

}  // namespace doppel::jit
