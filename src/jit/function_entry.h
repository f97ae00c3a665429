// SPDX-License-Identifier: Apache-2.0
// How the engine enters a function's code, and where it leaves it: one strategy for each EntryShape.
#pragma once

#include <memory>

#include "ir/attributes.h"
#include "jit/emission_plan.h"
#include "jit/lane_builder.h"

namespace doppel::jit {

class LaunchContext;

// What stands at a barrier, of the lanes that arrive there.
struct BarrierArrival {
  llvm::Value* lanes = nullptr;      // i32, as are all of these
  llvm::Value* barrier = nullptr;    // its number
  llvm::Value* threads = nullptr;    // that it waits for; 0: all of the block
  llvm::Value* predicate = nullptr;  // lanes whose operand is true
  ir::BarrierMode mode = ir::BarrierMode::Sync;
};

class FunctionEntry {
 public:
  static std::unique_ptr<FunctionEntry> make(EntryShape shape, LaneBuilder& builder);
  explicit FunctionEntry(LaneBuilder& builder);
  virtual ~FunctionEntry() = default;
  FunctionEntry(const FunctionEntry&) = delete;
  FunctionEntry& operator=(const FunctionEntry&) = delete;

  // The WarpContext of the warp that runs, a pointer.
  llvm::Value* context() { return context_; }
  // The block in which a warp's code begins: the function's first one, or the head of a loop over warps.
  llvm::BasicBlock* head() { return head_; }
  // Whether one call runs several warps.
  virtual bool runs_blocks() const { return false; }

  // Code before everything else. Leaves the builder at the end of head().
  virtual void open() {}
  // The same, once fields of the context can be read: in head().
  virtual void begin(LaunchContext& /*launch*/) {}
  // Behind everything else.
  virtual void end(LaunchContext& launch);

  // Where a field of the context is loaded for the whole function, and from which context.
  struct FieldPlace {
    llvm::Instruction* before = nullptr;
    llvm::Value* context = nullptr;
  };
  virtual FieldPlace place_of_field(std::size_t offset);
  // Where a block's counters stand while the function runs.
  virtual llvm::Value* counter(LaunchContext& launch, std::uint32_t slot);
  // Its result, i32.
  virtual llvm::Value* arrive_at_barrier(LaunchContext& launch, const BarrierArrival& arrival);

 protected:
  LaneBuilder& builder_;
  llvm::IRBuilder<>& b_;
  llvm::BasicBlock* head_;
  llvm::Value* context_;
};

std::unique_ptr<FunctionEntry> make_block_entry(LaneBuilder& builder);
std::unique_ptr<FunctionEntry> make_coroutine_entry(LaneBuilder& builder);

}  // namespace doppel::jit
