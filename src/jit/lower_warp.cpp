#include <cstddef>

#include "jit/lower.h"

namespace doppel::jit {
using llvm::Value;
using ptx::Instruction;
using ptx::Opcode;

bool lower_warp(FunctionEmitter& emitter, const Instruction& instruction) {
  llvm::IRBuilder<>& b = emitter.b();
  if (instruction.opcode == Opcode::Bar) {
    const bool has_result = instruction.modifiers.barrier >= ptx::BarrierMode::RedPopc;
    const std::size_t at = has_result ? 1 : 0;
    const std::size_t sources = instruction.operands.size() - at - (has_result ? 1 : 0);
    const auto scalar = [&](std::size_t i) -> Value* {
      const Lanes lanes = emitter.read(instruction.operands[i], ptx::Type::U32);
      if (lanes.pattern.is_uniform()) return lanes.parts[0];
      // Lanes of one warp that name different barriers are not converged; the first lane's is taken.
      return b.CreateExtractElement(emitter.materialize(lanes), b.CreateBinaryIntrinsic(llvm::Intrinsic::cttz, emitter.mask(), b.getFalse()));
    };
    Value* barrier = scalar(at);
    Value* threads = sources > 1 ? scalar(at + 1) : emitter.i32(0);
    Value* predicate = emitter.i32(0);
    if (has_result) {
      predicate = b.CreateBitCast(emitter.read_vector(instruction.operands.back(), ptx::Type::Pred), b.getInt32Ty());
      predicate = b.CreateAnd(predicate, emitter.mask());
    }
    llvm::Type* word = b.getInt32Ty();
    Value* result = emitter.callback(offsetof(RuntimeCallbacks, barrier),
                                     llvm::FunctionType::get(word, {b.getPtrTy(), word, word, word, word, word}, false),
                                     {emitter.context_pointer(), emitter.mask(), barrier, threads,
                                      emitter.i32(static_cast<std::uint32_t>(instruction.modifiers.barrier)), predicate});
    if (has_result) {
      if (instruction.modifiers.barrier != ptx::BarrierMode::RedPopc) result = b.CreateICmpNE(result, emitter.i32(0));
      emitter.write(instruction.operands[0], result);
    }
    return true;
  }
  return false;
}
}  // namespace doppel::jit
