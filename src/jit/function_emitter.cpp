#include "jit/function_emitter.h"

#include <llvm/IR/DebugInfoMetadata.h>
#include <llvm/IR/Intrinsics.h>
#include <llvm/IR/MDBuilder.h>

#include <algorithm>
#include <bit>
#include <cstddef>

#include "analysis/deferred_nans.h"
#include "analysis/warp_progress.h"
#include "ir/operation.h"
#include "jit/bounds_tests.h"
#include "jit/definedness.h"
#include "jit/float_values.h"
#include "jit/lower.h"
#include "jit/opaque_copy.h"

namespace doppel::jit {

using analysis::BlockId;
using analysis::LanePattern;
using ir::Operand;
using ir::Operation;
using llvm::Value;

FunctionEmitter::FunctionEmitter(ModuleState& module, const analysis::AnalysedFunction& analysed,
                                 ir::FunctionId function, llvm::Function* into)
    : module_(module),
      id_(function),
      function_(analysed.function),
      into_(into),
      builder_(module.llvm.getContext()),
      analysed_(analysed) {}
FunctionEmitter::~FunctionEmitter() = default;

void FunctionEmitter::unsupported(const Operation& operation, const std::string& why) {
  std::string message = (function_.is_kernel ? "in kernel '" : "in function '") + function_.name +
                        "', line " + std::to_string(operation.origin.text.line) + ": " +
                        module_.ir.form_of(operation) + ": not supported";
  if (!why.empty()) message += " (" + why + ")";
  throw Unsupported{std::move(message)};
}

namespace {

// Registers times blocks. Below, scheduled code is compiled as quickly with promoted registers.
constexpr std::size_t kMostPromoted = 20000;
constexpr std::uint64_t kRegisterAlignment = 64;  // of the widest vector

}  // namespace

void FunctionEmitter::run() {
  all_lanes_stay_ = module_.variant.full_warps && function_.is_kernel && leaves_together();
  local_ = analysis::local_layout(function_);
  parameters_ = analysis::parameter_layout(function_.parameters);

  entry_ = llvm::BasicBlock::Create(context(), "entry", into_);
  end_ = llvm::BasicBlock::Create(context(), "end", into_);
  llvm::BasicBlock* start = llvm::BasicBlock::Create(context(), "start", into_);
  context_ = into_->getArg(0);
  warp_start_ = entry_;
  builder_.SetInsertPoint(entry_);
  if (runs_whole_blocks()) begin_block_loop();
  builder_.SetInsertPoint(builder_.CreateBr(start));
  live_ = stack_slot(builder_.getInt32Ty(), "live");
  poll_ = stack_slot(builder_.getInt32Ty(), "poll");
  frame_ = function_.is_kernel ? static_cast<Value*>(i64(0)) : into_->getArg(2);
  Value* lanes = nullptr;
  if (!function_.is_kernel) {
    lanes = into_->getArg(1);
  } else if (module_.variant.full_warps) {
    lanes = i32(~0u);
  } else {
    lanes = context_field(offsetof(WarpContext, active_mask), builder_.getInt32Ty());
  }
  builder_.SetInsertPoint(warp_start_->getTerminator());
  if (waits_at_barriers()) begin_coroutine();
  builder_.CreateStore(lanes, live_);
  builder_.CreateStore(i32(1u << 16), poll_);
  if (!function_.is_kernel && local_.bytes > 0) test_frame(lanes);
  const auto is_call = [](const Operation& operation) { return operation.op == ir::Op::Call; };
  if (function_.is_kernel && std::ranges::any_of(function_.operations, is_call))
    builder_.CreateStore(i32(0), context_field_address(offsetof(WarpContext, exited_mask)));
  make_registers();
  if (module_.variant.build == Build::Checked) definedness_ = std::make_unique<Definedness>(*this);

  const std::size_t count = graph_.blocks().size();
  if (scheduled_) make_scheduler();
  pending_.assign(count, nullptr);
  for (BlockId id = 0; id < count && !scheduled_; ++id) {
    if (analysis().pending().convergent(id)) continue;
    pending_[id] = stack_slot(builder_.getInt32Ty(), "pending");
    builder_.CreateStore(i32(0), pending_[id]);
  }
  partial_.assign(count, nullptr);
  const bool leaves_apart = !all_lanes_stay_;
  if (block_context_ != nullptr) all_lanes_stay_ = all_lanes_stay_ || may_run_full();
  make_blocks();
  builder_.SetInsertPoint(start);
  if (count != 0) add_pending(0, live_mask());
  const bool dispatched = scheduled_ && count != 0 && !analysis().pending().convergent(0);
  builder_.CreateBr(count == 0 ? end_ : dispatched ? scheduler_.dispatch : body_[0]);
  for (BlockId id = 0; id < count; ++id) emit_block(id);
  if (scheduled_) emit_dispatch();
  if (all_lanes_stay_ && leaves_apart) {
    // Once more, for when they did not.
    all_lanes_stay_ = false;
    make_blocks();
    for (BlockId id = 0; id < count; ++id) emit_block(id);
  }

  builder_.SetInsertPoint(end_);
  if (coroutine_ != nullptr) {
    end_coroutine();
  } else if (block_context_ != nullptr) {
    end_block_loop();
  } else {
    builder_.CreateRetVoid();
  }
}

// A call takes its part of the thread's local memory. What lies in it need not be tested again.
void FunctionEmitter::test_frame(Value* lanes) {
  effective_mask_ = lanes;
  MarkedAccess frame;
  frame.flags = static_cast<std::uint32_t>(ir::Space::Local) << kAccessSpaceShift;
  frame.width = kWarpLanes;
  frame.addresses.push_back(frame_);
  Value* stride = context_field(offsetof(WarpContext, local_stride), builder_.getInt64Ty());
  Value* last = builder_.CreateBinaryIntrinsic(llvm::Intrinsic::usub_sat, stride, i64(local_.bytes));
  mark_offset_test(*this, frame, last, i64(0), 0);
}

void FunctionEmitter::make_blocks() {
  const std::size_t count = graph_.blocks().size();
  enter_.assign(count, nullptr);
  body_.assign(count, nullptr);
  for (BlockId id = 0; id < count; ++id) {
    body_[id] = llvm::BasicBlock::Create(context(), "block" + std::to_string(id), into_);
    if (!scheduled_ && analysis().pending().tested(id))
      enter_[id] = llvm::BasicBlock::Create(context(), "enter" + std::to_string(id), into_);
  }
}

llvm::AllocaInst* FunctionEmitter::stack_slot(llvm::Type* type, const char* name) {
  llvm::IRBuilder<> at(entry_, entry_->begin());
  return at.CreateAlloca(type, nullptr, name);
}

// By register: whether it is read and written in one block only, and never before it is written.
std::vector<bool> FunctionEmitter::registers_of_blocks() const {
  std::vector<BlockId> home(function_.registers.size(), analysis::kNoBlock);
  std::vector<bool> result(function_.registers.size(), true);
  for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
    const analysis::BasicBlock& block = graph_.blocks()[id];
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      const Operation& operation = function_.operations[i];
      const auto see = [&](ir::RegisterId reg) {
        if (home[reg] == analysis::kNoBlock) {
          home[reg] = id;
          result[reg] = !analysed_.liveness.live_in(id, reg);
        }
        if (home[reg] != id) result[reg] = false;
      };
      ir::for_each_use(operation, [&](ir::RegisterId reg) {
        see(reg);
        // The end of a block may be made twice, and be reached from both (block_loop.cpp).
        if (ir::ends_block(operation)) result[reg] = false;
      });
      ir::for_each_definition(operation, see);
    }
  }
  for (const auto* registers : {&function_.parameter_registers, &function_.return_registers}) {
    for (ir::RegisterId reg : *registers) {
      if (reg < result.size()) result[reg] = false;
    }
  }
  return result;
}

