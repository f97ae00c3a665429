// SPDX-License-Identifier: Apache-2.0
#include "jit/mask_casts.h"

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Module.h>
#include <llvm/IR/PatternMatch.h>

#include <vector>

#include "jit/opaque_copy.h"

namespace doppel::jit {
namespace {

using llvm::BinaryOperator;
using llvm::BitCastInst;
using llvm::Value;

bool is_mask(const llvm::Type* type) { return type->isVectorTy() && type->getScalarType()->isIntegerTy(1); }

BinaryOperator* as_logic(Value* value) {
  auto* operation = llvm::dyn_cast<BinaryOperator>(value);
  return operation != nullptr && operation->isBitwiseLogicOp() ? operation : nullptr;
}

// The integer that a vector of bits is made of; null where it is not.
Value* integer_of(Value* mask) {
  auto* cast = llvm::dyn_cast<BitCastInst>(mask);
  return cast != nullptr && cast->getSrcTy()->isIntegerTy() ? cast->getOperand(0) : nullptr;
}

// The vector of bits that an integer is made of; null where it is not.
Value* mask_of(Value* integer) {
  auto* cast = llvm::dyn_cast<BitCastInst>(integer);
  return cast != nullptr && is_mask(cast->getSrcTy()) ? cast->getOperand(0) : nullptr;
}

// Whether a vector of bits has part in it.
bool holds_mask(Value* integer) {
  if (mask_of(integer) != nullptr) return true;
  BinaryOperator* logic = as_logic(integer);
  return logic != nullptr && (holds_mask(logic->getOperand(0)) || holds_mask(logic->getOperand(1)));
}

Value* to_mask(llvm::IRBuilder<>& builder, Value* integer, llvm::Type* type) {
  if (Value* mask = mask_of(integer); mask != nullptr && mask->getType() == type) return mask;
  BinaryOperator* logic = as_logic(integer);
  if (logic == nullptr) return builder.CreateBitCast(integer, type);
  if (!holds_mask(logic)) return builder.CreateBitCast(opaque_copy(builder, integer), type);
  Value* left = to_mask(builder, logic->getOperand(0), type);
  Value* right = to_mask(builder, logic->getOperand(1), type);
  return builder.CreateBinOp(logic->getOpcode(), left, right);
}

// Those that the predicate takes, in their order.
template <typename Kind, typename Predicate>
std::vector<Kind*> masks_of(llvm::Function& function, Predicate&& takes) {
  std::vector<Kind*> found;
  for (llvm::Instruction& each : llvm::instructions(function)) {
    auto* mask = llvm::dyn_cast<Kind>(&each);
    if (mask != nullptr && is_mask(mask->getType()) && takes(mask)) found.push_back(mask);
  }
  return found;
}

// A selection hides what it does not take, logic does not: nothing undefined may come of it.
Value* frozen(llvm::IRBuilder<>& builder, Value* mask) {
  if (Value* const integer = integer_of(mask))
    return builder.CreateBitCast(builder.CreateFreeze(integer), mask->getType());
  return builder.CreateFreeze(mask);
}

// Selections between masks of which one is constant are logic, and LLVM makes that of them.
void selects_to_logic(llvm::Function& function) {
  using namespace llvm::PatternMatch;
  const auto chooses_masks = [](llvm::SelectInst* select) {
    return is_mask(select->getCondition()->getType());
  };
  for (llvm::SelectInst* select : masks_of<llvm::SelectInst>(function, chooses_masks)) {
    llvm::IRBuilder<> builder(select);
    Value* const condition = select->getCondition();
    Value* const yes = select->getTrueValue();
    Value* const no = select->getFalseValue();
    Value* logic = nullptr;
    if (match(no, m_Zero())) {
      logic = builder.CreateAnd(condition, frozen(builder, yes));
    } else if (match(yes, m_AllOnes())) {
      logic = builder.CreateOr(condition, frozen(builder, no));
    } else if (match(yes, m_Zero())) {
      logic = builder.CreateAnd(builder.CreateNot(condition), frozen(builder, no));
    } else if (match(no, m_AllOnes())) {
      logic = builder.CreateOr(builder.CreateNot(condition), frozen(builder, yes));
    }
    if (logic == nullptr) continue;
    select->replaceAllUsesWith(logic);
    select->eraseFromParent();
  }
}

void separate(llvm::Function& function) {
  selects_to_logic(function);
  const auto is_cast_of_logic = [](BitCastInst* cast) {
    return integer_of(cast) != nullptr && as_logic(cast->getOperand(0)) != nullptr;
  };
  for (BitCastInst* cast : masks_of<BitCastInst>(function, is_cast_of_logic)) {
    llvm::IRBuilder<> builder(cast);
    cast->replaceAllUsesWith(to_mask(builder, cast->getOperand(0), cast->getType()));
    cast->eraseFromParent();
  }
  // What one becomes is seen by the next.
  for (BinaryOperator* pair : masks_of<BinaryOperator>(function, as_logic)) {
    Value* const left = integer_of(pair->getOperand(0));
    Value* const right = integer_of(pair->getOperand(1));
    if (left == nullptr || right == nullptr) continue;
    llvm::IRBuilder<> builder(pair);
    Value* logic = opaque_copy(builder, builder.CreateBinOp(pair->getOpcode(), left, right));
    pair->replaceAllUsesWith(builder.CreateBitCast(logic, pair->getType()));
    pair->eraseFromParent();
  }
}

}  // namespace

void separate_mask_types(llvm::Module& module) {
  for (llvm::Function& function : module) separate(function);
}

}  // namespace doppel::jit
