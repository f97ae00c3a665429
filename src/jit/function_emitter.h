// Turns one PTX function into one LLVM function that runs a warp. The lower_*.cpp files add one group of
// instructions each.
#pragma once

#include <llvm/IR/IRBuilder.h>
#include <llvm/IR/Module.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "analysis/analysed_function.h"
#include "analysis/lane_values.h"
#include "analysis/memory_layout.h"
#include "analysis/shared_layout.h"
#include "jit/compiled_module.h"
#include "jit/module_compiler.h"
#include "jit/unsupported.h"

namespace doppel::jit {

// A PTX value: the scalar parts of its lane pattern, or one vector of 32 lanes in parts[0] where the pattern
// is Varying. All values are integers in LLVM IR; a predicate is i1 or <32 x i1>.
using Lanes = analysis::LaneParts<llvm::Value*>;

// What the functions of one compiled kernel share.
struct ModuleState {
  const analysis::AnalysedModule& module;
  const ir::Module& ir;  // of the module
  const analysis::AnalysedKernel& kernel;
  Variant variant;
  llvm::Module& llvm;
  std::map<ir::FunctionId, llvm::Function*> functions;
  bool wide_vectors = false;                    // the host gathers and masks 512-bit vectors
  std::vector<AccessNote>* accesses = nullptr;  // null: nobody asks
};

class Definedness;

class FunctionEmitter {
 public:
  FunctionEmitter(ModuleState& module, const analysis::AnalysedFunction& analysed, ir::FunctionId function,
                  llvm::Function* into);
  ~FunctionEmitter();
  // Throws Unsupported for a form that has no lowering.
  void run();

  // --- for the lowering files ---
  ModuleState& module() { return module_; }
  const ir::Function& function() const { return function_; }
  ir::FunctionId function_id() const { return id_; }
  std::uint32_t instruction_index() const { return at_; }
  llvm::IRBuilder<>& b() { return builder_; }
  llvm::LLVMContext& context() { return module_.llvm.getContext(); }
  [[noreturn]] void unsupported(const ir::Operation& operation, const std::string& why = "");

  // Types.
  llvm::IntegerType* int_type(int bits) {
    return llvm::IntegerType::get(context(), static_cast<unsigned>(bits));
  }
  llvm::Type* int_type(int bits, bool uniform) {
    return uniform ? static_cast<llvm::Type*>(int_type(bits))
                   : llvm::FixedVectorType::get(int_type(bits), kWarpLanes);
  }
  llvm::Type* vector_of(llvm::Type* element) { return llvm::FixedVectorType::get(element, kWarpLanes); }
  // A constant of `like`'s type: scalar or splat.
  llvm::Constant* constant(llvm::Type* like, std::uint64_t value);
  llvm::Value* i32(std::uint32_t value) { return builder_.getInt32(value); }
  llvm::Value* i64(std::uint64_t value) { return builder_.getInt64(value); }
  llvm::Constant* lane_constants(const analysis::LaneConstants& values, int bits);

  // Values. `type` gives the width of immediates and special registers.
  Lanes read(const ir::Operand& operand, ir::Type type);
  Lanes read(const ir::Operand& operand, int bits);
  llvm::Value* materialize(const Lanes& lanes);  // always <32 x iN>
  llvm::Value* read_vector(const ir::Operand& operand, ir::Type type) {
    return materialize(read(operand, type));
  }
  llvm::Value* read_vector(const ir::Operand& operand, int bits) { return materialize(read(operand, bits)); }
  Lanes uniform(llvm::Value* value);
  Lanes varying(llvm::Value* vector);
  bool is_uniform(const ir::Operand& operand, ir::Type type);
  // Whether any instruction of the function reads what is written to this destination.
  bool is_read(const ir::Operand& destination) const {
    return !destination.is_register() || read_[destination.reg];
  }
  // Writes a destination: a register, a vector's element or `_`; blends where other lanes or a false guard
  // keep the old value.
  void write(const ir::Operand& destination, Lanes value);
  void write(const ir::Operand& destination, llvm::Value* value);  // scalar or vector, by its type
  // Whether a NaN in the destination may keep any payload for now (analysis/deferred_nans.h).
  bool defers_nan(const ir::Operand& destination) const {
    return destination.is_register() && analysed_.deferred_nans[destination.reg];
  }
  // Converts a value to 32 lanes where it is scalar.
  llvm::Value* splat(llvm::Value* value);
  llvm::Value* resize(llvm::Value* value, int bits, bool sign);  // truncates or extends

