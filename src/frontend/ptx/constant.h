// SPDX-License-Identifier: Apache-2.0
// Constant expressions (PTX ISA 4.5) and their conversion to an operand's type.
#pragma once

#include <cstdint>
#include <optional>

#include "frontend/ptx/lexer.h"
#include "frontend/ptx/types.h"

namespace doppel::ptx {

struct Constant {
  enum class Kind : std::uint8_t { Integer, Float32, Float64 };
  Kind kind = Kind::Integer;
  bool is_unsigned = false;  // of an integer: .u64, else .s64
  std::uint64_t bits = 0;    // two's complement, or IEEE bits of the kind's width
};

// Whether an expression can begin with the current token.
bool begins_constant(const Token& token);

// Reads one expression from the current token on; throws Failure where there is none.
Constant parse_constant(Lexer& lexer);

// As parse_constant, but an integer that fits: for sizes, alignments, directives.
std::uint64_t parse_unsigned(Lexer& lexer, std::uint64_t most, const char* what);

// The bits of `value` as an operand of `type` holds them (Operand::immediate); nothing where the ISA has no
// such conversion: an integer for a float, a float for an integer or a half.
std::optional<std::uint64_t> convert(const Constant& value, Type type);

}  // namespace doppel::ptx
