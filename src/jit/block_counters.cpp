// SPDX-License-Identifier: Apache-2.0
#include "jit/block_counters.h"

#include <llvm/IR/Intrinsics.h>

#include <cstddef>

namespace doppel::jit {

using analysis::BlockId;
using llvm::Value;

llvm::Type* counter_type(llvm::IRBuilder<>& b) { return llvm::FixedVectorType::get(b.getInt64Ty(), 2); }

void add_to_counter(llvm::IRBuilder<>& b, Value* address, Value* by) {
  Value* count = b.CreateAlignedLoad(counter_type(b), address, llvm::Align(8));
  b.CreateAlignedStore(b.CreateAdd(count, by), address, llvm::Align(8));
}

void BlockCounters::count(BlockId block, Value* lanes, bool may_be_empty) {
  // The blocks of scheduled code are finer than those that are counted.
  const std::uint32_t first = analysed_.graph.blocks()[block].first;
  const BlockId counted = analysed_.counted_graph.block_of(first);
  if (analysed_.counted_graph.blocks()[counted].first != first) return;
  Value* entered = may_be_empty ? b_.CreateICmpNE(lanes, b_.getInt32(0)) : b_.getTrue();
  Value* population = b_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, lanes);
  Value* by = llvm::Constant::getNullValue(counter_type(b_));
  by = b_.CreateInsertElement(by, b_.CreateZExt(entered, b_.getInt64Ty()), std::uint64_t{0});
  by = b_.CreateInsertElement(by, b_.CreateZExt(population, b_.getInt64Ty()), std::uint64_t{1});
  add_to_counter(b_, entry_.counter(launch_, module_.kernel.first_slot(id_) + counted), by);
  if (module_.variant.build != Build::Traced) return;
  if (!may_be_empty) {
    trace(counted, lanes);
    return;
  }
  llvm::BasicBlock* some = builder_.new_block("trace");
  llvm::BasicBlock* after = builder_.new_block("traced");
  b_.CreateCondBr(entered, some, after);
  b_.SetInsertPoint(some);
  trace(counted, lanes);
  b_.CreateBr(after);
  b_.SetInsertPoint(after);
}

void BlockCounters::trace(std::uint32_t counted, Value* lanes) {
  llvm::Type* word = b_.getInt32Ty();
  launch_.callback(offsetof(RuntimeCallbacks, trace_block),
                   llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), word, word}, false),
                   {launch_.context(), b_.getInt32(id_ << 16 | counted), lanes});
}

}  // namespace doppel::jit
