// SPDX-License-Identifier: Apache-2.0
// The value of one instruction that only computes: from the raw bits of its sources to those of its result.
#pragma once

#include <cstdint>
#include <span>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

// Throws std::logic_error, naming the form, where the reference does not know it.
std::uint64_t evaluate(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources,
                       bool& carry);

}  // namespace doppel::reference
