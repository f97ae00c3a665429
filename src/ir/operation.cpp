// SPDX-License-Identifier: Apache-2.0
#include "ir/operation.h"

namespace doppel::ir {

Operand Operand::of_register(RegisterId id, bool negated) {
  Operand operand;
  operand.kind = Kind::Register;
  operand.negated = negated;
  operand.reg = id;
  return operand;
}

Operand Operand::of_immediate(std::uint64_t bits) {
  Operand operand;
  operand.kind = Kind::Immediate;
  operand.immediate = bits;
  return operand;
}

Operand Operand::of_special(SpecialRegister special, std::uint8_t component) {
  Operand operand;
  operand.kind = Kind::Special;
  operand.special = special;
  operand.component = component;
  return operand;
}

Operand Operand::of_symbol(SymbolRef symbol, std::int64_t offset) {
  Operand operand;
  operand.kind = Kind::Symbol;
  operand.scope = symbol.scope;
  operand.symbol_index = symbol.index;
  operand.offset = offset;
  return operand;
}

Operand Operand::of_function(FunctionId id) {
  Operand operand;
  operand.kind = Kind::Function;
  operand.function = id;
  return operand;
}

bool Operand::operator==(const Operand& other) const {
  if (kind != other.kind || negated != other.negated) return false;
  switch (kind) {
    case Kind::Sink:
      return true;
    case Kind::Register:
      return reg == other.reg;
    case Kind::Immediate:
      return immediate == other.immediate;
    case Kind::Special:
      return special == other.special && component == other.component;
    case Kind::Symbol:
      return symbol() == other.symbol() && offset == other.offset;
    case Kind::Function:
      return function == other.function;
  }
  return false;
}

}  // namespace doppel::ir