  // Lanes that execute the current instruction: those of the block, less those with a false guard.
  llvm::Value* mask() { return effective_mask_; }    // i32
  llvm::Value* mask_vector();                        // <32 x i1>
  llvm::Value* block_mask() { return block_mask_; }  // i32: the same whatever the guard
  bool mask_may_be_empty() const { return mask_may_be_empty_; }
  llvm::Value* barrier_mask() { return barrier_lanes_ != nullptr ? barrier_lanes_ : effective_mask_; }
  bool mask_is_full() const;  // known to be all 32 lanes
  bool runs_once() const;     // a warp: the instruction is in the kernel itself, outside of all loops
  llvm::MDNode* likely();     // branch weights of a condition that nearly always holds
  void lanes_left_in_call();  // takes out the lanes that exited inside of a call

  // The context and what hangs on it.
  llvm::Value* context_pointer() { return context_; }
  llvm::Value* context_field(std::size_t offset, llvm::Type* type);  // loaded once, at the function's start
  llvm::Value* context_field_address(std::size_t offset);
  llvm::Value* callback(std::size_t offset, llvm::FunctionType* type, llvm::ArrayRef<llvm::Value*> arguments);
  llvm::Value* symbol_address(const ir::SymbolRef& symbol);    // 64 bits, in the symbol's own space
  llvm::Value* parameter_memory(const ir::SymbolRef& symbol);  // ptr: 32 values of the .param variable
  std::uint64_t parameter_offset(const ir::SymbolRef& symbol) const {  // of the kernel's
    return parameters_.offsets[symbol.index];
  }
  std::uint64_t kernel_parameter_bytes() const;
  // What lies there in the kernel's parameters, loaded once for all warps of the call. Null: not in this
  // kernel.
  llvm::Value* parameter_before_loop(std::uint64_t offset, int bits);
  std::uint64_t frame_bytes() const { return local_.bytes; }
  llvm::Value* frame_offset() { return frame_; }                     // of this call in local memory
  llvm::AllocaInst* stack_slot(llvm::Type* type, const char* name);  // in the entry block
  llvm::Value* store_lanes(llvm::Value* vector, const char* name);   // to a stack slot; returns ptr
  unsigned& scratch_used() { return scratch_used_; }  // slots of WarpContext::scratch (lane_functions.h)
  Lanes window_base(ir::Space space);                 // generic address of lane's .shared or .local window
  llvm::Function* runtime_function(const char* name, llvm::FunctionType* type);
  const analysis::LaneAnalysis& analysis() const { return analysed_.lanes; }
  Definedness* definedness() { return definedness_.get(); }  // null: not the checked build
  llvm::Value* live_mask();
  // Lanes arrive at a barrier: its result, i32. A coroutine is left here until the barrier is complete.
  llvm::Value* arrive_at_barrier(llvm::Value* barrier, llvm::Value* threads, ir::BarrierMode mode,
                                 llvm::Value* predicate);

  // The arithmetic of lane patterns (see analysis/lane_values.h).
  struct Scalars {
    using Value = llvm::Value*;
    FunctionEmitter& emitter;
    Value constant(std::int64_t value, int bits);
    Value add(Value a, Value b);
    Value mul(Value a, Value b);
    Value extend(Value a, bool is_signed);
    Value truncate(Value a);
    Value bit_and(Value a, Value b);
    Value shift_right(Value a, unsigned count, bool arithmetic);
  };
  Scalars& scalars() { return scalars_; }

