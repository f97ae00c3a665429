// SPDX-License-Identifier: Apache-2.0
// The lowering of each group of instructions: one file a group. Each function returns false for a form that
// is not its own.
#pragma once

#include "jit/function_emitter.h"

namespace doppel::jit {

// Dispatches by opcode; throws Unsupported where no group takes the form.
void lower(FunctionEmitter& emitter, const ir::Operation& operation);
// By the arithmetic of lane patterns, with scalar operations only; false where an operand or the result has
// no pattern.
bool lower_pattern(FunctionEmitter& emitter, const ir::Operation& operation);

bool lower_integer(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_bits(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_float(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_transcendental(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_compare(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_convert(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_move(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_memory(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_matrix_memory(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_asynchronous(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_texture(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_atomic(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_warp(FunctionEmitter& emitter, const ir::Operation& operation);
bool lower_call(FunctionEmitter& emitter, const ir::Operation& operation);

Lanes read_special(FunctionEmitter& emitter, const ir::Operand& operand);

// Sources of an operation that works lane by lane: scalars where every source is uniform, else
// vectors.
class Sources {
 public:
  Sources(FunctionEmitter& emitter, const ir::Operation& operation, bool force_vector = false);
  bool uniform() const { return uniform_; }
  // Source i, as an integer of the type's width.
  llvm::Value* operator()(std::size_t i, ir::Type type) const;

 private:
  FunctionEmitter& emitter_;
  const ir::Operation& operation_;
  bool uniform_ = false;
};

}  // namespace doppel::jit
