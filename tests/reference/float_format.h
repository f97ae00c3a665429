// SPDX-License-Identifier: Apache-2.0
// Floating-point numbers as exact integers times a power of two, and their one rounding into a format.
// All arithmetic of the reference goes through here, so that no result depends on the host's floating-point
// unit.
#pragma once

#include <cstdint>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

__extension__ using U128 = unsigned __int128;

struct Format {
  int exponent_bits;
  int mantissa_bits;
  std::uint64_t nan;  // what an operation gives where PTX leaves the NaN open or says 'canonical'

  constexpr int width() const { return 1 + exponent_bits + mantissa_bits; }
  constexpr int bias() const { return (1 << (exponent_bits - 1)) - 1; }
  constexpr std::uint64_t sign_bit() const { return std::uint64_t{1} << (exponent_bits + mantissa_bits); }
  constexpr std::uint64_t magnitude_mask() const { return sign_bit() - 1; }
  constexpr std::uint64_t infinity() const {
    return ((std::uint64_t{1} << exponent_bits) - 1) << mantissa_bits;
  }
  constexpr std::uint64_t one() const { return static_cast<std::uint64_t>(bias()) << mantissa_bits; }
  constexpr std::uint64_t quiet_bit() const { return std::uint64_t{1} << (mantissa_bits - 1); }
};

// IEEE binary16, binary32 and binary64, bfloat16, and the upper 19 bits of binary32 (PTX ISA 5.2.3).
inline constexpr Format kF16{5, 10, 0x7fff};
inline constexpr Format kBF16{8, 7, 0x7fff};
inline constexpr Format kF32{8, 23, 0x7fffffff};
inline constexpr Format kF64{11, 52, 0x7fffffffffffffff};
inline constexpr Format kTF32{8, 10, 0x3ffff};

// The format of a scalar type; packed types give that of their elements.
const Format& format_of(ptx::Type type);

inline bool is_nan(const Format& f, std::uint64_t bits) { return (bits & f.magnitude_mask()) > f.infinity(); }
inline bool is_infinity(const Format& f, std::uint64_t bits) {
  return (bits & f.magnitude_mask()) == f.infinity();
}
inline bool is_zero(const Format& f, std::uint64_t bits) { return (bits & f.magnitude_mask()) == 0; }
inline bool is_negative(const Format& f, std::uint64_t bits) { return (bits & f.sign_bit()) != 0; }
inline bool is_subnormal(const Format& f, std::uint64_t bits) {
  return (bits & f.infinity()) == 0 && !is_zero(f, bits);
}
// '.ftz': subnormals become zero of the same sign.
inline std::uint64_t flush(const Format& f, std::uint64_t bits) {
  return is_subnormal(f, bits) ? bits & f.sign_bit() : bits;
}

// A finite number: (-1)^negative * significand * 2^exponent. Where it stands for a longer number, the lowest
// bit of the significand is the 'or' of all that was cut off, and at least two more bits stand above it below
// any rounding point.
struct Exact {
  bool negative = false;
  int exponent = 0;
  U128 significand = 0;
};

Exact unpack(const Format& f, std::uint64_t finite_bits);
// Moves the leading one to `position`; a zero stays zero.
Exact normalise(Exact value, int position);
// One IEEE rounding, subnormals included. An exact zero keeps its sign.
std::uint64_t round_to(const Format& f, const Exact& value, ptx::Rounding mode);
// Rounded to an integer of unlimited size: the magnitude. Rn, Rz, Rm, Rp (or their ...i twins).
U128 round_to_integer(const Exact& value, ptx::Rounding mode);

}  // namespace doppel::reference
