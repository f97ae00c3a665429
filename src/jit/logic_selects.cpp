// SPDX-License-Identifier: Apache-2.0
#include "jit/logic_selects.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>

#include <vector>

namespace doppel::jit {
namespace {

bool is_logic(const llvm::Value* value) {
  const auto* operation = llvm::dyn_cast<llvm::BinaryOperator>(value);
  return operation != nullptr && operation->isBitwiseLogicOp();
}

// The instruction exists for elements of 32 and 64 bits.
llvm::Type* float_of_same_size(llvm::Type* type) {
  switch (type->getScalarSizeInBits()) {
    case 32:
      return llvm::Type::getFloatTy(type->getContext());
    case 64:
      return llvm::Type::getDoubleTy(type->getContext());
    default:
      return nullptr;
  }
}

}  // namespace

void hide_logic_from_masks(llvm::Module& module) {
  std::vector<llvm::SelectInst*> selects;
  for (llvm::Function& function : module) {
    for (llvm::Instruction& instruction : llvm::instructions(function)) {
      auto* select = llvm::dyn_cast<llvm::SelectInst>(&instruction);
      if (select == nullptr || !select->getCondition()->getType()->isVectorTy() ||
          !select->getType()->isIntOrIntVectorTy())
        continue;
      if (is_logic(select->getTrueValue()) || is_logic(select->getFalseValue())) selects.push_back(select);
    }
  }
  for (llvm::SelectInst* select : selects) {
    llvm::Type* element = float_of_same_size(select->getType());
    if (element == nullptr) continue;
    auto* type = llvm::VectorType::get(element, llvm::cast<llvm::VectorType>(select->getType()));
    llvm::IRBuilder<> builder(select);
    llvm::Value* chosen =
        builder.CreateSelect(select->getCondition(), builder.CreateBitCast(select->getTrueValue(), type),
                             builder.CreateBitCast(select->getFalseValue(), type));
    select->replaceAllUsesWith(builder.CreateBitCast(chosen, select->getType()));
    select->eraseFromParent();
  }
}

}  // namespace doppel::jit
