// SPDX-License-Identifier: Apache-2.0
// atom and red (PTX ISA 9.7.13.5, 9.7.13.6).
#include <algorithm>
#include <array>
#include <stdexcept>

#include "reference/execute.h"
#include "reference/float_ops.h"
#include "reference/integer_ops.h"
#include "reference/operands.h"

namespace doppel::reference {

using ptx::AtomicOp;
using ptx::Type;

namespace {

std::uint64_t add_floats(std::uint64_t old, std::uint64_t b, Type type, bool ftz) {
  const Format& f = format_of(type);
  if (!ptx::is_packed(type)) return float_add(f, old, b, {.ftz = ftz});
  return float_add(f, old & 0xffff, b & 0xffff, {}) | float_add(f, old >> 16 & 0xffff, b >> 16 & 0xffff, {})
                                                          << 16;
}

std::uint64_t extremum_of_floats(std::uint64_t old, std::uint64_t b, const ptx::Instruction& in) {
  const bool maximum = in.modifiers.atomic_op == AtomicOp::Max;
  const Format& f = format_of(in.type);
  if (!ptx::is_packed(in.type)) return float_min_max(f, old, b, maximum, {});
  return float_min_max(f, old & 0xffff, b & 0xffff, maximum, {}) |
         float_min_max(f, old >> 16 & 0xffff, b >> 16 & 0xffff, maximum, {}) << 16;
}

}  // namespace

std::uint64_t combine(const ptx::Instruction& in, std::uint64_t old, std::uint64_t b, bool is_shared) {
  const Type type = in.type;
  const int width = ptx::bit_width(type);
  const bool less = ptx::is_signed(type) ? sign_extend(b, width) < sign_extend(old, width) : b < old;
  switch (in.modifiers.atomic_op) {
    case AtomicOp::And:
      return old & b;
    case AtomicOp::Or:
      return old | b;
    case AtomicOp::Xor:
      return old ^ b;
    case AtomicOp::Exch:
      return b;
    case AtomicOp::Add:
      // f32 in global memory flushes subnormals, in shared memory it does not.
      if (ptx::is_float(type)) return add_floats(old, b, type, type == Type::F32 && !is_shared);
      return old + b;
    case AtomicOp::Inc:
      return old >= b ? 0 : old + 1;
    case AtomicOp::Dec:
      return old == 0 || old > b ? b : old - 1;
    case AtomicOp::Min:
      if (ptx::is_float(type)) return extremum_of_floats(old, b, in);
      return less ? b : old;
    case AtomicOp::Max:
      if (ptx::is_float(type)) return extremum_of_floats(old, b, in);
      return less ? old : b;
    default:
      throw std::logic_error("the reference does not know " + in.form);
  }
}

void execute_atomic(Block& block, Thread& thread, const ptx::Instruction& in) {
  const bool returns = in.opcode == ptx::Opcode::Atom;
  const std::size_t first = returns ? 1 : 0;  // the address
  const int size = ptx::byte_size(in.type);
  const int width = ptx::bit_width(in.type);
  const std::size_t elements = in.modifiers.vector;
  const int total = size * static_cast<int>(elements);
  bool is_shared = false;
  const auto bytes =
      resolve(block, thread, in.modifiers.space, in.operands.at(first), total, total, &is_shared);
  const auto element = [](const ptx::Operand& operand, std::size_t i) -> const ptx::Operand& {
    return operand.kind == ptx::Operand::Kind::Vector ? operand.elements.at(i) : operand;
  };
  const bool swaps = in.modifiers.atomic_op == AtomicOp::Cas;
  std::array<std::uint64_t, 8> old{}, b{}, c{};
  bool all_same = true;
  for (std::size_t i = 0; i < elements; ++i) {
    old.at(i) = load_bits(&bytes[i * static_cast<std::size_t>(size)], size);
    b.at(i) = low_bits(read(block, thread, element(in.operands.at(first + 1), i)), width);
    if (swaps) c.at(i) = low_bits(read(block, thread, element(in.operands.at(first + 2), i)), width);
    all_same = all_same && old.at(i) == b.at(i);
  }
  for (std::size_t i = 0; i < elements; ++i) {
    // cas of 128 bits compares all of them.
    const std::uint64_t result =
        swaps ? (all_same ? c.at(i) : old.at(i)) : combine(in, old.at(i), b.at(i), is_shared);
    store_bits(&bytes[i * static_cast<std::size_t>(size)], result, size);
  }
  for (std::size_t i = 0; returns && i < elements; ++i) write(thread, element(in.operands[0], i), old.at(i));
}

}  // namespace doppel::reference
