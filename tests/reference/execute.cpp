// SPDX-License-Identifier: Apache-2.0
#include "reference/execute.h"

#include <array>

#include "reference/evaluate.h"
#include "reference/integer_ops.h"
#include "reference/operands.h"
#include "reference/selection.h"

namespace doppel::reference {

using ptx::Opcode;
using ptx::Operand;

namespace {

bool guard_passes(const Thread& thread, const ptx::Instruction& in) {
  if (!in.guard) return true;
  return (thread.frame().registers[in.guard->predicate] != 0) != in.guard->negated;
}

// mov, with packing and unpacking of vectors (9.7.9.4).
void move(Block& block, Thread& thread, const ptx::Instruction& in) {
  const Operand& to = in.operands.at(0);
  const Operand& from = in.operands.at(1);
  const int width = ptx::bit_width(in.type);
  std::uint64_t value = 0;
  if (from.kind == Operand::Kind::Vector) {
    const int part = width / static_cast<int>(from.elements.size());
    for (std::size_t i = 0; i < from.elements.size(); ++i) {
      value |= low_bits(read(block, thread, from.elements[i]), part) << (part * static_cast<int>(i));
    }
  } else {
    value = read(block, thread, from);
  }
  if (to.kind != Operand::Kind::Vector) {
    write(thread, to, low_bits(value, width));
    return;
  }
  const int part = width / static_cast<int>(to.elements.size());
  for (std::size_t i = 0; i < to.elements.size(); ++i) {
    write(thread, to.elements[i], low_bits(value >> (part * static_cast<int>(i)), part));
  }
}

void compute(Block& block, Thread& thread, const ptx::Instruction& in) {
  std::array<std::uint64_t, 5> values{};
  const std::size_t count = in.operands.size() - 1;
  for (std::size_t i = 0; i < count; ++i) values.at(i) = read(block, thread, in.operands[i + 1]);
  const auto sources = std::span(values).first(count);
  if (in.opcode == Opcode::Setp) {
    const PredicatePair result = set_predicate(in, sources);
    write(thread, in.operands[0], result.first ? 1 : 0);
    if (in.second_destination) write(thread, *in.second_destination, result.second ? 1 : 0);
    return;
  }
  const std::uint64_t result = evaluate(in, sources, thread.frame().carry);
  if (in.opcode == Opcode::Cvt && !ptx::is_packed(in.type)) {
    write_extended(thread, in.operands[0], result, in.type);
  } else if (in.opcode == Opcode::Lop3 && in.second_destination) {
    // lop3.BoolOp d|p, a, b, c, lut, q: p = (d != 0) BoolOp q (9.7.8.6)
    const bool q = values.at(count - 1) != 0;
    write(thread, in.operands[0], result);
    write(thread, *in.second_destination,
          in.modifiers.bool_op == ptx::BoolOp::And ? result != 0 && q : result != 0 || q);
  } else {
    write(thread, in.operands[0], result);
  }
}

}  // namespace

void step(Block& block, Thread& thread) {
  ++thread.steps;
  Frame& frame = thread.frame();
  if (frame.next >= frame.function->instructions.size()) {  // the end of the text returns
    ptx::Instruction ret;
    ret.opcode = Opcode::Ret;
    execute_control(block, thread, ret);
    return;
  }
  const ptx::Instruction& in = frame.function->instructions[frame.next];
  if (!guard_passes(thread, in)) {
    ++frame.next;
    return;
  }
  switch (in.opcode) {
    case Opcode::Bra:
    case Opcode::BrxIdx:
    case Opcode::Call:
    case Opcode::Ret:
    case Opcode::Exit:
      execute_control(block, thread, in);
      return;  // they move `next` themselves
    case Opcode::Trap:
    case Opcode::Brkpt:
      throw Fault("trap");
    case Opcode::Shfl:
    case Opcode::Vote:
    case Opcode::Match:
    case Opcode::Redux:
    case Opcode::BarWarpSync:
    case Opcode::Elect:
    case Opcode::Movmatrix:
    case Opcode::Mma:
    case Opcode::Ldmatrix:
    case Opcode::Stmatrix:
      thread.wait = Wait::WarpOperation;
      settle_warp(block, thread);
      return;
    case Opcode::Activemask:
      thread.wait = Wait::ActiveMask;
      return;
    case Opcode::Bar:
      arrive_at_barrier(block, thread, in);
      return;
    case Opcode::BarrierCluster:
      execute_cluster(block, thread, in);
      if (thread.wait != Wait::None) return;
      break;
    case Opcode::Mapa:
    case Opcode::Getctarank:
    case Opcode::StAsync:
    case Opcode::RedAsync:
    case Opcode::StBulk:
    case Opcode::ClusterlaunchcontrolTryCancel:
      execute_cluster(block, thread, in);
      break;
    case Opcode::Atom:
    case Opcode::Red:
      execute_atomic(block, thread, in);
      break;
    case Opcode::Ld:
    case Opcode::Ldu:
    case Opcode::St:
    case Opcode::Cvta:
    case Opcode::Isspacep:
      execute_memory(block, thread, in);
      break;
    case Opcode::CpAsync:
    case Opcode::CpAsyncCommitGroup:
    case Opcode::CpAsyncWaitGroup:
    case Opcode::CpAsyncWaitAll:
      execute_copy(block, thread, in);
      break;
    case Opcode::Mbarrier:
    case Opcode::MbarrierWait:
    case Opcode::CpAsyncMbarrierArrive:
      execute_mbarrier(block, thread, in);
      break;
    case Opcode::CpAsyncBulk:
      execute_bulk_copy(block, thread, in);
      break;
    case Opcode::CpAsyncBulkTensor:
      execute_tensor_copy(block, thread, in);
      break;
    case Opcode::CpAsyncBulkCommitGroup:
    case Opcode::CpAsyncBulkWaitGroup:
    case Opcode::CpAsyncBulkPrefetch:
    case Opcode::CpAsyncBulkPrefetchTensor:
      break;
    // Nothing that a program can see in its results: there is one thread at a time, and no cache.
    case Opcode::Membar:
    case Opcode::Nanosleep:
    case Opcode::Prefetch:
    case Opcode::Prefetchu:
    case Opcode::Applypriority:
    case Opcode::Discard:
    case Opcode::Pmevent:
    case Opcode::Griddepcontrol:
    case Opcode::Setmaxnreg:
      break;
    case Opcode::Mov:
      move(block, thread, in);
      break;
    default:
      compute(block, thread, in);
      break;
  }
  ++thread.frame().next;
}

}  // namespace doppel::reference
