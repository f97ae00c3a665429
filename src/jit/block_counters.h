// SPDX-License-Identifier: Apache-2.0
// Counts how often each block of a function runs and with how many lanes, and tells the traced build's
// engine.
#pragma once

#include "jit/launch_context.h"

namespace doppel::jit {

// Warps and lanes, at once.
llvm::Type* counter_type(llvm::IRBuilder<>& b);
void add_to_counter(llvm::IRBuilder<>& b, llvm::Value* address, llvm::Value* by);

class BlockCounters {
 public:
  BlockCounters(ModuleState& module, ir::FunctionId function, const analysis::AnalysedFunction& analysed,
                LaneBuilder& builder, FunctionEntry& entry, LaunchContext& launch)
      : module_(module),
        id_(function),
        analysed_(analysed),
        builder_(builder),
        b_(builder.b()),
        entry_(entry),
        launch_(launch) {}

  // lanes: i32, that enter the block. may_be_empty: none may.
  void count(analysis::BlockId block, llvm::Value* lanes, bool may_be_empty = false);

 private:
  void trace(std::uint32_t counted, llvm::Value* lanes);

  ModuleState& module_;
  ir::FunctionId id_;
  const analysis::AnalysedFunction& analysed_;
  LaneBuilder& builder_;
  llvm::IRBuilder<>& b_;
  FunctionEntry& entry_;
  LaunchContext& launch_;
};

}  // namespace doppel::jit
