// SPDX-License-Identifier: Apache-2.0
// Moves, special registers, conversions between whole numbers, addresses.
#include <algorithm>

#include "machine/operation_selection.h"

namespace doppel::machine {

using ir::Op;
using ir::Operand;
using ir::Operation;
using ir::Type;

namespace {

void select_copy(OperationBuilder& b, const Operation& in) {
  const ValueId result = b.result_of(in);
  const std::vector<ValueId> sources = source_values(b, in);
  if (in.sources[0].kind == Operand::Kind::Special) {
    b.emit(in, "S2R", Pipe::SpecialRegister, result, sources);
    return;
  }
  // Joined with its source: nothing to do.
  if (!in.guard && sources.size() == 1 && sources[0] == result) return;
  if (in.op == Op::Pack || in.op == Op::Unpack) {
    // Halves packed into one register, or cut out of it.
    const bool moved = std::ranges::any_of(sources, [&](ValueId source) { return source != result; });
    if (moved) b.emit(in, "PRMT", Pipe::Alu, result, sources);
    return;
  }
  const bool predicate = in.type == Type::Pred;
  const int halves = predicate ? 1 : std::max(1, ir::bit_width(in.type) / 32);
  b.chain(in, {{predicate ? "PLOP3" : "MOV", Pipe::Alu, halves}}, result, sources);
}

}  // namespace

void select_move(OperationBuilder& b, const Operation& in) {
  switch (in.op) {
    case Op::Mov:
    case Op::Pack:
    case Op::Unpack:
    case Op::ToGeneric:
    case Op::FromGeneric:
      select_copy(b, in);
      return;
    case Op::IConvert: {
      if (is_copy(in)) {
        select_copy(b, in);
        return;
      }
      // The sign in the upper half, or bytes.
      const bool wide = ir::bit_width(in.type) == 64 || ir::bit_width(in.source_type) == 64;
      b.emit(in, wide ? "SHF" : "PRMT", Pipe::Alu, b.result_of(in), source_values(b, in));
      return;
    }
    case Op::MapShared:
      b.emit(in, "PRMT", Pipe::Alu, b.result_of(in), source_values(b, in));
      return;
    case Op::SharedRank:
      b.emit(in, "SHF", Pipe::Alu, b.result_of(in), source_values(b, in));
      return;
    case Op::InSpace:
      b.chain(in, {{"LOP3", Pipe::Alu}, {"ISETP", Pipe::Alu}}, b.result_of(in), source_values(b, in));
      return;
    default:
      b.no_rule(in);
  }
}

}  // namespace doppel::machine