void FunctionEmitter::make_registers() {
  registers_.resize(function_.registers.size());
  read_.assign(function_.registers.size(), false);
  for (const Operation& operation : function_.operations) {
    ir::for_each_use(operation, [&](ir::RegisterId reg) { read_[reg] = true; });
  }
  std::vector<bool> used = read_;
  for (const Operation& operation : function_.operations) {
    ir::for_each_definition(operation, [&](ir::RegisterId reg) { used[reg] = true; });
  }
  // Only parameters in register space have a register; the others' entries mean nothing.
  for (std::size_t i = 0; i < function_.parameter_registers.size(); ++i) {
    if (function_.parameters[i].space == ir::Space::Reg) used[function_.parameter_registers[i]] = true;
  }
  for (std::size_t i = 0; i < function_.return_registers.size(); ++i) {
    if (function_.return_parameters[i].space == ir::Space::Reg)
      used[function_.return_registers[i]] = read_[function_.return_registers[i]] = true;
  }
  const std::vector<bool> of_block = registers_of_blocks();
  const bool in_memory = keeps_registers_in_memory(of_block);
  std::uint64_t bytes = 0;
  for (ir::RegisterId reg = 0; reg < registers_.size(); ++reg) {
    if (!used[reg]) continue;
    RegisterSlot& slot = registers_[reg];
    slot.of_block = of_block[reg];
    const LanePattern& pattern = analysis().pattern(reg);
    const int bits = function_.width(reg);
    // The parts of widened terms have the width of the inner value; multipliers that of the outer.
    std::vector<llvm::Type*>& types = slot.types;
    if (!pattern.is_parts()) {
      types.push_back(int_type(bits, false));
    } else {
      for (std::size_t i = 0; i < 1 + pattern.linear.factors.size(); ++i) types.push_back(int_type(bits));
      for (const analysis::WidenedPattern& term : pattern.widened) {
        if (term.has_multiplier) types.push_back(int_type(64));
        for (std::size_t i = 0; i < 1 + term.inner.factors.size(); ++i) types.push_back(int_type(32));
      }
    }
    // A register that was never written reads as zero: no undefined value reaches a branch.
    for (llvm::Type* type : types) slot.values.push_back(llvm::Constant::getNullValue(type));
    if (slot.of_block) continue;
    for (std::size_t i = 0; in_memory && i < types.size(); ++i) {
      slot.offsets.push_back(bytes);
      const std::uint64_t size = module_.llvm.getDataLayout().getTypeStoreSize(types[i]);
      bytes += (size + kRegisterAlignment - 1) / kRegisterAlignment * kRegisterAlignment;
    }
    for (std::size_t i = 0; !in_memory && i < types.size(); ++i) {
      slot.parts.push_back(stack_slot(types[i], "r"));
      builder_.CreateStore(slot.values[i], slot.parts[i]);
    }
  }
  if (in_memory) make_register_memory(bytes);
  for (std::size_t i = 0; i < function_.parameters.size() && !function_.is_kernel; ++i) {
    if (function_.parameters[i].space != ir::Space::Reg) continue;
    const ir::RegisterId reg = function_.parameter_registers[i];
    Value* memory = parameter_memory({ir::SymbolRef::Scope::Parameter, static_cast<std::uint32_t>(i)});
    Value* value = builder_.CreateAlignedLoad(registers_[reg].types[0], memory, llvm::Align(1));
    store_part(registers_[reg], 0, value);
  }
}

