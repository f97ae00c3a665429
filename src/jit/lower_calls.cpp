// SPDX-License-Identifier: Apache-2.0
// Calls of device functions, direct and indirect, and of the runtime's own (PTX ISA 7.1, 9.7.12.5).
#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>

#include "jit/control_flow.h"
#include "jit/device_functions.h"
#include "jit/lane_loop.h"
#include "jit/launch_context.h"
#include "jit/lower.h"

namespace doppel::jit {

using ir::FunctionId;
using ir::Op;
using ir::Operand;
using ir::Operation;
using llvm::Value;

namespace {

// Of results and parameters, in order, in bytes: what the engine reads and writes.
struct RuntimeSignature {
  std::vector<std::uint64_t> results, parameters;
};

RuntimeSignature signature(RuntimeFunction function) {
  switch (function) {
    case RuntimeFunction::Vprintf:
      return {{4}, {8, 8}};
    case RuntimeFunction::Assertfail:
      return {{}, {8, 8, 4, 8, 8}};
    case RuntimeFunction::Malloc:
      return {{8}, {8}};
    case RuntimeFunction::Free:
      return {{}, {8}};
  }
  return {};
}

std::optional<RuntimeFunction> runtime_function(const std::string& name) {
  if (name == "vprintf") return RuntimeFunction::Vprintf;
  if (name == "__assertfail") return RuntimeFunction::Assertfail;
  if (name == "malloc") return RuntimeFunction::Malloc;
  if (name == "free") return RuntimeFunction::Free;
  return std::nullopt;
}

RuntimeSignature signature(const DeviceSignature& device) {
  RuntimeSignature of{{device.result}, {}};
  for (const std::uint8_t bytes : device.arguments)
    if (bytes != 0) of.parameters.push_back(bytes);
  return of;
}

bool matches(const ir::Function& callee, const DeviceSignature& signature) {
  std::size_t count = 0;
  while (count < signature.arguments.size() && signature.arguments[count] != 0) ++count;
  if (callee.parameters.size() != count || callee.return_parameters.size() != 1 ||
      callee.return_parameters.front().size != signature.result)
    return false;
  for (std::size_t i = 0; i < count; ++i)
    if (callee.parameters[i].size != signature.arguments[i]) return false;
  return true;
}

class CallLowering {
 public:
  CallLowering(FunctionEmitter& emitter, const Operation& operation)
      : emitter_(emitter), operation_(operation), callee_(*operation.callee), b_(emitter.b()) {}

  void run() {
    for (const Operand& result : operation_.results) {
      pointers_.push_back(memory_of(result, true));
      result_bytes_.push_back(bytes_of(result));
    }
    for (const Operand& argument : arguments()) {
      pointers_.push_back(memory_of(argument, false));
      argument_bytes_.push_back(bytes_of(argument));
    }
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* done = nullptr;
    if (emitter_.lanes().may_be_empty()) {
      llvm::BasicBlock* some = llvm::BasicBlock::Create(emitter_.context(), "call", into);
      done = llvm::BasicBlock::Create(emitter_.context(), "called", into);
      b_.CreateCondBr(b_.CreateICmpNE(emitter_.lanes().mask(), emitter_.i32(0)), some, done);
      b_.SetInsertPoint(some);
    }
    if (callee_.function) {
      call_one(*callee_.function, emitter_.lanes().mask());
    } else {
      call_indirect();
    }
    if (done != nullptr) {
      b_.CreateBr(done);
      b_.SetInsertPoint(done);
    }
    // Results first: lanes that left inside do not matter any more.
    for (std::size_t i = 0; i < operation_.results.size(); ++i) {
      const Operand& result = operation_.results[i];
      if (!result.is_register()) continue;
      const int bits = emitter_.function().width(result.reg);
      emitter_.write(result,
                     b_.CreateAlignedLoad(emitter_.int_type(bits, false), pointers_[i], llvm::Align(1)));
    }
    if (may_exit()) emitter_.flow().lanes_left_in_call();
  }

 private:
  // What it passes: all but the address of an indirect call.
  std::span<const Operand> arguments() const {
    return std::span(operation_.sources).subspan(callee_.function ? 0 : 1);
  }

  int bits_of(const Operand& operand) const {
    return operand.is_register() ? emitter_.function().width(operand.reg) : 64;
  }

