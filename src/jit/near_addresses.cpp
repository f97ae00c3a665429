// SPDX-License-Identifier: Apache-2.0
#include "jit/near_addresses.h"

#include <llvm/ADT/DenseMap.h>
#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Constants.h>
#include <llvm/IR/Function.h>
#include <llvm/IR/InstIterator.h>
#include <llvm/IR/Instructions.h>

#include <vector>

namespace doppel::jit {
namespace {

bool is_part_of_address(const llvm::Instruction& instruction) {
  if (instruction.getType()->isVectorTy()) return false;
  if (const auto* element = llvm::dyn_cast<llvm::GetElementPtrInst>(&instruction))
    return element->hasAllConstantIndices();
  if (llvm::isa<llvm::IntToPtrInst>(instruction)) return true;
  return instruction.getOpcode() == llvm::Instruction::Add && instruction.getType()->isIntegerTy(64) &&
         llvm::isa<llvm::ConstantInt>(instruction.getOperand(1));
}

void repeat_near_uses(llvm::Instruction& instruction) {
  llvm::DenseMap<llvm::BasicBlock*, llvm::Instruction*> copies;
  for (llvm::Use& use : llvm::make_early_inc_range(instruction.uses())) {
    auto* user = llvm::cast<llvm::Instruction>(use.getUser());
    llvm::BasicBlock* block = user->getParent();
    if (block == instruction.getParent() || llvm::isa<llvm::PHINode>(user)) continue;
    llvm::Instruction*& copy = copies[block];
    if (copy == nullptr) {
      copy = instruction.clone();
      copy->insertBefore(block->getFirstInsertionPt());
    }
    use.set(copy);
  }
  if (instruction.use_empty()) instruction.eraseFromParent();
}

}  // namespace

void compute_addresses_near_uses(llvm::Function& function) {
  std::vector<llvm::Instruction*> parts;
  for (llvm::Instruction& instruction : llvm::instructions(function)) {
    if (is_part_of_address(instruction)) parts.push_back(&instruction);
  }
  // What uses others is copied before them. Blocks may stand in any order: what is missed by that is only
  // computed where it was.
  for (llvm::Instruction* part : llvm::reverse(parts)) repeat_near_uses(*part);
}

}  // namespace doppel::jit