bool FunctionEmitter::keeps_registers_in_memory(const std::vector<bool>& of_block) const {
  if (!scheduled_) return false;
  const auto registers = static_cast<std::size_t>(std::ranges::count(of_block, false));
  return registers * graph_.blocks().size() > kMostPromoted;
}

// What the first block may read before it is written reads as zero.
void FunctionEmitter::make_register_memory(std::uint64_t bytes) {
  llvm::AllocaInst* memory = stack_slot(llvm::ArrayType::get(builder_.getInt8Ty(), bytes), "registers");
  memory->setAlignment(llvm::Align(kRegisterAlignment));
  register_memory_ = opaque_copy(builder_, memory);
  for (ir::RegisterId reg = 0; reg < registers_.size(); ++reg) {
    RegisterSlot& slot = registers_[reg];
    for (std::size_t i = 0; i < slot.offsets.size() && analysed_.liveness.live_in(0, reg); ++i)
      store_part(slot, i, slot.values[i]);
  }
}

Value* FunctionEmitter::register_address(llvm::IRBuilder<>& at, std::uint64_t offset) {
  return at.CreateConstInBoundsGEP1_64(at.getInt8Ty(), register_memory_, offset);
}

Value* FunctionEmitter::load_part(RegisterSlot& slot, std::size_t part) {
  if (slot.of_block) return slot.values[part];
  if (slot.offsets.empty()) return builder_.CreateLoad(slot.types[part], slot.parts[part]);
  if (slot.known_in != emission_) std::ranges::fill(slot.values, nullptr);
  slot.known_in = emission_;
  if (slot.values[part] == nullptr) {
    // At the block's start, for all of it.
    llvm::IRBuilder<> at(body_[block_], body_[block_]->getFirstInsertionPt());
    slot.values[part] = at.CreateAlignedLoad(slot.types[part], register_address(at, slot.offsets[part]),
                                             llvm::Align(kRegisterAlignment));
  }
  return slot.values[part];
}

void FunctionEmitter::store_part(RegisterSlot& slot, std::size_t part, Value* value) {
  if (slot.of_block) {
    slot.values[part] = value;
  } else if (!slot.offsets.empty()) {
    if (slot.known_in != emission_) std::ranges::fill(slot.values, nullptr);
    slot.known_in = emission_;
    slot.values[part] = value;
    builder_.CreateAlignedStore(value, register_address(builder_, slot.offsets[part]),
                                llvm::Align(kRegisterAlignment));
  } else {
    builder_.CreateStore(value, slot.parts[part]);
  }
}

Lanes FunctionEmitter::load_register(ir::RegisterId reg) {
  RegisterSlot& slot = registers_[reg];
  Lanes result;
  result.pattern = analysis().pattern(reg);
  for (std::size_t i = 0; i < slot.types.size(); ++i) result.parts.push_back(load_part(slot, i));
  return result;
}

