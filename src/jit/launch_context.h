// SPDX-License-Identifier: Apache-2.0
// What generated code reaches through a warp's context: its fields, the engine's callbacks, the addresses of
// variables and parameters.
#pragma once

#include <map>

#include "jit/emission_plan.h"
#include "jit/function_entry.h"
#include "jit/lane_builder.h"
#include "jit/module_state.h"

namespace doppel::jit {

class LaunchContext {
 public:
  LaunchContext(ModuleState& module, ir::FunctionId function, const EmissionPlan& plan, LaneBuilder& builder,
                FunctionEntry& entry);

  llvm::Value* context() { return entry_.context(); }        // ptr
  llvm::Value* field(std::size_t offset, llvm::Type* type);  // loaded once, at the function's start
  llvm::Value* field_address(std::size_t offset);            // of one that is written
  llvm::Value* counter_address(std::uint32_t slot);          // of a block
  unsigned& scratch_used() { return scratch_used_; }         // slots of WarpContext::scratch
  llvm::Value* callback(std::size_t offset, llvm::FunctionType* type, llvm::ArrayRef<llvm::Value*> arguments);
  // offset: of RuntimeCallbacks::barrier or ::arrive.
  llvm::Value* arrive_at_barrier(std::size_t offset, const BarrierArrival& arrival);
  void yield();
  // Ends the launch. instruction: its index in the function.
  void trap(llvm::Value* lanes, std::uint32_t instruction);

  llvm::Value* symbol_address(const ir::SymbolRef& symbol);  // 64 bits, in the symbol's own space
  Lanes window_base(ir::Space space);  // generic address of lane's .shared, .local or .param window
  std::uint64_t frame_bytes() const { return plan_.local.bytes; }
  llvm::Value* frame_offset() { return frame_; }  // of this call in local memory

  llvm::Value* parameter_memory(const ir::SymbolRef& symbol);  // ptr: 32 values of the .param variable
  // Of the kernel's parameters.
  std::uint64_t parameter_offset(const ir::SymbolRef& symbol) const {
    return plan_.parameters.offsets[symbol.index];
  }
  std::uint64_t kernel_parameter_bytes() const;
  // What lies there, loaded once for all warps of the call. Null: not in this kernel.
  llvm::Value* parameter_before_loop(std::uint64_t offset, int bits);

 private:
  ModuleState& module_;
  ir::FunctionId id_;
  const ir::Function& function_;
  const EmissionPlan& plan_;
  LaneBuilder& builder_;
  llvm::IRBuilder<>& b_;
  FunctionEntry& entry_;
  llvm::Value* frame_;
  unsigned scratch_used_ = 0;
  std::map<std::pair<std::size_t, llvm::Type*>, llvm::Value*> fields_;
  std::map<std::uint32_t, llvm::Value*> parameter_memory_;  // Function::variables index -> slot
  std::map<std::uint32_t, llvm::Value*> symbols_;           // Module::variables index -> address
};

}  // namespace doppel::jit
