// SPDX-License-Identifier: Apache-2.0
// Exchange between the lanes of a warp.
#include "machine/operation_selection.h"

namespace doppel::machine {

using ir::Op;
using ir::Operation;

void select_warp(OperationBuilder& b, const Operation& in) {
  const std::vector<ValueId> sources = source_values(b, in);
  const ValueId result = b.result_of(in);
  const auto add_second = [&](MachineOperation& operation) {
    if (in.results.size() > 1) b.add_result(operation, b.value_of(in.results[1]));
  };
  switch (in.op) {
    case Op::Shuffle:
      add_second(b.emit(in, "SHFL", Pipe::Shuffle, result, sources));
      return;
    case Op::Vote:
    case Op::ActiveMask:
      b.emit(in, "VOTE", Pipe::Vote, result, sources);
      return;
    case Op::MatrixTranspose:
      b.emit(in, "MOVM", Pipe::Shuffle, result, sources);
      return;
    case Op::Match:
      add_second(b.emit(in, "MATCH", Pipe::WarpReduce, result, sources));
      return;
    case Op::Redux:
      b.emit(in, "REDUX", Pipe::WarpReduce, result, sources);
      return;
    case Op::Elect:
      add_second(b.emit(in, "ELECT", Pipe::Alu, result, sources));
      return;
    default:
      b.no_rule(in);
  }
}

}  // namespace doppel::machine