void FunctionEmitter::store_register(ir::RegisterId reg, const Lanes& value) {
  const LanePattern& pattern = analysis().pattern(reg);
  RegisterSlot& slot = registers_[reg];
  const bool keep = !slot.of_block && analysis().keeps_old_lanes(reg, block_);
  if (pattern.is_parts()) {
    Lanes parts = value;
    if (!value.pattern.same_shape(pattern)) {
      // Lowered lane by lane although every lane has the same value: take lane 0. An active lane is not
      // needed: operands were uniform.
      if (!pattern.is_uniform())
        throw Unsupported{"internal: lane patterns disagree in '" + function_.name + "'"};
      parts = uniform(builder_.CreateExtractElement(materialize(value), std::uint64_t{0}));
    }
    for (std::size_t i = 0; i < slot.types.size(); ++i) {
      Value* part = parts.parts[i];
      if (guard_ != nullptr) part = builder_.CreateSelect(guard_, part, load_part(slot, i));
      store_part(slot, i, part);
    }
    return;
  }
  Value* vector = materialize(value);
  if (keep || guard_ != nullptr) {
    Value* old = load_part(slot, 0);
    Value* condition = keep ? mask_vector() : guard_;
    vector = builder_.CreateSelect(condition, vector, old);
  }
  store_part(slot, 0, vector);
}

void FunctionEmitter::write(const Operand& destination, Lanes value) {
  if (destination.kind == Operand::Kind::Sink) return;
  if (!destination.is_register()) throw Unsupported{"internal: destination is not a register"};
  const int bits = function_.width(destination.reg);
  if (value.pattern.bits != bits) {
    // ld and cvt may write a register wider than their type; they have extended already, or the high bits are
    // unspecified.
    Value* resized = value.pattern.is_uniform() ? value.parts[0] : materialize(value);
    resized = resize(resized, bits, false);
    value = resized->getType()->isVectorTy() ? varying(resized) : uniform(resized);
  }
  store_register(destination.reg, value);
}

void FunctionEmitter::write(const Operand& destination, Value* value) {
  write(destination, value->getType()->isVectorTy() ? varying(value) : uniform(value));
}

Lanes FunctionEmitter::uniform(Value* value) {
  Lanes result;
  result.pattern = LanePattern::uniform(static_cast<int>(value->getType()->getIntegerBitWidth()));
  result.parts.push_back(value);
  return result;
}

Lanes FunctionEmitter::varying(Value* vector) {
  Lanes result;
  result.pattern = LanePattern::varying(static_cast<int>(vector->getType()->getScalarSizeInBits()));
  result.parts.push_back(vector);
  return result;
}

llvm::Constant* FunctionEmitter::constant(llvm::Type* like, std::uint64_t value) {
  return llvm::ConstantInt::get(like, value);  // splats over a vector type
}

llvm::Constant* FunctionEmitter::lane_constants(const analysis::LaneConstants& values, int bits) {
  std::vector<llvm::Constant*> elements;
  for (std::int64_t value : values) {
    elements.push_back(llvm::ConstantInt::get(int_type(bits), static_cast<std::uint64_t>(value), true));
  }
  return llvm::ConstantVector::get(elements);
}

Value* FunctionEmitter::splat(Value* value) {
  if (value->getType()->isVectorTy()) return value;
  return builder_.CreateVectorSplat(kWarpLanes, value);
}

Value* FunctionEmitter::resize(Value* value, int bits, bool sign) {
  llvm::Type* type = int_type(bits, !value->getType()->isVectorTy());
  return sign ? builder_.CreateSExtOrTrunc(value, type) : builder_.CreateZExtOrTrunc(value, type);
}

Value* FunctionEmitter::materialize(const Lanes& lanes) {
  const LanePattern& pattern = lanes.pattern;
  if (!pattern.is_parts()) return lanes.parts[0];
  const auto linear = [&](const analysis::LinearPattern& shape, std::size_t from, int bits) {
    Value* sum = splat(lanes.parts[from]);
    if (shape.offset != analysis::LaneConstants{})
      sum = builder_.CreateAdd(sum, lane_constants(shape.offset, bits));
    for (std::size_t i = 0; i < shape.factors.size(); ++i) {
      Value* term =
          builder_.CreateMul(splat(lanes.parts[from + 1 + i]), lane_constants(shape.factors[i], bits));
      sum = builder_.CreateAdd(sum, term);
    }
    return sum;
  };
  Value* sum = linear(pattern.linear, 0, pattern.bits);
  std::size_t from = 1 + pattern.linear.factors.size();
  for (const analysis::WidenedPattern& term : pattern.widened) {
    Value* multiplier = term.has_multiplier ? lanes.parts[from++] : nullptr;
    Value* wide = resize(linear(term.inner, from, 32), 64, term.is_signed);
    from += 1 + term.inner.factors.size();
    if (term.coefficient != 1) {
      wide =
          builder_.CreateMul(wide, constant(wide->getType(), static_cast<std::uint64_t>(term.coefficient)));
    }
    if (multiplier != nullptr) wide = builder_.CreateMul(wide, splat(multiplier));
    sum = builder_.CreateAdd(sum, wide);
  }
  return sum;
}

