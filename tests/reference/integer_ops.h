// SPDX-License-Identifier: Apache-2.0
// Integer, logic and bit operations on raw bits (PTX ISA 9.7.1, 9.7.2, 9.7.8).
#pragma once

#include <cstdint>
#include <span>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

inline std::uint64_t low_bits(std::uint64_t value, int width) {
  return width >= 64 ? value : value & ((std::uint64_t{1} << width) - 1);
}
inline std::int64_t sign_extend(std::uint64_t value, int width) {
  if (width >= 64) return static_cast<std::int64_t>(value);
  const int unused = 64 - width;
  return static_cast<std::int64_t>(value << unused) >> unused;
}
// As the type reads it: sign-extended for .sN, zero-extended otherwise.
std::uint64_t extend(std::uint64_t value, ptx::Type type);

// True where integer_op knows the instruction; floating-point types go elsewhere.
bool is_integer_op(const ptx::Instruction& instruction);
// The result, cut to the width of the destination's type. `carry` is the condition code CC.CF (9.7.2).
std::uint64_t integer_op(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources,
                         bool& carry);

bool integer_compare(std::uint64_t a, std::uint64_t b, ptx::Compare compare, ptx::Type type);

}  // namespace doppel::reference
