// SPDX-License-Identifier: Apache-2.0
// Loads, stores, atomics and fences.
#include <algorithm>

#include "machine/operation_selection.h"

namespace doppel::machine {
namespace {

using ir::Access;
using ir::AtomicOp;
using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::Space;
using ir::Type;

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

MachineOperation& emit_access(OperationBuilder& b, const Operation& in, const char* mnemonic,
                              MemorySpace space, std::uint32_t bytes, bool is_store, ValueId result,
                              const std::vector<ValueId>& sources) {
  MachineOperation& operation = b.emit(in, mnemonic, Pipe::Memory, result, sources);
  b.add_access(operation, {space, is_store, bytes});
  return operation;
}

// Shared memory has no floating-point adder: a loop of load, add, compare-and-swap; its usual single turn.
bool needs_swap_loop(const Operation& in, MemorySpace space) {
  return space == MemorySpace::Shared &&
         (in.attributes.atomic_op == AtomicOp::Add || in.attributes.atomic_op == AtomicOp::Min ||
          in.attributes.atomic_op == AtomicOp::Max) &&
         ir::is_float(in.type);
}

FenceScope fence_scope(ir::Scope scope) {
  switch (scope) {
    case ir::Scope::Cta:
      return FenceScope::Block;
    case ir::Scope::Sys:
      return FenceScope::System;
    default:
      return FenceScope::Device;
  }
}

void select_fence(OperationBuilder& b, const Operation& in) {
  MachineOperation& operation = b.emit(in, "MEMBAR", Pipe::Fence, kNoValue, {});
  operation.fence = fence_scope(in.attributes.scope);
  if (operation.fence != FenceScope::Block)
    b.chain(in, {{"ERRBAR", Pipe::Branch}, {"CCTL", Pipe::Branch}}, kNoValue, {});
}

// What the assembler (13.0, sm_86 and sm_120) makes of the order that an access has among others, beside the
// access: before one that releases a fence of its scope; behind one that acquires, when its value is there,
// the L1's lines are given up. Neither for shared memory.
bool is_ordered(const Access& access) {
  return space_of(access.space) == MemorySpace::Global && access.space != Space::Param &&
         access.space != Space::Const;
}

void release_before(OperationBuilder& b, const Operation& in) {
  const Access& access = in.accesses[0];
  const bool releases =
      access.semantics == ir::MemorySemantics::Release || access.semantics == ir::MemorySemantics::AcqRel;
  if (!releases || !is_ordered(access)) return;
  MachineOperation& fence = b.emit(in, "MEMBAR", Pipe::Fence, kNoValue, {});
  fence.fence = fence_scope(access.scope);
  if (fence.fence != FenceScope::Block) b.emit(in, "ERRBAR", Pipe::Branch, kNoValue, {});
}

void acquire_behind(OperationBuilder& b, const Operation& in, ValueId value) {
  const Access& access = in.accesses[0];
  const bool acquires =
      access.semantics == ir::MemorySemantics::Acquire || access.semantics == ir::MemorySemantics::AcqRel;
  if (!acquires || !is_ordered(access) || fence_scope(access.scope) == FenceScope::Block) return;
  std::vector<ValueId> awaited;
  if (value != kNoValue) awaited.push_back(value);
  b.emit(in, "CCTL.IVALL", Pipe::Branch, kNoValue, awaited);
}

void select_load(OperationBuilder& b, const Operation& in) {
  const Access& access = in.accesses[0];
  const MemorySpace space = space_of(access.space);
  const std::vector<ValueId> sources = source_values(b, in);
  const ValueId result = b.result_of(in);
  if (access.space == Space::Param) {
    // A device function's parameters travel in registers; a kernel's are constants. Indexed ones are loaded.
    if (!b.function().is_kernel || access.address.base != ir::Address::Base::Register) {
      if (result != kNoValue) b.emit(in, "MOV", Pipe::Alu, result, {});
      return;
    }
    b.emit(in, "LDC", Pipe::ConstantLoad, result, sources);
    return;
  }
  if (access.space == Space::Const) {
    b.emit(in, "LDC", Pipe::ConstantLoad, result, sources);
    return;
  }
  if (b.merged != nullptr && b.merged->leader[b.current] != b.current) {
    // Done by a wide load already; its event is passed over.
    b.block().access_instructions.push_back(b.current);
    ++b.block().accesses;
    return;
  }
  const bool merged = b.merged != nullptr && b.merged->bytes[b.current] != 0;
  const std::uint32_t bytes = merged ? b.merged->bytes[b.current] : access.bytes();
  MachineOperation& operation = emit_access(b, in, load_name(space, access.space == Space::Generic), space,
                                            bytes, false, result, sources);
  operation.bypasses_l1 =
      access.cache == ir::CacheOp::Cg || access.cache == ir::CacheOp::Cv || access.is_strong();
  // Elements of a vector that are not one value.
  for (const ir::Operand& element : in.results) b.add_result(operation, b.value_of(element));
  acquire_behind(b, in, result);
}

// One operation, with 16 bytes of each lane that addresses a row: eight of them are a pass of shared memory
// where no two are in one bank, as of any access of 16 bytes.
void select_matrix_load(OperationBuilder& b, const Operation& in) {
  const Access& access = in.accesses[0];
  MachineOperation& operation = emit_access(b, in, "LDSM", space_of(access.space), access.bytes(), false,
                                            b.result_of(in), source_values(b, in));
  for (const ir::Operand& element : in.results) b.add_result(operation, b.value_of(element));
}

void select_atomic(OperationBuilder& b, const Operation& in) {
  const bool reduction = in.op == Op::Reduce;
  const MemorySpace space = space_of(in.accesses[0].space);
  const std::uint32_t bytes = in.accesses[0].bytes();
  const ValueId result = reduction ? kNoValue : b.result_of(in);
  const std::vector<ValueId> sources = source_values(b, in);
  if (needs_swap_loop(in, space)) {
    const ValueId old = b.new_value(1), sum = b.new_value(1);
    b.emit(in, "BSSY", Pipe::Branch, kNoValue, {});
    // The load touches what the swap touches; the swap carries the event.
    b.add_untraced_access(b.emit(in, "LDS", Pipe::Memory, old, sources), {space, false, bytes});
    std::vector<ValueId> inputs = sources;
    inputs.push_back(old);
    b.emit(in, "FADD", Pipe::Fp32, sum, inputs, 1);
    inputs.push_back(sum);
    const ValueId done = b.new_value(0);
    MachineOperation& swap = emit_access(b, in, "ATOMS.CAST", space, bytes, false, done, inputs);
    swap.is_atomic = true;
    swap.swap_loop = true;
    swap.is_predicate = false;
    b.emit(in, "ISETP", Pipe::Alu, b.new_value(0), {done});
    b.emit(in, "BRA", Pipe::Branch, kNoValue, {done});
    b.emit(in, "BSYNC", Pipe::Branch, result, {});
    return;
  }
  const char* const name = space == MemorySpace::Shared ? "ATOMS" : reduction ? "RED" : "ATOMG";
  release_before(b, in);
  MachineOperation& operation = emit_access(b, in, name, space, bytes, reduction, result, sources);
  operation.is_atomic = true;
  for (const ir::Operand& element : in.results) b.add_result(operation, b.value_of(element));
  acquire_behind(b, in, result);
}

// One operation that loads and stores; what it reads does not pass through registers (ptxas 13.0: LDGSTS,
// LDGDEPBAR, DEPBAR.LE SB0, n).
void select_async_copy(OperationBuilder& b, const Operation& in) {
  const Access &to = in.accesses[0], &from = in.accesses[1];
  MachineOperation& operation =
      emit_access(b, in, from.cache == ir::CacheOp::Cg ? "LDGSTS.BYPASS" : "LDGSTS", space_of(to.space),
                  to.bytes(), true, kNoValue, source_values(b, in));
  b.add_access(operation, {space_of(from.space), false, from.bytes()});
  operation.bypasses_l1 = from.cache == ir::CacheOp::Cg;
  operation.asynchronous = Asynchronous::Joins;
}

void select_async_commit(OperationBuilder& b, const Operation& in) {
  b.emit(in, "LDGDEPBAR", Pipe::Nop, kNoValue, {}).asynchronous = Asynchronous::Closes;
}

// Of all copies, too, a group is made first.
void select_async_wait(OperationBuilder& b, const Operation& in) {
  if (in.sources.empty()) select_async_commit(b, in);
  MachineOperation& wait = b.emit(in, "DEPBAR.LE", Pipe::Nop, kNoValue, {});
  wait.asynchronous = Asynchronous::Waits;
  if (!in.sources.empty()) wait.pending_groups = static_cast<std::uint32_t>(in.sources[0].immediate);
}

// A unit of its own moves the bytes; one instruction does for a whole copy.
void select_bulk_copy(OperationBuilder& b, const Operation& in) {
  const Access &to = in.accesses[0], &from = in.accesses[1];
  const bool loads = from.space == ir::Space::Global, stores = to.space == ir::Space::Global;
  const bool reduces = in.attributes.atomic_op != AtomicOp::None;
  MachineOperation& operation =
      b.emit(in, reduces ? "UBLKRED" : "UBLKCP", loads || stores ? Pipe::Memory : Pipe::Nop, kNoValue,
             source_values(b, in));
  if (loads || stores) b.add_access(operation, {MemorySpace::Global, stores, 16});
  operation.is_bulk = true;
  operation.bypasses_l1 = true;
  if (stores) {
    operation.asynchronous = Asynchronous::Joins;
  } else {
    operation.phase = PhaseStep::ArrivesWithCopy;
  }
}

// The same, of a tensor's box (ptxas 13.0: UTMALDG, UTMASTG, UTMAREDG).
void select_tensor_copy(OperationBuilder& b, const Operation& in) {
  const bool loads = in.accesses[0].completion == ir::Completion::Mbarrier;
  const char* const name = loads                                       ? "UTMALDG"
                           : in.attributes.atomic_op != AtomicOp::None ? "UTMAREDG"
                                                                       : "UTMASTG";
  MachineOperation& operation = b.emit(in, name, Pipe::Memory, kNoValue, source_values(b, in));
  b.add_access(operation, {MemorySpace::Global, !loads, 16});
  operation.is_bulk = true;
  operation.bypasses_l1 = true;
  if (loads) {
    operation.phase = PhaseStep::ArrivesWithCopy;
  } else {
    operation.asynchronous = Asynchronous::Joins;
  }
}

void select_bulk_group(OperationBuilder& b, const Operation& in) {
  const bool waits = in.op == Op::BulkWait;
  MachineOperation& operation = b.emit(in, waits ? "DEPBAR.LE" : "UTMACMDFLUSH", Pipe::Nop, kNoValue, {});
  operation.is_bulk = true;
  operation.asynchronous = waits ? Asynchronous::Waits : Asynchronous::Closes;
  if (waits) operation.pending_groups = static_cast<std::uint32_t>(in.sources[0].immediate);
}

// The names that the assembler has for them on sm_86; later ones have a unit of their own (SYNCS).
void select_mbarrier(OperationBuilder& b, const Operation& in) {
  const Access& access = in.accesses[0];
  const bool makes = in.attributes.barrier_step == ir::BarrierStep::Init ||
                     in.attributes.barrier_step == ir::BarrierStep::Invalidate;
  if (makes) {
    emit_access(b, in, "STS.64", MemorySpace::Shared, access.bytes(), true, kNoValue, source_values(b, in));
    return;
  }
  const bool copies = in.attributes.barrier_step == ir::BarrierStep::Copies ||
                      in.attributes.barrier_step == ir::BarrierStep::CopiesCounted;
  MachineOperation& operation = emit_access(
      b, in, copies ? "ARRIVES.LDGSTSBAR.64" : "ATOMS.ARRIVE.64", MemorySpace::Shared, access.bytes(), false,
      in.results.empty() ? kNoValue : b.result_of(in), source_values(b, in));
  operation.is_atomic = true;
  operation.combines = true;
  operation.phase = copies ? PhaseStep::ArrivesBehindCopies : PhaseStep::Arrives;
}

void select_mbarrier_test(OperationBuilder& b, const Operation& in) {
  MachineOperation& operation = emit_access(b, in, "LDS.64", MemorySpace::Shared, in.accesses[0].bytes(),
                                            false, b.result_of(in), source_values(b, in));
  operation.phase = PhaseStep::Waits;
}

// ptxas 13.0: STAS, REDAS.
void select_async_store(OperationBuilder& b, const Operation& in) {
  const char* const name = in.op == Op::LaunchCancel                       ? "UGETNEXTWORKID"
                           : in.attributes.atomic_op != ir::AtomicOp::None ? "REDAS"
                                                                           : "STAS";
  MachineOperation& operation = emit_access(b, in, name, MemorySpace::Shared, in.accesses[0].bytes(), true,
                                            kNoValue, source_values(b, in));
  operation.phase = PhaseStep::Arrives;
}

}  // namespace

void select_memory(OperationBuilder& b, const Operation& in) {
  switch (in.op) {
    case Op::Load:
      select_load(b, in);
      return;
    case Op::Store: {
      const Space space = in.accesses[0].space;
      if (space == Space::Param) return;  // an argument: in registers
      const char* const name = store_name(space_of(space), space == Space::Generic);
      release_before(b, in);
      emit_access(b, in, name, space_of(space), in.accesses[0].bytes(), true, kNoValue, source_values(b, in));
      return;
    }
    case Op::MatrixLoad:
      select_matrix_load(b, in);
      return;
    case Op::MatrixStore:
      emit_access(b, in, "STSM", space_of(in.accesses[0].space), in.accesses[0].bytes(), true, kNoValue,
                  source_values(b, in));
      return;
    case Op::BulkCopy:
      select_bulk_copy(b, in);
      return;
    case Op::TensorCopy:
      select_tensor_copy(b, in);
      return;
    case Op::AsyncStore:
    case Op::LaunchCancel:
      select_async_store(b, in);
      return;
    case Op::BulkFill:
      b.add_untraced_access(b.emit(in, "UBLKFILL", Pipe::Memory, kNoValue, source_values(b, in)),
                            {MemorySpace::Shared, true, 16});
      return;
    case Op::BulkCommit:
    case Op::BulkWait:
      select_bulk_group(b, in);
      return;
    case Op::Mbarrier:
      select_mbarrier(b, in);
      return;
    case Op::MbarrierTest:
      select_mbarrier_test(b, in);
      return;
    case Op::AsyncCopy:
      select_async_copy(b, in);
      return;
    case Op::AsyncCommit:
      select_async_commit(b, in);
      return;
    case Op::AsyncWait:
      select_async_wait(b, in);
      return;
    case Op::Atomic:
    case Op::Reduce:
      select_atomic(b, in);
      return;
    case Op::Fence:
      select_fence(b, in);
      return;
    case Op::Prefetch:
    case Op::CacheHint:
      b.emit(in, "CCTL", Pipe::Branch, kNoValue, source_values(b, in));
      return;
    case Op::CachePolicy:
      b.emit(in, "MOV", Pipe::Alu, b.result_of(in), source_values(b, in));
      return;
    default:
      b.no_rule(in);
  }
}

}  // namespace doppel::machine