bool FunctionEmitter::is_uniform(const Operand& operand, ir::Type type) {
  return analysis().operand_pattern(operand, ir::bit_width(type)).is_uniform();
}

Lanes FunctionEmitter::read(const Operand& operand, ir::Type type) {
  return read(operand, type == ir::Type::None ? 32 : ir::bit_width(type));
}

Lanes FunctionEmitter::read(const Operand& operand, int bits) {
  switch (operand.kind) {
    case Operand::Kind::Register: {
      Lanes value = load_register(operand.reg);
      if (operand.negated) {
        value.parts[0] = builder_.CreateNot(value.parts[0]);
      }
      if (analysed_.deferred_nans[operand.reg] && !payload_ignored_) {
        value.parts[0] = FloatValues(*this, ir::Type::F32).canonical_nan(value.parts[0]);
      }
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
      Value* address = builder_.CreateAdd(symbol_address(operand.symbol()),
                                          i64(static_cast<std::uint64_t>(operand.offset)));
      return uniform(resize(address, bits, false));
    }
    case Operand::Kind::Function:
      // A function's address is its index plus one: generated code holds no address of this process.
      return uniform(llvm::ConstantInt::get(int_type(bits), std::uint64_t{operand.function} + 1));
    case Operand::Kind::Sink:
      break;
  }
  return uniform(llvm::ConstantInt::get(int_type(bits), 0));
}

Value* FunctionEmitter::mask_vector() {
  if (mask_vector_ == nullptr) {
    mask_vector_ =
        builder_.CreateBitCast(effective_mask_, llvm::FixedVectorType::get(builder_.getInt1Ty(), kWarpLanes));
  }
  return mask_vector_;
}

bool FunctionEmitter::mask_is_full() const {
  const auto* known = llvm::dyn_cast<llvm::ConstantInt>(effective_mask_);
  return known != nullptr && known->isMinusOne();
}

Value* FunctionEmitter::live_mask() { return builder_.CreateLoad(builder_.getInt32Ty(), live_); }

llvm::MDNode* FunctionEmitter::likely() { return llvm::MDBuilder(context()).createBranchWeights(1 << 20, 1); }

void FunctionEmitter::lanes_left_in_call() {
  Value* exited =
      builder_.CreateLoad(builder_.getInt32Ty(), context_field_address(offsetof(WarpContext, exited_mask)));
  Value* stay = builder_.CreateNot(exited);
  Value* live = builder_.CreateAnd(live_mask(), stay);
  builder_.CreateStore(live, live_);
  block_mask_ = builder_.CreateAnd(block_mask_, stay);
  effective_mask_ = block_mask_;
  mask_vector_ = nullptr;
  block_may_be_empty_ = true;
  llvm::BasicBlock* go = llvm::BasicBlock::Create(context(), "some_left", into_);
  builder_.CreateCondBr(builder_.CreateICmpNE(live, i32(0)), go, end_);
  builder_.SetInsertPoint(go);
}

void FunctionEmitter::set_guard(const Operation& operation) {
  guard_ = nullptr;
  effective_mask_ = block_mask_;
  mask_vector_ = nullptr;
  mask_may_be_empty_ = block_may_be_empty_;
  if (!operation.guard) return;
  Lanes predicate = load_register(operation.guard->predicate);
  guard_ = predicate.parts[0];
  if (operation.guard->negated) guard_ = builder_.CreateNot(guard_);
  Value* lanes = guard_->getType()->isVectorTy() ? builder_.CreateBitCast(guard_, builder_.getInt32Ty())
                                                 : builder_.CreateSExt(guard_, builder_.getInt32Ty());
  effective_mask_ = builder_.CreateAnd(block_mask_, lanes);
  mask_may_be_empty_ = true;
}

void FunctionEmitter::begin_block(BlockId block) {
  block_ = block;
  ++emission_;
  barrier_lanes_ = nullptr;
  const analysis::PendingBlocks& pending = analysis().pending();
  if (enter_[block] != nullptr) {
    builder_.SetInsertPoint(enter_[block]);
    Value* lanes =
        pending.convergent(block) ? live_mask() : builder_.CreateLoad(builder_.getInt32Ty(), pending_[block]);
    const BlockId next = analysis::PendingBlocks::next(graph_, block, pending.during(block));
    builder_.CreateCondBr(builder_.CreateICmpNE(lanes, i32(0)), body_[block],
                          next == analysis::kNoBlock ? end_ : arrival(next));
  }
  builder_.SetInsertPoint(body_[block]);
  if (pending.convergent(block)) {
    block_mask_ = all_lanes_stay_ ? i32(~0u) : live_mask();
  } else if (scheduled_) {
    begin_scheduled_block(block);
  } else {
    block_mask_ = builder_.CreateLoad(builder_.getInt32Ty(), pending_[block]);
    builder_.CreateStore(i32(0), pending_[block]);
  }
  effective_mask_ = block_mask_;
  mask_vector_ = nullptr;
  guard_ = nullptr;
  mask_may_be_empty_ = false;
  block_may_be_empty_ = false;
}

