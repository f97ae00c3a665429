// Loads, stores and what goes with them (PTX ISA 9.7.9).
#include "jit/lower.h"
#include "jit/memory_access.h"

namespace doppel::jit {

using llvm::Value;
using ptx::Instruction;
using ptx::MemorySemantics;
using ptx::Opcode;
using ptx::Operand;

namespace {

void fence_before(FunctionEmitter& emitter, const Instruction& instruction, bool is_store) {
  const MemorySemantics semantics = instruction.modifiers.semantics;
  if (is_store && (semantics == MemorySemantics::Release || semantics == MemorySemantics::SeqCst)) {
    emitter.b().CreateFence(llvm::AtomicOrdering::Release);
  }
}

void fence_after(FunctionEmitter& emitter, const Instruction& instruction) {
  if (instruction.modifiers.semantics == MemorySemantics::Acquire)
    emitter.b().CreateFence(llvm::AtomicOrdering::Acquire);
}

bool lower_load(FunctionEmitter& emitter, const Instruction& instruction) {
  const int bits = ptx::bit_width(instruction.type);
  const Operand& destination = instruction.operands[0];
  const bool is_vector = destination.kind == Operand::Kind::Vector;
  const int elements = is_vector ? static_cast<int>(destination.elements.size()) : 1;
  MemoryAccess access(emitter, instruction, instruction.operands[1], bits, elements);
  const std::vector<Value*> values = access.load();
  fence_after(emitter, instruction);
  for (int k = 0; k < elements; ++k) {
    const Operand& target = is_vector ? destination.elements[static_cast<std::size_t>(k)] : destination;
    if (target.kind == Operand::Kind::Sink) continue;
    // A wider register is filled by the sign or by zeros (PTX ISA 9.4.1).
    const int width = ptx::bit_width(emitter.function().registers[target.reg].type);
    emitter.write(
        target, emitter.resize(values[static_cast<std::size_t>(k)], width, ptx::is_signed(instruction.type)));
  }
  return true;
}

bool lower_store(FunctionEmitter& emitter, const Instruction& instruction) {
  const int bits = ptx::bit_width(instruction.type);
  const Operand& source = instruction.operands[1];
  const bool is_vector = source.kind == Operand::Kind::Vector;
  const int elements = is_vector ? static_cast<int>(source.elements.size()) : 1;
  std::vector<Value*> values;
  for (int k = 0; k < elements; ++k) {
    const Operand& operand = is_vector ? source.elements[static_cast<std::size_t>(k)] : source;
    const Lanes lanes = emitter.read(operand, instruction.type);
    Value* value = lanes.pattern.is_uniform() ? lanes.parts[0] : emitter.materialize(lanes);
    values.push_back(emitter.resize(value, bits, false));
  }
  fence_before(emitter, instruction, true);
  MemoryAccess access(emitter, instruction, instruction.operands[0], bits, elements);
  access.store(values);
  return true;
}

}  // namespace

bool lower_memory(FunctionEmitter& emitter, const Instruction& instruction) {
  switch (instruction.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu:
      return lower_load(emitter, instruction);
    case Opcode::St:
      return lower_store(emitter, instruction);
    case Opcode::Prefetch:
    case Opcode::Prefetchu:
    case Opcode::Applypriority:
    case Opcode::Discard:
      return true;  // hints without effect on results
    case Opcode::Createpolicy:
      emitter.write(instruction.operands[0], emitter.i64(0));  // opaque: only hints read it
      return true;
    case Opcode::Cvta: {
      // Reached where the address has no lane pattern; lower_pattern takes the rest.
      const Lanes base = emitter.window_base(instruction.modifiers.space);
      const int bits = ptx::bit_width(instruction.type);
      Value* address =
          emitter.resize(emitter.read_vector(instruction.operands[1], instruction.type), 64, false);
      if (!base.parts.empty()) {
        Value* start = emitter.materialize(base);
        address = instruction.modifiers.to ? emitter.b().CreateSub(address, start)
                                           : emitter.b().CreateAdd(address, start);
      }
      emitter.write(instruction.operands[0], emitter.resize(address, bits, false));
      return true;
    }
    case Opcode::Membar:
      // A block's warps share one host thread, so only other blocks and the host need the fence; it keeps the
      // compiler's order too.
      if (instruction.modifiers.scope == ptx::Scope::Cta) {
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