 private:
  // A register lies in stack slots that LLVM promotes. One that only one block knows needs none: its parts
  // are the values last written. Thousands of slots take LLVM long; where every block can follow every other
  // (lane_scheduler.cpp), promotion costs a value for each register and block. Then they stay in memory, from
  // which a block reads each once.
  struct RegisterSlot {
    std::vector<llvm::Type*> types;
    std::vector<llvm::AllocaInst*> parts;
    std::vector<llvm::Value*> values;    // of a block's register; in memory: null, or as the block knows it
    std::vector<std::uint64_t> offsets;  // in register_memory_
    std::uint32_t known_in = 0;          // emission of a block that `values` belong to
    bool of_block = false;
  };

  struct Edge {
    std::optional<analysis::BlockId> target;  // none: lanes leave
    llvm::Value* lanes = nullptr;             // i32
  };

  // A kernel that runs all warps of a block in one call (block_loop.cpp).
  bool runs_whole_blocks() const;
  void begin_block_loop();
  void end_block_loop();
  llvm::AllocaInst* loop_counter(std::uint32_t slot);
  bool may_run_full() const;
  bool stay_together(analysis::BlockId block, const std::vector<Edge>& edges);
  llvm::Instruction* field_position(std::size_t offset);  // where a field of the context is loaded

  // A kernel that is left and resumed at its barriers (warp_coroutine.cpp).
  bool waits_at_barriers() const;
  void begin_coroutine();
  void suspend_where(llvm::Value* waits);
  void end_coroutine();

  void test_frame(llvm::Value* lanes);
  void make_registers();
  std::vector<bool> registers_of_blocks() const;
  bool keeps_registers_in_memory(const std::vector<bool>& of_block) const;
  void make_register_memory(std::uint64_t bytes);
  llvm::Value* register_address(llvm::IRBuilder<>& at, std::uint64_t offset);
  llvm::Value* load_part(RegisterSlot& slot, std::size_t part);
  void store_part(RegisterSlot& slot, std::size_t part, llvm::Value* value);
  void make_blocks();
  void emit_block(analysis::BlockId block);
  void emit_operation(const ir::Operation& operation);
  void begin_block(analysis::BlockId block);
  void set_guard(const ir::Operation& operation);
  Lanes load_register(ir::RegisterId reg);
  void store_register(ir::RegisterId reg, const Lanes& value);
  void count_block(analysis::BlockId block, llvm::Value* lanes, bool may_be_empty = false);
  llvm::Type* counter_type();  // warps and lanes, at once
  llvm::Value* counter_address(std::uint32_t slot);
  void add_to_counter(llvm::Value* address, llvm::Value* by);
  bool lanes_leave_after(analysis::BlockId id) const;
  bool leaves_together() const;
  void kill_registers(analysis::BlockId header);

  // Scheduled mode (lane_scheduler.cpp).
  struct Scheduler {
    llvm::Value* waiting = nullptr;        // [blocks x i32]: lanes that stand at a block
    llvm::Value* passed = nullptr;         // [blocks x i32]: of those, lanes whose wait has ended elsewhere
    llvm::AllocaInst* start = nullptr;     // where the next scan begins
    llvm::AllocaInst* progress = nullptr;  // a block has run since the last scan wrapped around
    llvm::AllocaInst* stuck = nullptr;     // every lane waits
    llvm::AllocaInst* current = nullptr;   // lanes handed to the block that runs
    llvm::AllocaInst* turns = nullptr;
    llvm::BasicBlock* dispatch = nullptr;
    std::map<std::vector<analysis::BlockId>, llvm::Value*> lists;  // block_list()
  };
  void make_scheduler();
  llvm::Value* block_list(const std::vector<analysis::BlockId>& blocks);
  llvm::Value* lanes_waiting_at(const std::vector<analysis::BlockId>& blocks);
  void let_lanes_pass(const std::vector<analysis::BlockId>& blocks, llvm::Value* which);
  std::vector<analysis::BlockId> blocks_that_begin(
      const std::function<bool(const ir::Operation&)>& with) const;
  void emit_dispatch();
  void begin_scheduled_block(analysis::BlockId block);
  void wait_for_members(analysis::BlockId block, const ir::Operation& operation);
  void wait_at_barrier(analysis::BlockId block, const ir::Operation& operation);
  void park(analysis::BlockId block, llvm::Value* lanes, llvm::Value* going);
  void go_to_dispatch(analysis::BlockId block);
  void call_yield();
  llvm::Value* scheduler_lanes(llvm::Value* array, analysis::BlockId block);
  void add_scheduler_lanes(llvm::Value* array, analysis::BlockId block, llvm::Value* lanes);
  bool unreachable(analysis::BlockId block) const {
    return graph_.blocks()[block].predecessors.empty() && block != 0;
  }

