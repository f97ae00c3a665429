// Loads, stores, atomics and fences.
#include <algorithm>

#include "kernel/operation_selection.h"

namespace doppel::kernel {
namespace {

using ptx::AtomicOp;
using ptx::Instruction;
using ptx::MemorySemantics;
using ptx::Opcode;
using ptx::Operand;
using ptx::Space;
using ptx::Type;

MemorySpace space_of(Space space) {
  switch (space) {
    case Space::Shared:
    case Space::SharedCluster:
      return MemorySpace::Shared;
    case Space::Local:
      return MemorySpace::Local;
    default:
      return MemorySpace::Global;
  }
}

const char* load_name(MemorySpace space, bool generic) {
  return space == MemorySpace::Shared ? "LDS" : space == MemorySpace::Local ? "LDL" : generic ? "LD" : "LDG";
}
const char* store_name(MemorySpace space, bool generic) {
  return space == MemorySpace::Shared ? "STS" : space == MemorySpace::Local ? "STL" : generic ? "ST" : "STG";
}

MachineOperation& emit_access(OperationBuilder& b, const Instruction& in, const char* mnemonic,
                              MemorySpace space, ValueId result, const std::vector<ValueId>& sources) {
  MachineOperation& operation = b.emit(in, mnemonic, Pipe::Memory, result, sources);
  operation.space = space;
  operation.bytes_per_lane =
      static_cast<std::uint8_t>(std::min(255, ptx::byte_size(in.type) * in.modifiers.vector));
  operation.access = static_cast<std::uint16_t>(b.block().accesses++);
  b.block().access_instructions.push_back(b.current);
  return operation;
}

// Shared memory has no floating-point adder: a loop of load, add, compare-and-swap; its usual single turn.
bool needs_swap_loop(const Instruction& in, MemorySpace space) {
  return space == MemorySpace::Shared &&
         (in.modifiers.atomic_op == AtomicOp::Add || in.modifiers.atomic_op == AtomicOp::Min ||
          in.modifiers.atomic_op == AtomicOp::Max) &&
         ptx::is_float(in.type);
}

void select_fence(OperationBuilder& b, const Instruction& in) {
  MachineOperation& operation = b.emit(in, "MEMBAR", Pipe::Fence, kNoValue, {});
  switch (in.modifiers.scope) {
    case ptx::Scope::Cta:
      operation.fence = FenceScope::Block;
      break;
    case ptx::Scope::Sys:
      operation.fence = FenceScope::System;
      break;
    default:
      operation.fence = FenceScope::Device;
      break;
  }
  if (operation.fence != FenceScope::Block)
    b.chain(in, {{"ERRBAR", Pipe::Branch}, {"CCTL", Pipe::Branch}}, kNoValue, {});
}

}  // namespace

bool select_memory(OperationBuilder& b, const Instruction& in) {
  const ptx::Modifiers& m = in.modifiers;
  const MemorySpace space = space_of(m.space);
  const bool generic = m.space == Space::Generic;
  switch (in.opcode) {
    case Opcode::Ld:
    case Opcode::Ldu: {
      std::vector<ValueId> sources = source_values(b, in);
      const ValueId result = b.writes(in.operands[0]);
      if (m.space == Space::Param) {
        // A device function's parameters travel in registers; a kernel's are constants. Indexed ones are
        // loaded.
        if (!b.function().is_kernel || in.operands[1].address_base != Operand::AddressBase::Register) {
          if (result != kNoValue) b.emit(in, "MOV", Pipe::Alu, result, {});
          return true;
        }
        b.emit(in, "LDC", Pipe::ConstantLoad, result, sources);
        return true;
      }
      if (m.space == Space::Const) {
        b.emit(in, "LDC", Pipe::ConstantLoad, result, sources);
        return true;
      }
      if (b.merged != nullptr && b.merged->leader[b.current] != b.current) {
        // Done by a wide load already; its event is passed over.
        b.block().access_instructions.push_back(b.current);
        ++b.block().accesses;
        return true;
      }
      MachineOperation& operation = emit_access(b, in, load_name(space, generic), space, result, sources);
      if (b.merged != nullptr && b.merged->bytes[b.current] != 0)
        operation.bytes_per_lane = b.merged->bytes[b.current];
      operation.bypasses_l1 = m.cache_op == ptx::CacheOp::Cg || m.cache_op == ptx::CacheOp::Cv ||
                              m.semantics == MemorySemantics::Volatile ||
                              m.semantics == MemorySemantics::Relaxed ||
                              m.semantics == MemorySemantics::Acquire || m.semantics == MemorySemantics::Mmio;
      // Elements of a vector that are not one value: the second, too.
      if (in.operands[0].kind == Operand::Kind::Vector) {
        for (const Operand& element : in.operands[0].elements) {
          if (element.kind == Operand::Kind::Register && b.value(element.reg) != result)
            operation.results[1] = b.value(element.reg);
        }
      }
      return true;
    }
    case Opcode::St: {
      if (m.space == Space::Param) return true;  // an argument: in registers
      MachineOperation& operation =
          emit_access(b, in, store_name(space, generic), space, kNoValue, source_values(b, in));
      operation.is_store = true;
      return true;
    }
    case Opcode::Atom:
    case Opcode::Red: {
      const bool reduction = in.opcode == Opcode::Red;
      const ValueId result = reduction ? kNoValue : b.writes(in.operands[0]);
      const std::vector<ValueId> sources = source_values(b, in);
      if (needs_swap_loop(in, space)) {
        const ValueId old = b.new_value(1), sum = b.new_value(1);
        b.emit(in, "BSSY", Pipe::Branch, kNoValue, {});
        // The load touches what the swap touches; the swap carries the event.
        MachineOperation& load = b.emit(in, "LDS", Pipe::Memory, old, sources);
        load.space = space;
        std::vector<ValueId> inputs = sources;
        inputs.push_back(old);
        b.emit(in, "FADD", Pipe::Fp32, sum, inputs, 1);
        inputs.push_back(sum);
        const ValueId done = b.new_value(0);
        MachineOperation& swap = emit_access(b, in, "ATOMS.CAST", space, done, inputs);
        swap.is_atomic = true;
        swap.swap_loop = true;
        swap.is_predicate = false;
        b.emit(in, "ISETP", Pipe::Alu, b.new_value(0), {done});
        b.emit(in, "BRA", Pipe::Branch, kNoValue, {done});
        b.emit(in, "BSYNC", Pipe::Branch, result, {});
        return true;
      }
      MachineOperation& operation = emit_access(b, in,
                                                space == MemorySpace::Shared ? "ATOMS"
                                                : reduction                  ? "RED"
                                                                             : "ATOMG",
                                                space, result, sources);
      operation.is_atomic = true;
      operation.is_store = reduction;
      return true;
    }
    case Opcode::Membar:
      select_fence(b, in);
      return true;
    case Opcode::Prefetch:
    case Opcode::Prefetchu:
    case Opcode::Discard:
    case Opcode::Applypriority:
      b.emit(in, "CCTL", Pipe::Branch, kNoValue, source_values(b, in));
      return true;
    case Opcode::Createpolicy:
      b.emit(in, "MOV", Pipe::Alu, b.writes(in.operands[0]), source_values(b, in));
      return true;
    default:
      return false;
  }
}

}  // namespace doppel::kernel
