// SPDX-License-Identifier: Apache-2.0
// cvt and cvt.pack (PTX ISA 9.7.9.21, 9.7.9.22): one value of one type to another, on raw bits.
#pragma once

#include <cstdint>
#include <span>

#include "frontend/ptx/instruction.h"

namespace doppel::reference {

std::uint64_t convert(const ptx::Instruction& instruction, std::span<const std::uint64_t> sources);

}  // namespace doppel::reference
