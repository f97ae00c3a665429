#include "jit/definedness.h"

#include <algorithm>
#include <cstddef>

#include "kernel/operands.h"

namespace doppel::jit {

using llvm::Value;
using ptx::Instruction;
using ptx::Opcode;
using ptx::Operand;
using ptx::Space;

namespace {

bool may_be_shared(Space space) {
  return space == Space::Shared || space == Space::SharedCluster || space == Space::Generic;
}

bool reads_undefined(const Instruction& instruction) {
  return (instruction.opcode == Opcode::Ld || instruction.opcode == Opcode::Ldu) &&
         may_be_shared(instruction.modifiers.space);
}

// What a guard decides of: more than which lanes get a result.
bool acts(const Instruction& instruction) {
  if (instruction.opcode == Opcode::Atom || reads_undefined(instruction)) return true;
  return kernel::destination_count(instruction) == 0;
}

bool crosses_lanes(Opcode opcode) {
  return opcode == Opcode::Shfl || opcode == Opcode::Vote || opcode == Opcode::Match ||
         opcode == Opcode::Redux;
}

}  // namespace

Definedness::Definedness(FunctionEmitter& emitter) : emitter_(emitter), b_(emitter.b()) {
  elements_ = emitter_.stack_slot(llvm::ArrayType::get(b_.getInt32Ty(), kMostElements), "undefined");
  find_registers();
}

// Those that can ever hold such a value.
void Definedness::find_registers() {
  const ptx::Function& function = emitter_.function();
  slots_.assign(function.registers.size(), nullptr);
  const auto follow = [&](ptx::RegisterId reg) {
    if (slots_[reg] != nullptr) return false;
    slots_[reg] = emitter_.stack_slot(b_.getInt32Ty(), "undefined");
    store(none(), slots_[reg]);
    return true;
  };
  for (bool more = true; more;) {
    more = false;
    for (const Instruction& instruction : function.instructions) {
      if (instruction.opcode == Opcode::Call || instruction.opcode == Opcode::Atom) continue;
      bool undefined = reads_undefined(instruction);
      kernel::for_each_use(instruction, [&](ptx::RegisterId reg) { undefined |= slots_[reg] != nullptr; });
      if (!undefined) continue;
      kernel::for_each_definition(instruction, [&](ptx::RegisterId reg) { more |= follow(reg); });
    }
  }
}

Value* Definedness::load(llvm::AllocaInst* slot) {
  return b_.CreateLoad(b_.getInt32Ty(), slot, /*isVolatile=*/true);
}

void Definedness::store(Value* lanes, llvm::AllocaInst* slot) {
  b_.CreateStore(lanes, slot, /*isVolatile=*/true);
}

Value* Definedness::of_register(ptx::RegisterId reg) {
  return slots_[reg] == nullptr ? none() : load(slots_[reg]);
}

Value* Definedness::of_operand(const Operand& operand) {
  switch (operand.kind) {
    case Operand::Kind::Register:
      return of_register(operand.reg);
    case Operand::Kind::Address:
      return operand.address_base == Operand::AddressBase::Register ? of_register(operand.reg) : none();
    case Operand::Kind::Vector: {
      Value* lanes = none();
      for (const Operand& element : operand.elements) lanes = b_.CreateOr(lanes, of_operand(element));
      return lanes;
    }
    default:
      return none();
  }
}

// Lanes in which all bits of a defined operand are ones, or zeros.
Value* Definedness::lanes_equal(const Operand& operand, ptx::Type type, bool ones) {
  Value* value = emitter_.read_vector(operand, type);
  if (operand.negated) value = b_.CreateNot(value);
  Value* wanted = ones ? llvm::Constant::getAllOnesValue(value->getType())
                       : llvm::Constant::getNullValue(value->getType());
  Value* lanes = b_.CreateBitCast(b_.CreateICmpEQ(value, wanted), b_.getInt32Ty());
  return b_.CreateAnd(lanes, b_.CreateNot(of_operand(operand)));
}

Value* Definedness::unless_decided(const Operand& a, const Operand& b, ptx::Type type, bool ones) {
  Value* lanes = b_.CreateOr(of_operand(a), of_operand(b));
  if (llvm::isa<llvm::Constant>(lanes)) return lanes;
  Value* decided = b_.CreateOr(lanes_equal(a, type, ones), lanes_equal(b, type, ones));
  return b_.CreateAnd(lanes, b_.CreateNot(decided));
}

Value* Definedness::of_result(const Instruction& instruction) {
  const auto& operands = instruction.operands;
  const std::size_t first = kernel::destination_count(instruction);
  Value* lanes = none();
  for (std::size_t i = first; i < operands.size(); ++i) lanes = b_.CreateOr(lanes, of_operand(operands[i]));
  if (llvm::isa<llvm::Constant>(lanes)) return lanes;
  switch (instruction.opcode) {
    case Opcode::Selp: {
      if (operands.size() != 4) return lanes;
      Value* condition = emitter_.read_vector(operands[3], ptx::Type::Pred);
      if (operands[3].negated) condition = b_.CreateNot(condition);
      condition = b_.CreateBitCast(condition, b_.getInt32Ty());
      Value* taken = b_.CreateAnd(condition, of_operand(operands[1]));
      Value* other = b_.CreateAnd(b_.CreateNot(condition), of_operand(operands[2]));
      return b_.CreateOr(of_operand(operands[3]), b_.CreateOr(taken, other));
    }
    case Opcode::And:
    case Opcode::Or:
      if (operands.size() != 3) return lanes;
      return unless_decided(operands[1], operands[2], instruction.type, instruction.opcode == Opcode::Or);
    case Opcode::Setp:
    case Opcode::Set: {
      const ptx::BoolOp op = instruction.modifiers.bool_op;
      if (operands.size() != 4 || (op != ptx::BoolOp::And && op != ptx::BoolOp::Or)) return lanes;
      return b_.CreateAnd(lanes,
                          b_.CreateNot(lanes_equal(operands[3], ptx::Type::Pred, op == ptx::BoolOp::Or)));
    }
    default:
      break;
  }
  if (!crosses_lanes(instruction.opcode)) return lanes;
  // From other lanes: where none of them has a value.
  Value* some = b_.CreateICmpNE(b_.CreateAnd(emitter_.mask(), b_.CreateNot(lanes)), emitter_.i32(0));
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
  emitter_.callback(offsetof(RuntimeCallbacks, check_use),
                    llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), word, word, word}, false),
                    {emitter_.context_pointer(), lanes, emitter_.i32(emitter_.function_id()),
                     emitter_.i32(emitter_.instruction_index())});
  b_.CreateBr(go);
  b_.SetInsertPoint(go);
}