  // 32 values of an argument or a result.
  Value* memory_of(const Operand& operand, bool is_result) {
    if (operand.kind == Operand::Kind::Symbol) return emitter_.launch().parameter_memory(operand.symbol());
    if (is_result) return emitter_.stack_slot(emitter_.int_type(bits_of(operand), false), "result");
    Value* lanes = emitter_.read_vector(operand, bits_of(operand));
    llvm::AllocaInst* slot = emitter_.stack_slot(lanes->getType(), "argument");
    // It holds nothing from here backwards: a coroutine need not keep it over a barrier for a loop's next
    // round.
    if (emitter_.plan().entry == EntryShape::Coroutine) b_.CreateLifetimeStart(slot);
    b_.CreateStore(lanes, slot);
    return slot;
  }

  // Of one of them, as memory_of() makes room for it.
  std::uint64_t bytes_of(const Operand& operand) const {
    if (operand.kind == Operand::Kind::Symbol)
      return ir::variable(emitter_.module().ir, emitter_.function(), operand.symbol()).size;
    return static_cast<std::uint64_t>(bits_of(operand) + 7) / 8;
  }

  // Whether the callee finds all that it may read and write.
  static bool has_room(const std::vector<std::uint64_t>& given, const std::vector<std::uint64_t>& needed) {
    return given.size() == needed.size() && std::ranges::equal(given, needed, std::ranges::greater_equal());
  }
  bool has_room(const ir::Function& callee) const {
    const auto sizes = [](const std::vector<ir::Variable>& variables) {
      std::vector<std::uint64_t> bytes;
      for (const ir::Variable& variable : variables) bytes.push_back(variable.size);
      return bytes;
    };
    return has_room(result_bytes_, sizes(callee.return_parameters)) &&
           has_room(argument_bytes_, sizes(callee.parameters));
  }

  void call_one(FunctionId id, Value* lanes) {
    const ir::Function& callee = emitter_.module().ir.functions[id];
    if (callee.is_declaration) {
      if (const DeviceSignature* device = find_device_function(callee.name)) {
        if (!matches(callee, *device))
          emitter_.unsupported(operation_, "arguments do not match '" + callee.name + "'");
        call_runtime(
            static_cast<RuntimeFunction>(kFirstDeviceFunction + static_cast<std::uint32_t>(device->function)),
            signature(*device), lanes);
        return;
      }
      const std::optional<RuntimeFunction> runtime = runtime_function(callee.name);
      if (!runtime) emitter_.unsupported(operation_, "function '" + callee.name + "' has no body");
      call_runtime(*runtime, signature(*runtime), lanes);
      return;
    }
    const auto found = emitter_.module().functions.find(id);
    if (found == emitter_.module().functions.end()) emitter_.unsupported(operation_, "unknown callee");
    llvm::Function* target = found->second;
    std::vector<Value*> arguments{
        emitter_.launch().context(), lanes,
        b_.CreateAdd(emitter_.launch().frame_offset(), emitter_.i64(emitter_.launch().frame_bytes()))};
    arguments.insert(arguments.end(), pointers_.begin(), pointers_.end());
    if (arguments.size() != target->arg_size() || !has_room(callee))
      emitter_.unsupported(operation_, "arguments do not match '" + callee.name + "'");
    b_.CreateCall(target, arguments);
  }

  void call_runtime(RuntimeFunction function, const RuntimeSignature& needed, Value* lanes) {
    if (!has_room(argument_bytes_, needed.parameters) ||
        !(operation_.results.empty() || has_room(result_bytes_, needed.results)))
      emitter_.unsupported(operation_, "arguments do not match those of the runtime's function");
    const std::size_t results = operation_.results.size();
    const std::size_t count = pointers_.size() - results;
    llvm::Type* pointer = b_.getPtrTy();
    Value* table =
        emitter_.stack_slot(llvm::ArrayType::get(pointer, std::max<std::size_t>(count, 1)), "arguments");
    for (std::size_t i = 0; i < count; ++i) {
      b_.CreateStore(pointers_[results + i], b_.CreateConstInBoundsGEP1_64(pointer, table, i));
    }
    Value* result =
        results == 0 ? static_cast<Value*>(llvm::ConstantPointerNull::get(b_.getPtrTy())) : pointers_[0];
    llvm::Type* word = b_.getInt32Ty();
    emitter_.launch().callback(
        offsetof(RuntimeCallbacks, call),
        llvm::FunctionType::get(b_.getVoidTy(), {pointer, word, word, pointer, pointer}, false),
        {emitter_.launch().context(), lanes, emitter_.i32(static_cast<std::uint32_t>(function)), table,
         result});
  }

