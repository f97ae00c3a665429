// SPDX-License-Identifier: Apache-2.0
#include "jit/definedness.h"

#include <algorithm>
#include <cstddef>

#include "ir/operation.h"
#include "jit/launch_context.h"

namespace doppel::jit {

using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::Space;
using llvm::Value;

namespace {

bool may_be_shared(Space space) {
  return space == Space::Shared || space == Space::SharedCluster || space == Space::Generic;
}

bool reads_undefined(const Operation& operation) {
  return operation.op == Op::Load && may_be_shared(operation.accesses[0].space);
}

// What a guard decides of: more than which lanes get a result.
bool acts(const Operation& operation) {
  return operation.op == Op::Atomic || operation.results.empty() || reads_undefined(operation);
}

// Its result comes from other lanes' values.
bool crosses_lanes(const Operation& operation) {
  return operation.op == Op::Shuffle || operation.op == Op::Vote || operation.op == Op::Match ||
         operation.op == Op::Redux;
}

}  // namespace

Definedness::Definedness(FunctionEmitter& emitter) : emitter_(emitter), b_(emitter.b()) {
  elements_ = emitter_.stack_slot(llvm::ArrayType::get(b_.getInt32Ty(), kMostElements), "undefined");
  find_registers();
}

// Those that can ever hold such a value.
void Definedness::find_registers() {
  const ir::Function& function = emitter_.function();
  slots_.assign(function.registers.size(), nullptr);
  const auto follow = [&](ir::RegisterId reg) {
    if (slots_[reg] != nullptr) return false;
    slots_[reg] = emitter_.stack_slot(b_.getInt32Ty(), "undefined");
    store(none(), slots_[reg]);
    return true;
  };
  for (bool more = true; more;) {
    more = false;
    for (const Operation& operation : function.operations) {
      if (operation.op == Op::Call || operation.op == Op::Atomic) continue;
      bool undefined = reads_undefined(operation);
      ir::for_each_use(operation, [&](ir::RegisterId reg) { undefined |= slots_[reg] != nullptr; });
      if (!undefined) continue;
      ir::for_each_definition(operation, [&](ir::RegisterId reg) { more |= follow(reg); });
    }
  }
}

Value* Definedness::load(llvm::AllocaInst* slot) {
  return b_.CreateLoad(b_.getInt32Ty(), slot, /*isVolatile=*/true);
}

void Definedness::store(Value* lanes, llvm::AllocaInst* slot) {
  b_.CreateStore(lanes, slot, /*isVolatile=*/true);
}

Value* Definedness::of_register(ir::RegisterId reg) {
  return slots_[reg] == nullptr ? none() : load(slots_[reg]);
}

Value* Definedness::of_operand(const Operand& operand) {
  return operand.is_register() ? of_register(operand.reg) : none();
}

Value* Definedness::of_address(const Operation& operation) {
  Value* undefined = none();
  for (const ir::Access& access : operation.accesses) {
    if (access.address.base == ir::Address::Base::Register)
      undefined = b_.CreateOr(undefined, of_register(access.address.reg));
  }
  return undefined;
}

// The lanes that run and address a row of a matrix: the first ones, eight for each register.
Value* Definedness::row_lanes(std::size_t registers) {
  const std::uint32_t rows = registers >= 4 ? ~0U : (1U << 8 * registers) - 1;
  return b_.CreateAnd(emitter_.lanes().mask(), emitter_.i32(rows));
}

// Lanes in which all bits of a defined operand are ones, or zeros.
Value* Definedness::lanes_equal(const Operand& operand, ir::Type type, bool ones) {
  Value* value = emitter_.read_vector(operand, type);
  Value* wanted = ones ? llvm::Constant::getAllOnesValue(value->getType())
                       : llvm::Constant::getNullValue(value->getType());
  Value* lanes = b_.CreateBitCast(b_.CreateICmpEQ(value, wanted), b_.getInt32Ty());
  return b_.CreateAnd(lanes, b_.CreateNot(of_operand(operand)));
}

Value* Definedness::unless_decided(const Operand& a, const Operand& b, ir::Type type, bool ones) {
  Value* lanes = b_.CreateOr(of_operand(a), of_operand(b));
  if (llvm::isa<llvm::Constant>(lanes)) return lanes;
  Value* decided = b_.CreateOr(lanes_equal(a, type, ones), lanes_equal(b, type, ones));
  return b_.CreateAnd(lanes, b_.CreateNot(decided));
}

Value* Definedness::of_result(const Operation& operation) {
  const auto& sources = operation.sources;
  Value* lanes = none();
  for (const Operand& source : sources) lanes = b_.CreateOr(lanes, of_operand(source));
  if (llvm::isa<llvm::Constant>(lanes)) return lanes;
  switch (operation.op) {
    case Op::Select: {
      Value* condition = emitter_.read_vector(sources[2], ir::Type::Pred);
      condition = b_.CreateBitCast(condition, b_.getInt32Ty());
      Value* taken = b_.CreateAnd(condition, of_operand(sources[0]));
      Value* other = b_.CreateAnd(b_.CreateNot(condition), of_operand(sources[1]));
      return b_.CreateOr(of_operand(sources[2]), b_.CreateOr(taken, other));
    }
    case Op::And:
    case Op::Or:
      return unless_decided(sources[0], sources[1], operation.type, operation.op == Op::Or);
    case Op::ICompare:
    case Op::FCompare:
    case Op::ISet:
    case Op::FSet: {
      const ir::BoolOp op = operation.attributes.bool_op;
      if (sources.size() != 3 || (op != ir::BoolOp::And && op != ir::BoolOp::Or)) return lanes;
      return b_.CreateAnd(lanes, b_.CreateNot(lanes_equal(sources[2], ir::Type::Pred, op == ir::BoolOp::Or)));
    }
    default:
      break;
  }
  if (!crosses_lanes(operation)) return lanes;
  // From other lanes: where none of them has a value.
  Value* some = b_.CreateICmpNE(b_.CreateAnd(emitter_.lanes().mask(), b_.CreateNot(lanes)), emitter_.i32(0));
  return b_.CreateSelect(some, none(), emitter_.i32(~0u));
}

// Ends the launch where one of the lanes is among those that run.
void Definedness::use(Value* lanes, Value* running) {
  if (llvm::isa<llvm::Constant>(lanes)) return;
  lanes = b_.CreateAnd(lanes, running);
  llvm::Function* into = b_.GetInsertBlock()->getParent();
  llvm::BasicBlock* used = llvm::BasicBlock::Create(emitter_.context(), "used", into);
  llvm::BasicBlock* go = llvm::BasicBlock::Create(emitter_.context(), "defined", into);
  b_.CreateCondBr(b_.CreateICmpEQ(lanes, emitter_.i32(0)), go, used, emitter_.likely());
  b_.SetInsertPoint(used);
  llvm::Type* word = b_.getInt32Ty();
  emitter_.launch().callback(
      offsetof(RuntimeCallbacks, check_use),
      llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), word, word, word}, false),
      {emitter_.launch().context(), lanes, emitter_.i32(emitter_.function_id()),
       emitter_.i32(emitter_.instruction_index())});
  b_.CreateBr(go);
  b_.SetInsertPoint(go);
}

