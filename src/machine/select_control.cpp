// SPDX-License-Identifier: Apache-2.0
// Branches, calls, barriers.
#include "machine/operation_selection.h"

namespace doppel::machine {

using ir::Op;
using ir::Operand;
using ir::Operation;

namespace {

void select_call(OperationBuilder& b, const Operation& in) {
  std::vector<ValueId> sources;
  const bool indirect = !in.callee->function;
  for (std::size_t i = indirect ? 1 : 0; i < in.sources.size(); ++i)
    add_operand_value(b, in.sources[i], sources);
  if (indirect) add_operand_value(b, in.sources[0], sources);
  // The return address is set, then the jump.
  b.emit(in, "MOV", Pipe::Alu, b.new_value(2), {});
  MachineOperation& call = b.emit(in, "CALL", Pipe::Branch, kNoValue, sources);
  call.is_call = true;
  call.is_branch = true;
  for (const Operand& result : in.results) b.add_result(call, b.value_of(result));
}

}  // namespace

void select_control(OperationBuilder& b, const Operation& in) {
  switch (in.op) {
    case Op::Branch:
      b.emit(in, "BRA", Pipe::Branch, kNoValue, {}).is_branch = true;
      return;
    case Op::BranchTable: {
      const std::vector<ValueId> sources = source_values(b, in);
      b.emit(in, "LDC", Pipe::ConstantLoad, b.new_value(1), sources);
      b.emit(in, "BRX", Pipe::Branch, kNoValue, sources).is_branch = true;
      return;
    }
    case Op::Call:
      select_call(b, in);
      return;
    case Op::Return: {
      const bool is_kernel = b.function().is_kernel;
      MachineOperation& operation = b.emit(in, is_kernel ? "EXIT" : "RET", Pipe::Branch, kNoValue, {});
      operation.is_return = !is_kernel;
      operation.ends_warp = is_kernel;
      return;
    }
    case Op::Exit:
    case Op::Trap:
      b.emit(in, "EXIT", Pipe::Branch, kNoValue, {}).ends_warp = true;
      return;
    case Op::Barrier:
      b.emit(in, "BAR.SYNC", Pipe::Barrier, kNoValue, source_values(b, in));
      return;
    case Op::BarrierArrive:
      b.emit(in, "BAR.ARV", Pipe::Branch, kNoValue, source_values(b, in));
      return;
    case Op::ClusterArrive:
      b.emit(in, "UCGABAR_ARV", Pipe::Branch, kNoValue, {});
      return;
    case Op::ClusterWait:
      b.emit(in, "UCGABAR_WAIT", Pipe::Barrier, kNoValue, {});
      return;
    case Op::RegisterCount:
      b.emit(in, "USETMAXREG", Pipe::Branch, kNoValue, {});
      return;
    case Op::BarrierReduce:
      b.emit(in, "BAR.SYNC", Pipe::Barrier, kNoValue, source_values(b, in));
      b.emit(in, "B2R", Pipe::SpecialRegister, b.result_of(in), {});
      return;
    case Op::ConvergeSet:
      b.emit(in, "BSSY", Pipe::Branch, kNoValue, {});
      return;
    case Op::ConvergeBreak:
      b.emit(in, "BREAK", Pipe::Branch, kNoValue, {});
      return;
    case Op::ConvergeWait:
      b.emit(in, "BSYNC", Pipe::Branch, kNoValue, {});
      return;
    case Op::Yield:
      b.emit(in, "YIELD", Pipe::Nop, kNoValue, {});
      return;
    case Op::WarpSync:
      b.emit(in, "WARPSYNC", Pipe::Branch, kNoValue, {});
      return;
    case Op::Nanosleep:
      b.emit(in, "NANOSLEEP", Pipe::Nop, kNoValue, source_values(b, in));
      return;
    case Op::PerformanceEvent:
    case Op::GridDependency:
      b.emit(in, "NOP", Pipe::Nop, kNoValue, {});
      return;
    default:
      b.no_rule(in);
  }
}

}  // namespace doppel::machine