void Definedness::before(const Instruction& instruction) {
  result_ = guard_ = nullptr;
  if (instruction.guard) {
    guard_ = of_register(instruction.guard->predicate);
    if (acts(instruction)) {
      use(guard_, emitter_.block_mask());  // also where it keeps a lane out
      guard_ = nullptr;
    }
  }
  switch (instruction.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu:
      use(of_operand(instruction.operands[1]), emitter_.mask());
      return;
    case Opcode::St: {
      use(of_operand(instruction.operands[0]), emitter_.mask());
      const Operand& value = instruction.operands[1];
      const bool is_vector = value.kind == Operand::Kind::Vector;
      for (std::size_t k = 0; k < (is_vector ? value.elements.size() : 1); ++k) {
        b_.CreateStore(of_operand(is_vector ? value.elements[k] : value),
                       b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), elements_, k));
      }
      return;
    }
    case Opcode::Atom:
    case Opcode::Red:
    case Opcode::Bar:
    case Opcode::BrxIdx:
      for (std::size_t i = kernel::destination_count(instruction); i < instruction.operands.size(); ++i)
        use(of_operand(instruction.operands[i]), emitter_.mask());
      return;
    case Opcode::Call:
      use(of_operand(instruction.call->target), emitter_.mask());
      return;
    default:
      break;
  }
  if (kernel::destination_count(instruction) != 0) result_ = of_result(instruction);
}

void Definedness::after(const Instruction& instruction) {
  const bool loads = reads_undefined(instruction);
  const auto element = [&](std::size_t k) {
    return b_.CreateLoad(b_.getInt32Ty(), b_.CreateConstInBoundsGEP1_64(b_.getInt32Ty(), elements_, k));
  };
  const std::size_t count = kernel::destination_count(instruction);
  for (std::size_t i = 0; i < count; ++i) {
    const Operand& destination = instruction.operands[i];
    if (destination.kind != Operand::Kind::Vector) {
      set(destination, loads ? element(0) : result_);
      continue;
    }
    for (std::size_t k = 0; k < destination.elements.size(); ++k)
      set(destination.elements[k], loads ? element(k) : result_);
  }
  if (instruction.second_destination) set(*instruction.second_destination, result_);
  if (instruction.call) {
    for (const Operand& result : instruction.call->returns) set(result, nullptr);
  }
}

void Definedness::set(const Operand& destination, Value* lanes) {
  if (destination.kind != Operand::Kind::Register || slots_[destination.reg] == nullptr) return;
  if (lanes == nullptr) lanes = none();
  Value* mask = emitter_.mask();
  Value* now =
      b_.CreateOr(b_.CreateAnd(load(slots_[destination.reg]), b_.CreateNot(mask)), b_.CreateAnd(lanes, mask));
  // Whether it was written depends on what nobody knows.
  if (guard_ != nullptr) now = b_.CreateOr(now, b_.CreateAnd(guard_, emitter_.block_mask()));
  store(now, slots_[destination.reg]);
}

}  // namespace doppel::jit
