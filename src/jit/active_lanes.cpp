// SPDX-License-Identifier: Apache-2.0
#include "jit/active_lanes.h"

namespace doppel::jit {

using llvm::Value;

void ActiveLanes::set_block(Value* lanes, bool may_be_empty) {
  block_ = lanes;
  block_may_be_empty_ = may_be_empty;
  clear_guard();
}

void ActiveLanes::clear_guard() {
  guard_ = nullptr;
  mask_ = block_;
  mask_vector_ = nullptr;
  may_be_empty_ = block_may_be_empty_;
}

void ActiveLanes::set_guard(Value* guard) {
  guard_ = guard;
  Value* lanes = guard->getType()->isVectorTy() ? b_.CreateBitCast(guard, b_.getInt32Ty())
                                                : b_.CreateSExt(guard, b_.getInt32Ty());
  mask_ = b_.CreateAnd(block_, lanes);
  mask_vector_ = nullptr;
  may_be_empty_ = true;
}

Value* ActiveLanes::mask_vector() {
  if (mask_vector_ == nullptr) mask_vector_ = b_.CreateBitCast(mask_, builder_.vector_of(b_.getInt1Ty()));
  return mask_vector_;
}

bool ActiveLanes::all() const {
  const auto* known = llvm::dyn_cast<llvm::ConstantInt>(mask_);
  return known != nullptr && known->isMinusOne();
}

}  // namespace doppel::jit
