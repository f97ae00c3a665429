// SPDX-License-Identifier: Apache-2.0
// Special registers (PTX ISA 10).
#pragma once

#include <cstdint>

#include "reference/thread.h"

namespace doppel::reference {

std::uint64_t special_register(const Block& block, const Thread& thread, const ptx::Operand& operand);

}  // namespace doppel::reference