  bool fits(FunctionId id) const {
    const ir::Function& candidate = emitter_.module().ir.functions[id];
    return !candidate.is_kernel && has_room(candidate);
  }

  std::vector<FunctionId> candidates() const {
    std::vector<FunctionId> result;
    if (!callee_.possible_targets.empty()) {
      for (FunctionId id : callee_.possible_targets) {
        if (fits(id)) result.push_back(id);
      }
      return result;
    }
    for (const auto& [id, function] : emitter_.module().functions) {
      if (fits(id)) result.push_back(id);
    }
    return result;
  }

  // One call for each different target among the lanes.
  void call_indirect() {
    Value* targets = emitter_.read_vector(operation_.sources[0], ir::Type::B64);
    targets = emitter_.resize(targets, 64, false);
    llvm::Function* into = b_.GetInsertBlock()->getParent();
    llvm::BasicBlock* before = b_.GetInsertBlock();
    llvm::BasicBlock* loop = llvm::BasicBlock::Create(emitter_.context(), "targets", into);
    llvm::BasicBlock* next = llvm::BasicBlock::Create(emitter_.context(), "target_done", into);
    llvm::BasicBlock* done = llvm::BasicBlock::Create(emitter_.context(), "targets_done", into);
    llvm::BasicBlock* wild = llvm::BasicBlock::Create(emitter_.context(), "wild", into);
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* left = b_.CreatePHI(b_.getInt32Ty(), 2);
    left->addIncoming(emitter_.lanes().mask(), before);
    Value* lane = b_.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, left, b_.getTrue());
    Value* target = b_.CreateExtractElement(targets, lane);
    Value* same = b_.CreateBitCast(b_.CreateICmpEQ(targets, emitter_.splat(target)), b_.getInt32Ty());
    same = b_.CreateAnd(same, left);
    const std::vector<FunctionId> ids = candidates();
    llvm::SwitchInst* which = b_.CreateSwitch(target, wild, static_cast<unsigned>(ids.size()));
    for (FunctionId id : ids) {
      llvm::BasicBlock* here = llvm::BasicBlock::Create(emitter_.context(), "target", into);
      which->addCase(b_.getInt64(function_address(id)), here);
      b_.SetInsertPoint(here);
      call_one(id, same);
      b_.CreateBr(next);
    }
    b_.SetInsertPoint(wild);
    emitter_.launch().trap(same, emitter_.instruction_index());
    b_.SetInsertPoint(next);
    Value* rest = b_.CreateAnd(left, b_.CreateNot(same));
    left->addIncoming(rest, next);
    b_.CreateCondBr(b_.CreateICmpNE(rest, emitter_.i32(0)), loop, done);
    b_.SetInsertPoint(done);
  }

  // Whether lanes can end inside of the call.
  bool may_exit() const {
    std::vector<FunctionId> roots;
    if (callee_.function) {
      roots.push_back(*callee_.function);
    } else {
      roots = candidates();
    }
    for (FunctionId root : roots) {
      for (FunctionId id : analysis::reachable_functions(emitter_.module().ir, root)) {
        for (const Operation& operation : emitter_.module().ir.functions[id].operations) {
          if (operation.op == Op::Exit) return true;
        }
      }
    }
    return false;
  }

  FunctionEmitter& emitter_;
  const Operation& operation_;
  const ir::Callee& callee_;
  llvm::IRBuilder<>& b_;
  std::vector<Value*> pointers_;                              // results, then arguments
  std::vector<std::uint64_t> result_bytes_, argument_bytes_;  // of one lane
};

}  // namespace

bool lower_call(FunctionEmitter& emitter, const Operation& operation) {
  if (operation.op != Op::Call) return false;
  CallLowering(emitter, operation).run();
  return true;
}

}  // namespace doppel::jit
