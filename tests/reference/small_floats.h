// SPDX-License-Identifier: Apache-2.0
// Floats of 4, 6 and 8 bits (PTX ISA 5.2.3) by the list of their values.
#pragma once

#include "reference/float_format.h"

namespace doppel::reference {

bool is_small_float(ptx::Type type);

// A value of f16, bf16 or f32 in the small type: to nearest even and not beyond its largest number, a NaN the
// one that the type has or the largest number; of .ue8m0 a power of two by m.rounding (9.7.9.21).
std::uint64_t to_small_float(std::uint64_t value, ptx::Type to, ptx::Type from, const ptx::Modifiers& m);

// The number that a small one is, in f16 or, of .ue8m0, bf16.
std::uint64_t from_small_float(std::uint64_t value, ptx::Type to, ptx::Type from, const ptx::Modifiers& m);

}  // namespace doppel::reference
