// SPDX-License-Identifier: Apache-2.0
#include "jit/lane_functions.h"

#include <llvm/IR/DIBuilder.h>
#include <llvm/TargetParser/Triple.h>

#include <cstddef>

#include "jit/host_target.h"
#include "jit/lane_loop.h"
#include "jit/launch_context.h"

namespace doppel::jit {

using llvm::Value;

ScratchSlots::ScratchSlots(FunctionEmitter& emitter)
    : emitter_(emitter), before_(emitter.launch().scratch_used()) {}
ScratchSlots::~ScratchSlots() { emitter_.launch().scratch_used() = before_; }

Value* ScratchSlots::take(std::uint64_t bytes) {
  unsigned& used = emitter_.launch().scratch_used();
  const unsigned first = used;
  used += static_cast<unsigned>((bytes + kScratchSlotBytes - 1) / kScratchSlotBytes);
  if (used > kScratchSlots) throw Unsupported{"internal: no scratch memory is left"};
  Value* scratch = emitter_.launch().field(offsetof(WarpContext, scratch), emitter_.b().getPtrTy());
  return emitter_.b().CreateConstInBoundsGEP1_64(emitter_.b().getInt8Ty(), scratch,
                                                 first * kScratchSlotBytes);
}

Value* ScratchSlots::store(Value* vector) {
  const std::uint64_t bits = vector->getType()->getScalarSizeInBits();
  Value* slot = take(kWarpLanes * ((bits + 7) / 8));
  emitter_.b().CreateStore(vector, slot);
  return slot;
}

namespace {

// So many lanes of a full warp are written out one after the other.
constexpr std::uint32_t kUnrolled = 8;

llvm::CallingConv::ID convention(const llvm::Module& module, const LaneFunction& function) {
  // The caller keeps its vectors where they are. Where the function uses one itself, LLVM 19 would save it to
  // a place of the stack that is not aligned for it.
  const bool keeps = llvm::Triple(module.getTargetTriple()).isX86() && !function.floats;
  return keeps ? llvm::CallingConv::PreserveAll : llvm::CallingConv::C;
}

class LaneFunctionBody {
 public:
  LaneFunctionBody(FunctionEmitter& emitter, llvm::Function* into, const LaneFunction& function,
                   const LaneAddresses& addresses)
      : emitter_(emitter), b_(emitter.b()), into_(into), function_(function), addresses_(addresses) {}

  void emit() {
    const llvm::DISubprogram* caller = b_.GetInsertBlock()->getParent()->getSubprogram();
    const llvm::IRBuilderBase::InsertPointGuard guard(b_);
    llvm::BasicBlock* entry = block("entry");
    llvm::BasicBlock* full = block("full");
    llvm::BasicBlock* some = block("some");
    llvm::BasicBlock* done = block("done");
    b_.SetInsertPoint(entry);
    set_scope(*caller);
    store_field(offsetof(WarpContext, access_site), into_->getArg(4));
    if (addresses_.recorded) {
      store_field(offsetof(WarpContext, access_width), b_.getInt32(1));
      store_field(offsetof(WarpContext, access_step), b_.getInt32(0));
    }
    if (addresses_.offset != nullptr)
      window_ = b_.CreateAlignedLoad(b_.getInt64Ty(), field(offsetof(WarpContext, shared)), llvm::Align(8));
    Value* mask = into_->getArg(3);
    b_.CreateCondBr(b_.CreateICmpEQ(mask, b_.getInt32(~0u)), full, some);

    b_.SetInsertPoint(full);
    emit_full(full, done);

    b_.SetInsertPoint(some);
    for (std::uint64_t at = 0; at < function_.result_bytes; at += sizeof(std::uint64_t)) {
      b_.CreateAlignedStore(b_.getInt64(0),
                            b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), into_->getArg(2), at),
                            llvm::Align(8));
    }
    emit_lane_loop(emitter_, mask, [&](Value* lane) { one(lane); });
    b_.CreateBr(done);
    b_.SetInsertPoint(done);
    b_.CreateRetVoid();
  }

