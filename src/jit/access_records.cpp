// SPDX-License-Identifier: Apache-2.0
#include "jit/access_records.h"

#include <llvm/ADT/STLExtras.h>
#include <llvm/IR/Instructions.h>
#include <llvm/IR/IntrinsicInst.h>
#include <llvm/IR/Module.h>

#include <cstddef>
#include <map>
#include <optional>
#include <utility>

#include "jit/bounds_tests.h"
#include "jit/warp_abi.h"

namespace doppel::jit {
namespace {

using Place = std::pair<const llvm::Value*, std::int64_t>;  // the context, and the offset in it

// Where a store writes a record. Contexts are the only pointers that functions are passed first and loops
// step over: what a program computes are integers.
std::optional<Place> record_of(const llvm::StoreInst& store, const llvm::Function& function) {
  const llvm::DataLayout& layout = function.getParent()->getDataLayout();
  llvm::APInt offset(64, 0);
  const llvm::Value* base =
      store.getPointerOperand()->stripAndAccumulateConstantOffsets(layout, offset, /*AllowNonInbounds=*/true);
  const std::int64_t at = offset.getSExtValue();
  constexpr auto kBegin = static_cast<std::int64_t>(offsetof(WarpContext, access_addresses));
  constexpr auto kEnd = static_cast<std::int64_t>(offsetof(WarpContext, access_step) + sizeof(std::uint32_t));
  if ((base != function.getArg(0) && !llvm::isa<llvm::PHINode>(base)) || at < kBegin || at >= kEnd)
    return std::nullopt;
  return Place{base, at};
}

}  // namespace

void drop_repeated_records(llvm::Function& function) {
  for (llvm::BasicBlock& block : function) {
    std::map<Place, const llvm::Value*> recorded;
    for (llvm::Instruction& instruction : llvm::make_early_inc_range(block)) {
      // A function that is called leaves records of its own.
      if (llvm::isa<llvm::CallBase>(instruction) && !llvm::isa<llvm::IntrinsicInst>(instruction) &&
          !is_bounds_mark(instruction))
        recorded.clear();
      auto* store = llvm::dyn_cast<llvm::StoreInst>(&instruction);
      if (store == nullptr) continue;
      const std::optional<Place> place = record_of(*store, function);
      if (!place) continue;
      const llvm::Value* value = store->getValueOperand();
      // The addresses of all lanes at once overwrite those of segments.
      if (value->getType()->isVectorTy()) recorded.clear();
      const llvm::Value*& last = recorded[*place];
      if (last == value) store->eraseFromParent();
      last = value;
    }
  }
}

}  // namespace doppel::jit