llvm::BasicBlock* FunctionEmitter::arrival(BlockId block) {
  return enter_[block] != nullptr ? enter_[block] : body_[block];
}

void FunctionEmitter::emit_block(BlockId block) {
  const analysis::BasicBlock& basic = graph_.blocks()[block];
  if (unreachable(block)) {
    builder_.SetInsertPoint(body_[block]);
    builder_.CreateUnreachable();
    return;
  }
  begin_block(block);
  for (std::uint32_t i = basic.first; i < basic.last; ++i) {
    ir::for_each_definition(function_.operations[i], [&](ir::RegisterId reg) {
      RegisterSlot& slot = registers_[reg];
      for (std::size_t part = 0; slot.of_block && part < slot.types.size(); ++part)
        slot.values[part] = llvm::Constant::getNullValue(slot.types[part]);
    });
  }
  count_block(block, block_mask_);
  if (!scheduled_ && basic.loop != analysis::kNoLoop && graph_.loops()[basic.loop].header == block) {
    kill_registers(block);
    poll_loop(block);
  }
  for (at_ = basic.first; at_ < basic.last; ++at_) {
    const Operation& operation = function_.operations[at_];
    if (auto* scope = into_->getSubprogram()) {
      builder_.SetCurrentDebugLocation(
          llvm::DILocation::get(context(), operation.origin.text.line, 0, scope));
    }
    if (at_ + 1 == basic.last && ir::ends_block(operation)) break;
    emit_operation(operation);
  }
  at_ = basic.last - 1;
  guard_ = nullptr;
  if (definedness_ != nullptr && ir::ends_block(function_.operations[at_])) {
    effective_mask_ = block_mask_;
    definedness_->before(function_.operations[at_]);
  }
  if (!all_lanes_stay_ && partial_[block] != nullptr) {
    builder_.CreateBr(partial_[block]);
    builder_.SetInsertPoint(partial_[block]);
    block_mask_ = live_mask();
  }
  emit_terminator(block);
}

bool FunctionEmitter::runs_once() const {
  return function_.is_kernel && graph_.reducible() && graph_.blocks()[block_].loop == analysis::kNoLoop;
}

// Whether lanes can leave the function at the block's end. A block that does nothing else is judged at the
// edges to it.
bool FunctionEmitter::lanes_leave_after(BlockId id) const {
  const analysis::BasicBlock& block = graph_.blocks()[id];
  if (leaves(id) && id != 0) return false;
  return block.may_exit ||
         std::ranges::any_of(block.successors, [&](BlockId successor) { return leaves(successor); });
}

// Whether lanes leave the function only all at once.
bool FunctionEmitter::leaves_together() const {
  for (BlockId id = 0; id < graph_.blocks().size(); ++id) {
    const analysis::BasicBlock& block = graph_.blocks()[id];
    if (leaves(id) && id != 0) continue;  // judged at the edges to it
    for (std::uint32_t i = block.first; i < block.last; ++i) {
      if (function_.operations[i].op == ir::Op::Call) return false;
    }
    if (!lanes_leave_after(id)) continue;
    const Operation& last = function_.operations[block.last - 1];
    const bool uniform = !last.guard || analysis().pattern(last.guard->predicate).is_uniform();
    if (!analysis().pending().convergent(id) || !uniform || last.op == ir::Op::BranchTable) return false;
  }
  return true;
}

// A register that is dead at the loop's header need not go round the loop.
void FunctionEmitter::kill_registers(BlockId header) {
  const analysis::Loop& loop = graph_.loops()[graph_.blocks()[header].loop];
  const analysis::BlockSet& waiting = analysis().pending().during(header);
  std::vector<bool> seen(registers_.size(), false);
  for (BlockId id = loop.header; id <= loop.last; ++id) {
    for (std::uint32_t i = graph_.blocks()[id].first; i < graph_.blocks()[id].last; ++i) {
      ir::for_each_definition(function_.operations[i], [&](ir::RegisterId reg) {
        if (seen[reg]) return;
        seen[reg] = true;
        if (analysed_.liveness.live_in(header, reg)) return;
        for (BlockId other = 0; other < waiting.size(); ++other) {
          if (waiting[other] && analysed_.liveness.live_in(other, reg)) return;
        }
        for (llvm::AllocaInst* slot : registers_[reg].parts) {
          builder_.CreateStore(llvm::Constant::getNullValue(slot->getAllocatedType()), slot);
        }
      });
    }
  }
}

