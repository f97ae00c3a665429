// SPDX-License-Identifier: Apache-2.0
// rcp, sqrt, rsqrt, sin, cos, lg2, ex2, tanh and the approximate divisions (PTX
// ISA 9.7.3.8, 9.7.3.13-9.7.3.22). Forms with a rounding are exact. For '.approx' and '.full' the special
// values are the ISA's, and any other result is the true one, rounded: a comparison has to allow the ISA's
// bound around it.
#pragma once

#include <cstdint>
#include <span>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

bool is_special_function(const ptx::Instruction& instruction);
std::uint64_t special_function(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources);

}  // namespace doppel::reference
