// SPDX-License-Identifier: Apache-2.0
// What goes on behind its operation, and what waits for it (PTX ISA 9.7.9.25, 9.7.13.15): the engine does it,
// which finds in the IR what is asked for. Addresses and operands go by memory, as 64 bits a lane.
#include <cstddef>

#include "jit/lane_functions.h"
#include "jit/launch_context.h"
#include "jit/lower.h"
#include "jit/memory_access.h"

namespace doppel::jit {

using ir::Op;
using ir::Operation;
using llvm::Value;

namespace {

ir::Type source_type(const FunctionEmitter& emitter, const Operation& operation, const ir::Operand& source) {
  switch (operation.op) {
    case Op::MbarrierTest:
      return operation.source_type;
    case Op::AsyncStore:
      return operation.type;
    case Op::BulkFill:
      return ir::Type::B64;
    default:
      break;
  }
  const bool half = source.is_register() && emitter.function().width(source.reg) == 16;
  return half ? ir::Type::B16 : ir::Type::B32;
}

bool is_asynchronous(Op op) {
  switch (op) {
    case Op::AsyncCopy:
    case Op::AsyncCommit:
    case Op::AsyncWait:
    case Op::BulkCopy:
    case Op::AsyncStore:
    case Op::BulkFill:
    case Op::LaunchCancel:
    case Op::BulkCommit:
    case Op::BulkWait:
    case Op::TensorCopy:
    case Op::Mbarrier:
    case Op::MbarrierTest:
      return true;
    default:
      return false;
  }
}

}  // namespace

bool lower_asynchronous(FunctionEmitter& emitter, const Operation& operation) {
  if (!is_asynchronous(operation.op)) return false;
  llvm::IRBuilder<>& b = emitter.b();
  ScratchSlots scratch(emitter);
  const bool arrives =
      !operation.accesses.empty() && operation.accesses[0].completion == ir::Completion::Mbarrier;
  const std::size_t operands = operation.accesses.size() + (arrives ? 1 : 0) + operation.sources.size();
  Value* const memory =
      scratch.take(std::max<std::size_t>(operands + operation.results.size(), 1) * kScratchSlotBytes);
  const auto slot = [&](std::size_t i) {
    return b.CreateConstInBoundsGEP1_64(b.getInt8Ty(), memory, i * kScratchSlotBytes);
  };
  std::size_t at = 0;
  const auto store = [&](Value* lanes) {
    b.CreateAlignedStore(b.CreateZExt(lanes, emitter.int_type(64, false)), slot(at++),
                         llvm::Align(kScratchSlotBytes));
  };
  for (const ir::Access& access : operation.accesses)
    store(MemoryAccess(emitter, operation, access).addresses());
  if (arrives) {
    ir::Access barrier;
    barrier.space = operation.accesses[0].space;
    barrier.type = ir::Type::B64;
    barrier.address = operation.accesses[0].barrier;
    store(MemoryAccess(emitter, operation, barrier).addresses());
  }
  for (const ir::Operand& source : operation.sources)
    store(emitter.read_vector(source, source_type(emitter, operation, source)));
  const std::uint64_t place =
      std::uint64_t{emitter.function_id()} << 32 | std::uint64_t{emitter.instruction_index()};
  emitter.launch().callback(
      offsetof(RuntimeCallbacks, asynchronous),
      llvm::FunctionType::get(b.getVoidTy(), {b.getPtrTy(), b.getInt32Ty(), b.getInt64Ty(), b.getPtrTy()},
                              false),
      {emitter.launch().context(), emitter.lanes().mask(), b.getInt64(place), memory});
  for (std::size_t i = 0; i < operation.results.size(); ++i) {
    if (!operation.results[i].is_register()) continue;
    Value* const result =
        b.CreateAlignedLoad(emitter.int_type(64, false), slot(operands + i), llvm::Align(kScratchSlotBytes));
    const bool predicate = emitter.function().width(operation.results[i].reg) == 1;
    emitter.write(operation.results[i],
                  predicate ? b.CreateICmpNE(result, emitter.constant(result->getType(), 0)) : result);
  }
  return true;
}

}  // namespace doppel::jit
