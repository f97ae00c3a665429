// SPDX-License-Identifier: Apache-2.0
// Turns one function of the IR into one LLVM function that runs a warp. What it takes for that is in parts of
// their own; the lower_*.cpp files add one group of operations each, and find the parts here.
#pragma once

#include <memory>
#include <string>

#include "jit/active_lanes.h"
#include "jit/emission_plan.h"
#include "jit/lane_builder.h"
#include "jit/module_state.h"
#include "jit/unsupported.h"

namespace doppel::jit {

class BlockCounters;
class ControlFlow;
class Definedness;
class FunctionEntry;
class LaunchContext;
class MatrixRuns;
class RegisterFile;

class FunctionEmitter : public LaneBuilder {
 public:
  FunctionEmitter(ModuleState& module, const analysis::AnalysedFunction& analysed, ir::FunctionId function,
                  llvm::Function& into);
  ~FunctionEmitter();
  // Throws Unsupported for a form that has no lowering.
  void run();

  // What it works on.
  ModuleState& module() { return module_; }
  const ir::Function& function() const { return analysed_.function; }
  ir::FunctionId function_id() const { return id_; }
  const analysis::AnalysedFunction& analysed() const { return analysed_; }
  const analysis::LaneAnalysis& analysis() const { return analysed_.lanes; }
  const EmissionPlan& plan() const { return plan_; }

  // Its parts.
  ActiveLanes& lanes() { return lanes_; }
  RegisterFile& registers() { return *registers_; }
  LaunchContext& launch() { return *launch_; }
  FunctionEntry& entry() { return *entry_; }
  BlockCounters& counters() { return *counters_; }
  ControlFlow& flow() { return *flow_; }
  MatrixRuns& matrix_runs() { return *matrix_runs_; }
  Definedness* definedness() { return definedness_.get(); }  // null: not the checked build

  // The current operation.
  std::uint32_t instruction_index() const { return at_; }
  std::uint32_t operation_number() const;  // over all functions of the kernel
  bool runs_once() const;                  // a warp: it is in the kernel itself, outside of all loops
  [[noreturn]] void unsupported(const ir::Operation& operation, const std::string& why = "");

  // Its operands. `type` gives the width of immediates and special registers.
  Lanes read(const ir::Operand& operand, ir::Type type);
  Lanes read(const ir::Operand& operand, int bits);
  llvm::Value* read_vector(const ir::Operand& operand, ir::Type type) {
    return materialize(read(operand, type));
  }
  llvm::Value* read_vector(const ir::Operand& operand, int bits) { return materialize(read(operand, bits)); }
  bool is_uniform(const ir::Operand& operand, ir::Type type);
  // Writes a destination: a register, a vector's element or `_`; blends where other lanes or a false guard
  // keep the old value.
  void write(const ir::Operand& destination, Lanes value);
  void write(const ir::Operand& destination, llvm::Value* value);  // scalar or vector, by its type
  // Whether any operation of the function reads what is written to this destination.
  bool is_read(const ir::Operand& destination) const;
  // Whether a NaN in the destination may keep any payload for now (analysis/deferred_nans.h).
  bool defers_nan(const ir::Operand& destination) const {
    return destination.is_register() && analysed_.deferred_nans[destination.reg];
  }

  // For the control flow.
  void set_position(analysis::BlockId block, std::uint32_t operation);
  void set_guard(const ir::Operation& operation);
  void emit_operation();  // the current one, which does not end a block
  void check_uses();      // of the current one, in the checked build

 private:
  void open();
  void test_frame(llvm::Value* lanes);
  void take_parameters();

  ModuleState& module_;
  const ir::FunctionId id_;
  const analysis::AnalysedFunction& analysed_;
  const EmissionPlan plan_;
  ActiveLanes lanes_{*this};
  std::unique_ptr<FunctionEntry> entry_;
  std::unique_ptr<LaunchContext> launch_;
  std::unique_ptr<RegisterFile> registers_;
  std::unique_ptr<BlockCounters> counters_;
  std::unique_ptr<ControlFlow> flow_;
  std::unique_ptr<MatrixRuns> matrix_runs_;
  std::unique_ptr<Definedness> definedness_;
  analysis::BlockId block_ = 0;
  std::uint32_t at_ = 0;
  bool payload_ignored_ = false;  // of NaNs, by the current operation
};

}  // namespace doppel::jit
