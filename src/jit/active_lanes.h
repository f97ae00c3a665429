// SPDX-License-Identifier: Apache-2.0
// Which lanes of a warp run: those that are left in the function, of these the lanes of the block that runs,
// and of these the ones whose guard holds at the current operation. Masks are i32, a bit for each lane.
#pragma once

#include "jit/lane_builder.h"

namespace doppel::jit {

class ActiveLanes {
 public:
  explicit ActiveLanes(LaneBuilder& builder) : builder_(builder), b_(builder.b()) {}

  // Lanes that are left in the function.
  void make_slot() { live_ = builder_.stack_slot(b_.getInt32Ty(), "live"); }
  llvm::Value* live() { return b_.CreateLoad(b_.getInt32Ty(), live_); }
  void set_live(llvm::Value* lanes) { b_.CreateStore(lanes, live_); }

  // Lanes of the block, of which there may be none. No guard.
  void set_block(llvm::Value* lanes, bool may_be_empty = false);
  llvm::Value* block_mask() { return block_; }  // the same whatever the guard

  // Lanes of the operation. guard: i1 or <32 x i1>.
  void set_guard(llvm::Value* guard);
  void clear_guard();
  llvm::Value* guard() { return guard_; }  // null: none
  llvm::Value* mask() { return mask_; }
  llvm::Value* mask_vector();  // <32 x i1>
  bool may_be_empty() const { return may_be_empty_; }
  bool all() const;  // known to be all 32

 private:
  LaneBuilder& builder_;
  llvm::IRBuilder<>& b_;
  llvm::AllocaInst* live_ = nullptr;
  llvm::Value* block_ = nullptr;
  bool block_may_be_empty_ = false;
  llvm::Value* guard_ = nullptr;
  llvm::Value* mask_ = nullptr;
  llvm::Value* mask_vector_ = nullptr;  // of mask_, once it was asked for
  bool may_be_empty_ = false;
};

}  // namespace doppel::jit