 private:
  llvm::BasicBlock* block(const char* name) {
    return llvm::BasicBlock::Create(emitter_.context(), name, into_);
  }
  Value* field(std::size_t offset) {
    return b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), into_->getArg(0), offset);
  }
  void store_field(std::size_t offset, Value* value) { b_.CreateStore(value, field(offset)); }

  void set_scope(const llvm::DISubprogram& caller) {
    llvm::DIBuilder lines(*into_->getParent(), /*AllowUnresolved=*/true, caller.getUnit());
    llvm::DIFile* file = caller.getFile();
    llvm::DISubprogram* scope = lines.createFunction(
        file, kLaneFunctionScope, "", file, 1, lines.createSubroutineType(lines.getOrCreateTypeArray({})), 1,
        llvm::DINode::FlagZero, llvm::DISubprogram::SPFlagDefinition | llvm::DISubprogram::SPFlagOptimized);
    lines.finalizeSubprogram(scope);
    into_->setSubprogram(scope);
    b_.SetCurrentDebugLocation(llvm::DILocation::get(emitter_.context(), 1, 0, scope));
  }

  void emit_full(llvm::BasicBlock* before, llvm::BasicBlock* done) {
    llvm::BasicBlock* loop = block("row");
    b_.CreateBr(loop);
    b_.SetInsertPoint(loop);
    llvm::PHINode* first = b_.CreatePHI(b_.getInt32Ty(), 2);
    first->addIncoming(b_.getInt32(0), before);
    for (std::uint32_t i = 0; i < kUnrolled; ++i) one(b_.CreateAdd(first, b_.getInt32(i)));
    Value* next = b_.CreateAdd(first, b_.getInt32(kUnrolled));
    first->addIncoming(next, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpEQ(next, b_.getInt32(kWarpLanes)), done, loop);
  }

  void one(Value* lane) {
    Value* memory = into_->getArg(1);
    Value* address = nullptr;
    if (addresses_.offset == nullptr) {
      address =
          b_.CreateAlignedLoad(b_.getInt64Ty(), b_.CreateGEP(b_.getInt64Ty(), memory, lane), llvm::Align(8));
    } else {
      Value* offset = b_.CreateLoad(b_.getInt32Ty(), b_.CreateGEP(b_.getInt32Ty(), memory, lane));
      offset = b_.CreateAdd(offset, into_->getArg(5));
      address = b_.CreateAdd(b_.CreateZExt(offset, b_.getInt64Ty()), window_);
    }
    function_.body({into_->getArg(0), into_->getArg(2), lane, address});
  }

  FunctionEmitter& emitter_;
  llvm::IRBuilder<>& b_;
  llvm::Function* into_;
  const LaneFunction& function_;
  const LaneAddresses& addresses_;
  Value* window_ = nullptr;
};

}  // namespace

void call_lane_function(FunctionEmitter& emitter, const LaneFunction& function,
                        const LaneAddresses& addresses, Value* values) {
  llvm::IRBuilder<>& b = emitter.b();
  llvm::Module& module = emitter.module().llvm;
  std::string name = "lanes." + function.name;
  if (addresses.offset != nullptr) name += ".window";
  if (addresses.recorded) name += ".recorded";
  llvm::Function* callee = module.getFunction(name);
  if (callee == nullptr) {
    llvm::Type* pointer = b.getPtrTy();
    auto* type = llvm::FunctionType::get(
        b.getVoidTy(), {pointer, pointer, pointer, b.getInt32Ty(), b.getInt64Ty(), b.getInt32Ty()}, false);
    callee = llvm::Function::Create(type, llvm::GlobalValue::InternalLinkage, name, module);
    HostTarget::get().apply(*callee);
    callee->setCallingConv(convention(module, function));
    callee->addFnAttr(llvm::Attribute::NoInline);
    // What it does not use of the host's vectors it need not keep for the caller.
    callee->addFnAttr(llvm::Attribute::NoImplicitFloat);
    LaneFunctionBody(emitter, callee, function, addresses).emit();
  }
  const std::uint64_t site =
      static_cast<std::uint64_t>(emitter.function_id()) << 32 | emitter.instruction_index();
  llvm::CallInst* call = b.CreateCall(
      callee, {emitter.launch().context(), addresses.memory, values, emitter.lanes().mask(), b.getInt64(site),
               addresses.offset != nullptr ? addresses.offset : b.getInt32(0)});
  call->setCallingConv(callee->getCallingConv());
}

}  // namespace doppel::jit
