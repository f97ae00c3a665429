// The lowering of each group of instructions: one file a group. Each function returns false for a form that
// is not its own.
#pragma once

#include "jit/function_emitter.h"

namespace doppel::jit {

// Dispatches by opcode; throws Unsupported where no group takes the form.
void lower(FunctionEmitter& emitter, const ptx::Instruction& instruction);
// By the arithmetic of lane patterns, with scalar operations only; false where an operand or the result has
// no pattern.
bool lower_pattern(FunctionEmitter& emitter, const ptx::Instruction& instruction);

bool lower_integer(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_bits(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_float(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_transcendental(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_compare(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_convert(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_move(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_memory(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_atomic(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_warp(FunctionEmitter& emitter, const ptx::Instruction& instruction);
bool lower_call(FunctionEmitter& emitter, const ptx::Instruction& instruction);

Lanes read_special(FunctionEmitter& emitter, const ptx::Operand& operand);

// Whether the instruction hands control on; its block's terminator then stands for it.
bool ends_block(const ptx::Instruction& instruction);

// Source operands of an instruction that works lane by lane: scalars where every source is uniform, else
// vectors.
class Sources {
 public:
  Sources(FunctionEmitter& emitter, const ptx::Instruction& instruction, bool force_vector = false);
  bool uniform() const { return uniform_; }
  // Operand i of Instruction::operands, as an integer of the type's width.
  llvm::Value* operator()(std::size_t i, ptx::Type type) const;

 private:
  FunctionEmitter& emitter_;
  const ptx::Instruction& instruction_;
  bool uniform_ = false;
};

}  // namespace doppel::jit
