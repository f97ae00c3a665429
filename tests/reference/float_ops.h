// SPDX-License-Identifier: Apache-2.0
// Scalar floating-point operations on raw bits, correctly rounded in any direction (PTX ISA 9.7.3, 9.7.4).
#pragma once

#include "reference/float_format.h"

namespace doppel::reference {

// What a form adds to an operation's own meaning.
struct FloatMode {
  ptx::Rounding rounding = ptx::Rounding::Rn;
  bool ftz = false;
  bool sat = false;
  bool relu = false;
};
FloatMode float_mode(const ptx::Modifiers& modifiers);

using Bits = std::uint64_t;

Bits float_add(const Format& f, Bits a, Bits b, const FloatMode& mode);
Bits float_sub(const Format& f, Bits a, Bits b, const FloatMode& mode);
Bits float_mul(const Format& f, Bits a, Bits b, const FloatMode& mode);
Bits float_fma(const Format& f, Bits a, Bits b, Bits c, const FloatMode& mode);
Bits float_div(const Format& f, Bits a, Bits b, const FloatMode& mode);
Bits float_sqrt(const Format& f, Bits a, const FloatMode& mode);
Bits float_neg(const Format& f, Bits a, bool ftz);
Bits float_abs(const Format& f, Bits a, bool ftz);
Bits float_copysign(const Format& f, Bits sign_source, Bits value);

// min, max with .NaN and .xorsign.abs (9.7.3.11, 9.7.3.12).
Bits float_min_max(const Format& f, Bits a, Bits b, bool maximum, const ptx::Modifiers& modifiers);

// -1, 0, 1, or 2 where one of them is NaN. Zeros of either sign are equal.
int float_order(const Format& f, Bits a, Bits b);
bool float_compare(const Format& f, Bits a, Bits b, ptx::Compare compare, bool ftz);
bool float_testp(const Format& f, Bits a, ptx::TestpMode mode);

// Result modifiers in the order of the ISA: flush, then clamp.
Bits finish(const Format& f, Bits result, const FloatMode& mode);
// The NaN that results from these operands: f64 carries the payload of the first NaN (9.7.3), others do not.
Bits propagate_nan(const Format& f, Bits a, Bits b, Bits c = 0);

}  // namespace doppel::reference
