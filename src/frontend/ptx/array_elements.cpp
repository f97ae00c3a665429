// SPDX-License-Identifier: Apache-2.0
// Elements of arrays by their index (PTX ISA 6.4.3): `name[4]`, `name[%r1]`, `name[%r1+4]`, as an address and
// as a source of mov and cvta.
#include <bit>

#include "frontend/ptx/function_parser.h"

namespace doppel::ptx {

namespace {

Operand immediate(std::uint64_t value) {
  Operand operand;
  operand.kind = Operand::Kind::Immediate;
  operand.immediate = value;
  return operand;
}

}  // namespace

// The index counts elements of the variable's scalar type, in all its dimensions. The vendor's assembler
// works out the bytes of an index in a register with 32 bits and without a sign, whatever the register is.
FunctionParser::ElementOffset FunctionParser::parse_element_offset(SymbolRef variable) {
  const auto size = static_cast<std::uint64_t>(byte_size(variable_of(variable).type));
  ElementOffset offset;
  state_.expect('[');
  if (begins_constant(state_.token())) {
    const TextLocation where = state_.here();
    const Constant index = parse_constant(state_.lexer);
    if (index.kind != Constant::Kind::Integer) fail_malformed(where, "an index is an integer");
    offset.bytes = static_cast<std::int64_t>(index.bits * size);
  } else {
    const TextLocation where = state_.here();
    const std::string_view name = state_.expect_identifier("an index");
    const auto binding = state_.find(name, where);
    if (!binding || binding->kind != Binding::Kind::Register)
      fail_malformed(where, fmt::format("'{}' is no register", name));
    Operand index;
    index.kind = Operand::Kind::Register;
    index.reg = binding->index;
    const Type type = register_type(index);
    if (is_float(type) || bit_width(type) < 16 || bit_width(type) > 64)
      fail_malformed(where, fmt::format("a register of type .{} is no index", name_of(type)));
    if (bit_width(type) == 64) index = compute_before("cvt.u32.u64", {index});
    if (bit_width(type) == 16)
      index = compute_before(is_signed(type) ? "cvt.s32.s16" : "cvt.u32.u16", {index});
    if (state_.accept('+')) index = compute_before("add.s32", {index, parse_immediate(Type::S32)});
    if (size > 1)
      index =
          compute_before("shl.b32", {index, immediate(static_cast<std::uint64_t>(std::countr_zero(size)))});
    offset.varying = index;
  }
  state_.expect(']');
  return offset;
}

// As an address of an instruction on `space` where `type` is None, else as a value of the type in the
// variable's own space.
Operand FunctionParser::element_address(SymbolRef variable, const ElementOffset& offset, Type type,
                                        Space space) {
  Operand symbol;
  symbol.kind = Operand::Kind::Symbol;
  symbol.symbol = variable;
  const bool as_address = type == Type::None;
  if (!offset.varying) {
    symbol.offset = offset.bytes;
    if (!as_address) return symbol;
    symbol.kind = Operand::Kind::Address;
    symbol.address_base = Operand::AddressBase::Symbol;
    return symbol;
  }
  const Variable& array = variable_of(variable);
  if (array.space == Space::Param) fail_malformed(state_.here(), "a parameter takes no index in a register");
  Operand sum;
  if (!as_address && bit_width(type) == 32) {
    sum = compute_before("add.u32", {compute_before("mov.u32", {symbol}), *offset.varying});
  } else {
    // An instruction without a space takes a generic address.
    const Operand base = as_address && space == Space::Generic
                             ? compute_before(fmt::format("cvta.{}.u64", name_of(array.space)), {symbol})
                             : compute_before("mov.u64", {symbol});
    sum = compute_before("add.u64", {base, compute_before("cvt.u64.u32", {*offset.varying})});
  }
  if (as_address) {
    sum.kind = Operand::Kind::Address;
    sum.address_base = Operand::AddressBase::Register;
  }
  return sum;
}

}  // namespace doppel::ptx