void Definedness::before(const Operation& operation) {
  result_ = guard_ = nullptr;
  if (operation.guard) {
    guard_ = of_register(operation.guard->predicate);
    if (acts(operation)) {
      use(guard_, emitter_.lanes().block_mask());  // also where it keeps a lane out
      guard_ = nullptr;
    }
  }
  switch (operation.op) {
    case Op::Load:
      use(of_address(operation), emitter_.lanes().mask());
      return;
    case Op::Store:
      use(of_address(operation), emitter_.lanes().mask());
      for (std::size_t k = 0; k < operation.sources.size(); ++k) {
        b_.CreateStore(of_operand(operation.sources[k]),
                       b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), elements_, k));
      }
      return;
    // What a matrix's rows hold is not followed: padding may lie between the elements.
    case Op::MatrixLoad:
      use(of_address(operation), row_lanes(operation.results.size()));
      return;
    case Op::MatrixStore:
      use(of_address(operation), row_lanes(operation.sources.size() - 1));
      for (std::uint32_t k = 0; k < operation.accesses[0].vector; ++k)
        b_.CreateStore(none(), b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), elements_, k));
      return;
    case Op::Atomic:
    case Op::Reduce:
    case Op::AsyncCopy:
    case Op::BulkCopy:
    case Op::TensorCopy:
    case Op::AsyncStore:
    case Op::BulkFill:
      use(of_address(operation), emitter_.lanes().mask());
      [[fallthrough]];
    case Op::Barrier:
    case Op::BarrierArrive:
    case Op::BarrierReduce:
    case Op::BranchTable:
      for (const Operand& source : operation.sources) use(of_operand(source), emitter_.lanes().mask());
      return;
    case Op::Call:
      if (!operation.callee->function) use(of_operand(operation.sources[0]), emitter_.lanes().mask());
      return;
    default:
      break;
  }
  if (!operation.results.empty()) result_ = of_result(operation);
}

void Definedness::after(const Operation& operation) {
  const bool loads = reads_undefined(operation);
  const auto element = [&](std::size_t k) {
    return b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), elements_, k));
  };
  for (std::size_t k = 0; k < operation.results.size(); ++k)
    set(operation.results[k], loads ? element(k) : result_);
}

void Definedness::set(const Operand& destination, Value* lanes) {
  if (!destination.is_register() || slots_[destination.reg] == nullptr) return;
  if (lanes == nullptr) lanes = none();
  Value* mask = emitter_.lanes().mask();
  Value* now =
      b_.CreateOr(b_.CreateAnd(load(slots_[destination.reg]), b_.CreateNot(mask)), b_.CreateAnd(lanes, mask));
  // Whether it was written depends on what nobody knows.
  if (guard_ != nullptr) now = b_.CreateOr(now, b_.CreateAnd(guard_, emitter_.lanes().block_mask()));
  store(now, slots_[destination.reg]);
}

}  // namespace doppel::jit
