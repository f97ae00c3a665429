// SPDX-License-Identifier: Apache-2.0
// Bit counts, fields, permutations and funnel shifts (PTX ISA 9.7.1.15-9.7.1.22, 9.7.8.6, 9.7.8.7, 9.7.9.7).
#pragma once

#include <cstdint>
#include <span>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

bool is_bit_op(ptx::Opcode opcode);
std::uint64_t bit_op(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources);

}  // namespace doppel::reference