  // Control (lower_control.cpp).
  void emit_terminator(analysis::BlockId block);
  void leave(llvm::Value* lanes, bool exits_thread);
  void emit_leaving_edge(analysis::BlockId through, llvm::Value* lanes);
  llvm::BasicBlock* arrival(analysis::BlockId block);
  void add_pending(analysis::BlockId target, llvm::Value* lanes);
  std::vector<Edge> edges_of(analysis::BlockId block, const ir::Operation& last);
  void poll_loop(analysis::BlockId header);
  bool leaves(analysis::BlockId block) const;

  ModuleState& module_;
  ir::FunctionId id_;
  const ir::Function& function_;
  llvm::Function* into_;
  llvm::IRBuilder<> builder_;
  Scalars scalars_{*this};
  const analysis::AnalysedFunction& analysed_;
  const analysis::ControlFlowGraph& graph_ = analysed_.graph;
  std::vector<bool> read_;        // by register: some instruction reads it
  bool payload_ignored_ = false;  // by the current instruction
  const bool scheduled_ = analysed_.scheduled();
  Scheduler scheduler_;
  llvm::Value* barrier_lanes_ =
      nullptr;  // of the barrier that the current block calls, where it stands for several places
  analysis::LocalLayout local_;
  analysis::ParameterLayout parameters_;

  llvm::BasicBlock* entry_ = nullptr;
  llvm::BasicBlock* warp_start_ = nullptr;  // entry_, or the head of the loop over a block's warps
  llvm::BasicBlock* end_ = nullptr;
  llvm::BasicBlock* left_ = nullptr;  // of a coroutine: back to the caller, for now or at the end
  llvm::Value* coroutine_ = nullptr;  // llvm.coro.begin's; null: not one
  llvm::Value* context_ = nullptr;
  llvm::Value* block_context_ = nullptr;  // of the block's first warp; null: one warp a call
  struct {
    llvm::Value* stride = nullptr;
    llvm::PHINode* left = nullptr;
    std::map<std::uint32_t, llvm::AllocaInst*> counters;  // by slot
  } loop_;                                                // over a block's warps
  llvm::Value* frame_ = nullptr;
  llvm::AllocaInst* live_ = nullptr;
  llvm::AllocaInst* poll_ = nullptr;
  std::vector<RegisterSlot> registers_;
  llvm::Value* register_memory_ = nullptr;
  std::uint32_t emission_ = 0;                   // of a block; counts
  std::vector<llvm::AllocaInst*> pending_;       // by block; null where convergent
  std::vector<llvm::BasicBlock*> enter_, body_;  // by block; enter: tests for lanes
  // By block: the end of its code for any lanes, where that takes over from the code for all 32.
  std::vector<llvm::BasicBlock*> partial_;
  std::unique_ptr<Definedness> definedness_;
  std::map<std::pair<std::size_t, llvm::Type*>, llvm::Value*> fields_;
  std::map<std::uint32_t, llvm::Value*> parameter_memory_;  // Function::variables index -> slot
  std::map<std::pair<int, std::size_t>, llvm::Value*> symbols_;

  analysis::BlockId block_ = 0;
  std::uint32_t at_ = 0;
  llvm::Value* block_mask_ = nullptr;
  llvm::Value* effective_mask_ = nullptr;
  llvm::Value* mask_vector_ = nullptr;
  llvm::Value* guard_ = nullptr;  // i1 or <32 x i1>, null: none
  unsigned scratch_used_ = 0;
  bool mask_may_be_empty_ = false;
  bool block_may_be_empty_ = false;  // after a call in which lanes may have exited
  bool all_lanes_stay_ = false;      // the blocks made now run with 32 lanes where they are convergent
};

}  // namespace doppel::jit