llvm::Type* FunctionEmitter::counter_type() { return llvm::FixedVectorType::get(builder_.getInt64Ty(), 2); }

Value* FunctionEmitter::counter_address(std::uint32_t slot) {
  Value* counters = context_field(offsetof(WarpContext, counters), builder_.getPtrTy());
  return builder_.CreateConstInBoundsGEP1_64(builder_.getInt64Ty(), counters, std::uint64_t{2} * slot);
}

void FunctionEmitter::add_to_counter(Value* address, Value* by) {
  Value* count = builder_.CreateAlignedLoad(counter_type(), address, llvm::Align(8));
  builder_.CreateAlignedStore(builder_.CreateAdd(count, by), address, llvm::Align(8));
}

void FunctionEmitter::count_block(BlockId block, Value* lanes, bool may_be_empty) {
  // The blocks of scheduled code are finer than those that are counted.
  const BlockId counted = analysed_.counted_graph.block_of(graph_.blocks()[block].first);
  if (analysed_.counted_graph.blocks()[counted].first != graph_.blocks()[block].first) return;
  const std::uint32_t slot = module_.module.first_slots()[id_] + counted;
  Value* entered = may_be_empty ? builder_.CreateICmpNE(lanes, i32(0)) : builder_.getTrue();
  Value* population = builder_.CreateUnaryIntrinsic(llvm::Intrinsic::ctpop, lanes);
  Value* by = llvm::Constant::getNullValue(counter_type());
  by =
      builder_.CreateInsertElement(by, builder_.CreateZExt(entered, builder_.getInt64Ty()), std::uint64_t{0});
  by = builder_.CreateInsertElement(by, builder_.CreateZExt(population, builder_.getInt64Ty()),
                                    std::uint64_t{1});
  add_to_counter(block_context_ != nullptr ? loop_counter(slot) : counter_address(slot), by);
  if (module_.variant.build == Build::Traced) {
    llvm::BasicBlock* after = nullptr;
    if (may_be_empty) {
      llvm::BasicBlock* trace = llvm::BasicBlock::Create(context(), "trace", into_);
      after = llvm::BasicBlock::Create(context(), "traced", into_);
      builder_.CreateCondBr(entered, trace, after);
      builder_.SetInsertPoint(trace);
    }
    callback(
        offsetof(RuntimeCallbacks, trace_block),
        llvm::FunctionType::get(builder_.getVoidTy(),
                                {builder_.getPtrTy(), builder_.getInt32Ty(), builder_.getInt32Ty()}, false),
        {context_, i32(id_ << 16 | counted), lanes});
    if (after != nullptr) {
      builder_.CreateBr(after);
      builder_.SetInsertPoint(after);
    }
  }
}

void FunctionEmitter::emit_operation(const Operation& operation) {
  set_guard(operation);
  payload_ignored_ = analysis::ignores_nan_payload(operation) ||
                     (operation.op == ir::Op::Mov && defers_nan(operation.results[0]));
  if (definedness_ != nullptr) definedness_->before(operation);
  if (!lower_pattern(*this, operation)) lower(*this, operation);
  if (definedness_ != nullptr) definedness_->after(operation);
  guard_ = nullptr;
  payload_ignored_ = false;
}

Value* FunctionEmitter::context_field_address(std::size_t offset) {
  return builder_.CreateConstInBoundsGEP1_64(builder_.getInt8Ty(), context_, offset);
}

Value* FunctionEmitter::context_field(std::size_t offset, llvm::Type* type) {
  Value*& field = fields_[{offset, type}];
  if (field == nullptr) {
    llvm::Instruction* position = field_position(offset);
    llvm::IRBuilder<> at(position);
    Value* of = block_context_ == nullptr || position->getParent() == warp_start_ ? context_ : block_context_;
    Value* address = at.CreateConstInBoundsGEP1_64(at.getInt8Ty(), of, offset);
    // The context's fields have the alignment of their elements.
    llvm::LoadInst* load =
        at.CreateAlignedLoad(type, address, llvm::Align(type->isVectorTy() || type->isIntegerTy(32) ? 4 : 8));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context(), {}));
    field = load;
  }
  return field;
}

Value* FunctionEmitter::callback(std::size_t offset, llvm::FunctionType* type,
                                 llvm::ArrayRef<Value*> arguments) {
  Value* table = context_field(offsetof(WarpContext, callbacks), builder_.getPtrTy());
  Value* address = builder_.CreateConstInBoundsGEP1_64(builder_.getInt8Ty(), table, offset);
  return builder_.CreateCall(type, builder_.CreateLoad(builder_.getPtrTy(), address), arguments);
}

