#include "jit/lower.h"
namespace doppel::jit {
bool lower_transcendental(FunctionEmitter&, const ptx::Instruction&) { return false; }
bool lower_atomic(FunctionEmitter&, const ptx::Instruction&) { return false; }
bool lower_call(FunctionEmitter&, const ptx::Instruction&) { return false; }
}  // namespace doppel::jit
