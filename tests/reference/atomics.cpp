// SPDX-License-Identifier: Apache-2.0
// atom and red (PTX ISA 9.7.13.5, 9.7.13.6).
#include <algorithm>

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

std::uint64_t combine(const ptx::Instruction& in, std::uint64_t old, std::uint64_t b, std::uint64_t c,
                      bool is_shared) {
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
    case AtomicOp::Cas:
      return old == b ? c : old;
    case AtomicOp::Add:
      // f32 in global memory flushes subnormals, in shared memory it does not.
      if (ptx::is_float(type)) return add_floats(old, b, type, type == Type::F32 && !is_shared);
      return old + b;
    case AtomicOp::Inc:
      return old >= b ? 0 : old + 1;
    case AtomicOp::Dec:
      return old == 0 || old > b ? b : old - 1;
    case AtomicOp::Min:
      return less ? b : old;
    case AtomicOp::Max:
      return less ? old : b;
    default:
      throw std::logic_error("the reference does not know " + in.form);
  }
}

}  // namespace

void execute_atomic(Block& block, Thread& thread, const ptx::Instruction& in) {
  const bool returns = in.opcode == ptx::Opcode::Atom;
  const std::size_t first = returns ? 1 : 0;  // the address
  const int size = ptx::byte_size(in.type);
  const int width = ptx::bit_width(in.type);
  bool is_shared = false;
  const auto bytes =
      resolve(block, thread, in.modifiers.space, in.operands.at(first), size, size, &is_shared);
  const std::uint64_t old = load_bits(bytes.data(), size);
  const std::uint64_t b = low_bits(read(block, thread, in.operands.at(first + 1)), width);
  const bool has_c = in.modifiers.atomic_op == AtomicOp::Cas;
  const std::uint64_t c = has_c ? low_bits(read(block, thread, in.operands.at(first + 2)), width) : 0;
  store_bits(bytes.data(), combine(in, old, b, c, is_shared), size);
  if (returns) write(thread, in.operands[0], old);
}

}  // namespace doppel::reference