Value* FunctionEmitter::symbol_address(const ir::SymbolRef& symbol) {
  using Scope = ir::SymbolRef::Scope;
  switch (symbol.scope) {
    case Scope::Module: {
      if (module_.ir.variables[symbol.index].space == ir::Space::Shared) {
        return i64(module_.kernel.shared.module_offsets.at(symbol.index));
      }
      Value*& address = symbols_[{0, symbol.index}];
      if (address == nullptr) {
        Value* table = context_field(offsetof(WarpContext, symbols), builder_.getPtrTy());
        llvm::IRBuilder<> at(llvm::cast<llvm::Instruction>(table)->getNextNode());
        llvm::LoadInst* load = at.CreateLoad(
            at.getInt64Ty(), at.CreateConstInBoundsGEP1_64(at.getInt64Ty(), table, symbol.index));
        load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(context(), {}));
        const ir::Variable& variable = module_.ir.variables[symbol.index];
        if (analysis::takes_device_memory(variable) && !variable.managed)
          mark_known_inside(*load, variable.alignment);
        address = load;
      }
      return address;
    }
    case Scope::Function: {
      const ir::Variable& variable = function_.variables[symbol.index];
      if (variable.space == ir::Space::Shared)
        return i64(module_.kernel.shared.function_offsets.at({id_, symbol.index}));
      if (variable.space == ir::Space::Local)
        return builder_.CreateAdd(frame_, i64(local_.variables.at(symbol.index)));
      break;
    }
    case Scope::Parameter:
      if (function_.is_kernel) return i64(parameters_.offsets[symbol.index]);
      break;
    default:
      break;
  }
  throw Unsupported{"the address of a .param variable in '" + function_.name + "'"};
}

std::uint64_t FunctionEmitter::kernel_parameter_bytes() const {
  return analysis::parameter_layout(module_.ir.functions[module_.kernel.id].parameters).size;
}

Value* FunctionEmitter::parameter_memory(const ir::SymbolRef& symbol) {
  using Scope = ir::SymbolRef::Scope;
  if (symbol.scope == Scope::Parameter) {
    return into_->getArg(3 + static_cast<unsigned>(function_.return_parameters.size()) + symbol.index);
  }
  if (symbol.scope == Scope::ReturnParameter) return into_->getArg(3 + symbol.index);
  Value*& memory = parameter_memory_[symbol.index];
  if (memory == nullptr) {
    const std::uint64_t size = function_.variables[symbol.index].size;
    memory = stack_slot(llvm::ArrayType::get(builder_.getInt8Ty(), size * kWarpLanes), "param");
  }
  return memory;
}

Value* FunctionEmitter::store_lanes(Value* vector, const char* name) {
  llvm::AllocaInst* slot = stack_slot(vector->getType(), name);
  // It holds nothing from here backwards: a coroutine need not keep it over a barrier for a loop's next
  // round.
  if (coroutine_ != nullptr) builder_.CreateLifetimeStart(slot);
  builder_.CreateStore(vector, slot);
  return slot;
}

Lanes FunctionEmitter::window_base(ir::Space space) {
  Lanes base;
  base.pattern = LanePattern::uniform(64);
  if (space == ir::Space::Shared || space == ir::Space::SharedCluster) {
    base.parts.push_back(context_field(offsetof(WarpContext, shared), builder_.getInt64Ty()));
  } else if (space == ir::Space::Local) {
    analysis::LaneConstants lane;
    for (int i = 0; i < kWarpLanes; ++i) lane[i] = i;
    base.pattern.linear.factors.push_back(lane);
    base.parts.push_back(context_field(offsetof(WarpContext, local), builder_.getInt64Ty()));
    base.parts.push_back(context_field(offsetof(WarpContext, local_stride), builder_.getInt64Ty()));
  }
  return base;
}

llvm::Function* FunctionEmitter::runtime_function(const char* name, llvm::FunctionType* type) {
  if (llvm::Function* found = module_.llvm.getFunction(name)) return found;
  return llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, name, module_.llvm);
}

using Scalars = FunctionEmitter::Scalars;
Value* Scalars::constant(std::int64_t value, int bits) {
  return llvm::ConstantInt::get(emitter.int_type(bits), static_cast<std::uint64_t>(value), true);
}
Value* Scalars::add(Value a, Value b) { return emitter.b().CreateAdd(a, b); }
Value* Scalars::mul(Value a, Value b) { return emitter.b().CreateMul(a, b); }
Value* Scalars::extend(Value a, bool is_signed) { return emitter.resize(a, 64, is_signed); }
Value* Scalars::truncate(Value a) { return emitter.resize(a, 32, false); }
Value* Scalars::bit_and(Value a, Value b) { return emitter.b().CreateAnd(a, b); }
Value* Scalars::shift_right(Value a, unsigned count, bool arithmetic) {
  return arithmetic ? emitter.b().CreateAShr(a, count) : emitter.b().CreateLShr(a, count);
}

}  // namespace doppel::jit
