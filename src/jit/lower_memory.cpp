// SPDX-License-Identifier: Apache-2.0
// Loads, stores and what goes with them (PTX ISA 9.7.9).
#include "jit/launch_context.h"
#include "jit/lower.h"
#include "jit/memory_access.h"

namespace doppel::jit {

using ir::MemorySemantics;
using ir::Op;
using ir::Operand;
using ir::Operation;
using llvm::Value;

namespace {

void fence_before_store(FunctionEmitter& emitter, const ir::Access& access) {
  if (access.semantics == MemorySemantics::Release || access.semantics == MemorySemantics::SeqCst)
    emitter.b().CreateFence(llvm::AtomicOrdering::Release);
}

void fence_after_load(FunctionEmitter& emitter, const ir::Access& access) {
  if (access.semantics == MemorySemantics::Acquire) emitter.b().CreateFence(llvm::AtomicOrdering::Acquire);
}

void lower_load(FunctionEmitter& emitter, const Operation& operation) {
  const ir::Access& described = operation.accesses[0];
  MemoryAccess access(emitter, operation, described);
  const std::vector<Value*> values = access.load();
  fence_after_load(emitter, described);
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Operand& target = operation.results[k];
    if (!target.is_register()) continue;
    // A wider register is filled by the sign or by zeros (PTX ISA 9.4.1).
    const int width = emitter.function().width(target.reg);
    emitter.write(target, emitter.resize(values[k], width, ir::is_signed(described.type)));
  }
}

void lower_store(FunctionEmitter& emitter, const Operation& operation) {
  const ir::Access& described = operation.accesses[0];
  std::vector<Value*> values;
  for (const Operand& source : operation.sources) {
    const Lanes lanes = emitter.read(source, described.type);
    Value* value = lanes.pattern.is_uniform() ? lanes.parts[0] : emitter.materialize(lanes);
    values.push_back(emitter.resize(value, ir::bit_width(described.type), false));
  }
  fence_before_store(emitter, described);
  MemoryAccess(emitter, operation, described).store(values);
}

}  // namespace

bool lower_memory(FunctionEmitter& emitter, const Operation& operation) {
  switch (operation.op) {
    case Op::Load:
      lower_load(emitter, operation);
      return true;
    case Op::Store:
      lower_store(emitter, operation);
      return true;
    case Op::Prefetch:
    case Op::CacheHint:
      return true;  // hints without effect on results
    case Op::CachePolicy:
      emitter.write(operation.results[0], emitter.i64(0));  // opaque: only hints read it
      return true;
    case Op::ToGeneric:
    case Op::FromGeneric: {
      // Reached where the address has no lane pattern; lower_pattern takes the rest.
      const Lanes base = emitter.launch().window_base(operation.attributes.space);
      const int bits = ir::bit_width(operation.type);
      Value* address = emitter.resize(emitter.read_vector(operation.sources[0], operation.type), 64, false);
      if (!base.parts.empty()) {
        Value* start = emitter.materialize(base);
        address = operation.op == Op::FromGeneric ? emitter.b().CreateSub(address, start)
                                                  : emitter.b().CreateAdd(address, start);
      }
      emitter.write(operation.results[0], emitter.resize(address, bits, false));
      return true;
    }
    case Op::Fence:
      // A block's warps share one host thread, so only other blocks and the host need the fence; it keeps the
      // compiler's order too.
      if (operation.attributes.scope == ir::Scope::Cta) {
        emitter.b().CreateFence(llvm::AtomicOrdering::SequentiallyConsistent, llvm::SyncScope::SingleThread);
      } else {
        emitter.b().CreateFence(llvm::AtomicOrdering::SequentiallyConsistent);
      }
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::jit
