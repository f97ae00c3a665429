// SPDX-License-Identifier: Apache-2.0
#include "jit/function_emitter.h"

#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Intrinsics.h>

#include <algorithm>
#include <cstddef>

#include "analysis/deferred_nans.h"
#include "ir/operation.h"
#include "jit/block_counters.h"
#include "jit/bounds_tests.h"
#include "jit/control_flow.h"
#include "jit/definedness.h"
#include "jit/float_values.h"
#include "jit/function_entry.h"
#include "jit/launch_context.h"
#include "jit/lower.h"
#include "jit/matrix_runs.h"
#include "jit/register_file.h"

namespace doppel::jit {

using analysis::BlockId;
using ir::Operand;
using ir::Operation;
using llvm::Value;

FunctionEmitter::FunctionEmitter(ModuleState& module, const analysis::AnalysedFunction& analysed,
                                 ir::FunctionId function, llvm::Function& into)
    : LaneBuilder(into),
      module_(module),
      id_(function),
      analysed_(analysed),
      plan_(plan_emission(analysed, module.variant)) {}
FunctionEmitter::~FunctionEmitter() = default;

void FunctionEmitter::unsupported(const Operation& operation, const std::string& why) {
  std::string message = (function().is_kernel ? "in kernel '" : "in function '") + function().name +
                        "', line " + std::to_string(operation.origin.text.line) + ": " +
                        function().form_of(operation) + ": not supported";
  if (!why.empty()) message += " (" + why + ")";
  throw Unsupported{std::move(message)};
}

void FunctionEmitter::run() {
  if (const auto& refused = analysed_.refused_convergence)
    unsupported(function().operations[refused->operation], std::string(refused->why));
  b().SetInsertPoint(new_block("entry"));
  llvm::BasicBlock* end = new_block("end");
  llvm::BasicBlock* start = new_block("start");
  entry_ = FunctionEntry::make(plan_.entry, *this);
  entry_->open();
  b().SetInsertPoint(b().CreateBr(start));
  open();
  flow_ = ControlFlow::make(*this, end);
  flow_->prepare();

  flow_->make_blocks(plan_.full != FullCode::None);
  b().SetInsertPoint(start);
  flow_->start();
  flow_->emit_blocks();
  flow_->finish();
  if (plan_.full == FullCode::First) {
    // Once more, for when some have left.
    flow_->make_blocks(false);
    flow_->emit_blocks();
  }
  b().SetInsertPoint(end);
  entry_->end(*launch_);
}

// The code before the first block.
void FunctionEmitter::open() {
  launch_ = std::make_unique<LaunchContext>(module_, id_, plan_, *this, *entry_);
  counters_ = std::make_unique<BlockCounters>(module_, id_, analysed_, *this, *entry_, *launch_);
  registers_ = std::make_unique<RegisterFile>(analysed_, plan_, *this, lanes_);
  lanes_.make_slot();
  Value* lanes = nullptr;
  if (!function().is_kernel) {
    lanes = into().getArg(1);
  } else if (module_.variant.full_warps) {
    lanes = i32(~0u);
  } else {
    lanes = launch_->field(offsetof(WarpContext, active_mask), b().getInt32Ty());
  }
  entry_->begin(*launch_);
  lanes_.set_live(lanes);
  if (!function().is_kernel && plan_.local.bytes > 0) test_frame(lanes);
  const auto is_call = [](const Operation& operation) { return operation.op == ir::Op::Call; };
  if (function().is_kernel && std::ranges::any_of(function().operations, is_call))
    b().CreateStore(i32(0), launch_->field_address(offsetof(WarpContext, exited_mask)));
  registers_->make();
  if (!function().is_kernel) take_parameters();
  matrix_runs_ = std::make_unique<MatrixRuns>(*this);
  if (module_.variant.build == Build::Checked) definedness_ = std::make_unique<Definedness>(*this);
}

// A call takes its part of the thread's local memory. What lies in it need not be tested again.
void FunctionEmitter::test_frame(Value* lanes) {
  lanes_.set_block(lanes);
  MarkedAccess frame;
  frame.flags = static_cast<std::uint32_t>(ir::Space::Local) << kAccessSpaceShift;
  frame.width = kWarpLanes;
  frame.addresses.push_back(launch_->frame_offset());
  Value* stride = launch_->field(offsetof(WarpContext, local_stride), b().getInt64Ty());
  Value* last = b().CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, stride, i64(plan_.local.bytes));
  mark_offset_test(*this, frame, last, i64(0), 0);
}

