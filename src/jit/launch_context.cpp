// SPDX-License-Identifier: Apache-2.0
#include "jit/launch_context.h"

#include <cstddef>

#include "jit/bounds_tests.h"
#include "jit/unsupported.h"

namespace doppel::jit {

using analysis::LanePattern;
using llvm::Value;

LaunchContext::LaunchContext(ModuleState& module, ir::FunctionId function, const EmissionPlan& plan,
                             LaneBuilder& builder, FunctionEntry& entry)
    : module_(module),
      id_(function),
      function_(module.ir.functions[function]),
      plan_(plan),
      builder_(builder),
      b_(builder.b()),
      entry_(entry),
      frame_(function_.is_kernel ? builder.i64(0) : builder.into().getArg(2)) {}

Value* LaunchContext::field_address(std::size_t offset) {
  return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), context(), offset);
}

Value* LaunchContext::field(std::size_t offset, llvm::Type* type) {
  Value*& field = fields_[{offset, type}];
  if (field == nullptr) {
    const FunctionEntry::FieldPlace place = entry_.place_of_field(offset);
    llvm::IRBuilder<> at(place.before);
    Value* address = at.CreateConstInBoundsGEP1_64(at.getInt8Ty(), place.context, offset);
    // The context's fields have the alignment of their elements.
    llvm::LoadInst* load =
        at.CreateAlignedLoad(type, address, llvm::Align(type->isVectorTy() || type->isIntegerTy(32) ? 4 : 8));
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(at.getContext(), {}));
    field = load;
  }
  return field;
}

Value* LaunchContext::counter_address(std::uint32_t slot) {
  Value* counters = field(offsetof(WarpContext, counters), b_.getPtrTy());
  return b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), counters, std::uint64_t{2} * slot);
}

Value* LaunchContext::callback(std::size_t offset, llvm::FunctionType* type,
                               llvm::ArrayRef<Value*> arguments) {
  Value* table = field(offsetof(WarpContext, callbacks), b_.getPtrTy());
  Value* address = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), table, offset);
  return b_.CreateCall(type, b_.CreateLoad(b_.getPtrTy(), address), arguments);
}

Value* LaunchContext::arrive_at_barrier(std::size_t offset, const BarrierArrival& arrival) {
  llvm::Type* word = b_.getInt32Ty();
  return callback(offset, llvm::FunctionType::get(word, {b_.getPtrTy(), word, word, word, word, word}, false),
                  {context(), arrival.lanes, arrival.barrier, arrival.threads,
                   builder_.i32(static_cast<std::uint32_t>(arrival.mode)), arrival.predicate});
}

void LaunchContext::yield() {
  callback(offsetof(RuntimeCallbacks, yield), llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy()}, false),
           {context()});
}

void LaunchContext::trap(Value* lanes, std::uint32_t instruction) {
  llvm::Type* word = b_.getInt32Ty();
  callback(offsetof(RuntimeCallbacks, trap),
           llvm::FunctionType::get(b_.getVoidTy(), {b_.getPtrTy(), word, word, word}, false),
           {context(), lanes, builder_.i32(id_), builder_.i32(instruction)});
  b_.CreateUnreachable();
}

Value* LaunchContext::symbol_address(const ir::SymbolRef& symbol) {
  using Scope = ir::SymbolRef::Scope;
  switch (symbol.scope) {
    case Scope::Module: {
      const ir::Variable& variable = module_.ir.variables[symbol.index];
      if (variable.space == ir::Space::Shared)
        return builder_.i64(module_.kernel.shared.module_offsets.at(symbol.index));
      Value*& address = symbols_[symbol.index];
      if (address == nullptr) {
        Value* table = field(offsetof(WarpContext, symbols), b_.getPtrTy());
        llvm::IRBuilder<> at(llvm::cast<llvm::Instruction>(table)->getNextNode());
        llvm::LoadInst* load = at.CreateLoad(
            at.getInt64Ty(), at.CreateConstInBoundsGEP1_64(at.getInt64Ty(), table, symbol.index));
        load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(at.getContext(), {}));
        if (analysis::takes_device_memory(variable) && !variable.managed)
          mark_known_inside(*load, variable.alignment);
        address = load;
      }
      return address;
    }
    case Scope::Function: {
      const ir::Variable& variable = function_.variables[symbol.index];
      if (variable.space == ir::Space::Shared)
        return builder_.i64(module_.kernel.shared.function_offsets.at({id_, symbol.index}));
      if (variable.space == ir::Space::Local)
        return b_.CreateAdd(frame_, builder_.i64(plan_.local.variables.at(symbol.index)));
      break;
    }
    case Scope::Parameter:
      if (function_.is_kernel) return builder_.i64(parameter_offset(symbol));
      break;
    default:
      break;
  }
  throw Unsupported{"the address of a .param variable in '" + function_.name + "'"};
}

Lanes LaunchContext::window_base(ir::Space space) {
  Lanes base;
  base.pattern = LanePattern::uniform(64);
  if (space == ir::Space::Shared || space == ir::Space::SharedCluster) {
    base.parts.push_back(field(offsetof(WarpContext, shared), b_.getInt64Ty()));
  } else if (space == ir::Space::Param) {
    base.parts.push_back(field(offsetof(WarpContext, parameters), b_.getInt64Ty()));
  } else if (space == ir::Space::Local) {
    analysis::LaneConstants lane;
    for (int i = 0; i < kWarpLanes; ++i) lane[i] = i;
    base.pattern.linear.factors.push_back(lane);
    base.parts.push_back(field(offsetof(WarpContext, local), b_.getInt64Ty()));
    base.parts.push_back(field(offsetof(WarpContext, local_stride), b_.getInt64Ty()));
  }
  return base;
}

Value* LaunchContext::parameter_memory(const ir::SymbolRef& symbol) {
  using Scope = ir::SymbolRef::Scope;
  llvm::Function& into = builder_.into();
  if (symbol.scope == Scope::Parameter)
    return into.getArg(3 + static_cast<unsigned>(function_.return_parameters.size()) + symbol.index);
  if (symbol.scope == Scope::ReturnParameter) return into.getArg(3 + symbol.index);
  Value*& memory = parameter_memory_[symbol.index];
  if (memory == nullptr) {
    const std::uint64_t size = function_.variables[symbol.index].size;
    memory = builder_.stack_slot(llvm::ArrayType::get(b_.getInt8Ty(), size * kWarpLanes), "param");
  }
  return memory;
}

std::uint64_t LaunchContext::kernel_parameter_bytes() const {
  return analysis::parameter_layout(module_.ir.functions[module_.kernel.id].parameters).size;
}

Value* LaunchContext::parameter_before_loop(std::uint64_t offset, int bits) {
  const std::uint64_t bytes = static_cast<std::uint64_t>(bits) / 8;
  if (!entry_.runs_blocks() || offset + bytes > plan_.parameters.size) return nullptr;
  Value* parameters = field(offsetof(WarpContext, parameters), b_.getPtrTy());
  llvm::IRBuilder<> at(llvm::cast<llvm::Instruction>(parameters)->getNextNode());
  return at.CreateAlignedLoad(builder_.int_type(bits),
                              at.CreateConstInBoundsGEP1_64(at.getInt8Ty(), parameters, offset),
                              llvm::Align(1));
}

}  // namespace doppel::jit
