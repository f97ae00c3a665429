// SPDX-License-Identifier: Apache-2.0
// set, setp, selp, slct (PTX ISA 9.7.6, 9.7.7).
#pragma once

#include <cstdint>
#include <span>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

// The values of p and q. Sources: a, b and, where the form has a boolean operation, c (0 or 1).
struct PredicatePair {
  bool first = false;
  bool second = false;
};
PredicatePair set_predicate(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources);
std::uint64_t set_value(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources);
std::uint64_t select(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources);

}  // namespace doppel::reference