void FunctionEmitter::take_parameters() {
  for (std::uint32_t i = 0; i < function().parameters.size(); ++i) {
    if (function().parameters[i].space != ir::Space::Reg) continue;
    const ir::RegisterId reg = function().parameter_registers[i];
    Value* memory = launch_->parameter_memory({ir::SymbolRef::Scope::Parameter, i});
    registers_->set(reg, b().CreateAlignedLoad(registers_->type(reg), memory, llvm::Align(1)));
  }
}

void FunctionEmitter::set_position(BlockId block, std::uint32_t operation) {
  block_ = block;
  at_ = operation;
  if (auto* scope = into().getSubprogram()) {
    const std::uint32_t line = function().operations[at_].origin.text.line;
    b().SetCurrentDebugLocation(llvm::DILocation::get(context(), line, 0, scope));
  }
}

std::uint32_t FunctionEmitter::operation_number() const { return module_.kernel.first_operation(id_) + at_; }

bool FunctionEmitter::runs_once() const {
  const analysis::ControlFlowGraph& graph = analysed_.graph;
  return function().is_kernel && graph.reducible() && graph.blocks()[block_].loop == analysis::kNoLoop;
}

void FunctionEmitter::set_guard(const Operation& operation) {
  lanes_.clear_guard();
  if (!operation.guard) return;
  Value* guard = registers_->load(operation.guard->predicate).parts[0];
  lanes_.set_guard(operation.guard->negated ? b().CreateNot(guard) : guard);
}

void FunctionEmitter::emit_operation() {
  const Operation& operation = function().operations[at_];
  set_guard(operation);
  payload_ignored_ = analysis::ignores_nan_payload(operation) ||
                     (operation.op == ir::Op::Mov && defers_nan(operation.results[0]));
  if (definedness_ != nullptr) definedness_->before(operation);
  if (!lower_pattern(*this, operation)) lower(*this, operation);
  if (definedness_ != nullptr) definedness_->after(operation);
  payload_ignored_ = false;
}

void FunctionEmitter::check_uses() {
  if (definedness_ != nullptr) definedness_->before(function().operations[at_]);
}

bool FunctionEmitter::is_uniform(const Operand& operand, ir::Type type) {
  return analysis().operand_pattern(operand, ir::bit_width(type)).is_uniform();
}

bool FunctionEmitter::is_read(const Operand& destination) const {
  return !destination.is_register() || registers_->is_read(destination.reg);
}

Lanes FunctionEmitter::read(const Operand& operand, ir::Type type) {
  return read(operand, type == ir::Type::None ? 32 : ir::bit_width(type));
}

Lanes FunctionEmitter::read(const Operand& operand, int bits) {
  switch (operand.kind) {
    case Operand::Kind::Register: {
      Lanes value = registers_->load(operand.reg);
      if (operand.negated) value.parts[0] = b().CreateNot(value.parts[0]);
      if (analysed_.deferred_nans[operand.reg] && !payload_ignored_)
        value.parts[0] = FloatValues(*this, ir::Type::F32).canonical_nan(value.parts[0]);
      return value;
    }
    case Operand::Kind::Immediate: {
      Lanes value = uniform(llvm::ConstantInt::get(int_type(bits), operand.immediate));
      value.pattern = analysis().operand_pattern(operand, bits);
      return value;
    }
    case Operand::Kind::Special:
      return read_special(*this, operand);
    case Operand::Kind::Symbol: {
      Value* address = b().CreateAdd(launch_->symbol_address(operand.symbol()),
                                     i64(static_cast<std::uint64_t>(operand.offset)));
      return uniform(resize(address, bits, false));
    }
    case Operand::Kind::Function:
      // A function's address is its index plus one: generated code holds no address of this process.
      return uniform(llvm::ConstantInt::get(int_type(bits), function_address(operand.function)));
    case Operand::Kind::Sink:
      break;
  }
  return uniform(llvm::ConstantInt::get(int_type(bits), 0));
}

void FunctionEmitter::write(const Operand& destination, Lanes value) {
  if (destination.kind == Operand::Kind::Sink) return;
  if (!destination.is_register()) throw Unsupported{"internal: destination is not a register"};
  const int bits = function().width(destination.reg);
  if (value.pattern.bits != bits) {
    // ld and cvt may write a register wider than their type; they have extended already, or the high bits are
    // unspecified.
    Value* resized = value.pattern.is_uniform() ? value.parts[0] : materialize(value);
    resized = resize(resized, bits, false);
    value = resized->getType()->isVectorTy() ? varying(resized) : uniform(resized);
  }
  registers_->store(destination.reg, value);
}

void FunctionEmitter::write(const Operand& destination, Value* value) {
  write(destination, value->getType()->isVectorTy() ? varying(value) : uniform(value));
}

}  // namespace doppel::jit
