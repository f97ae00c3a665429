// SPDX-License-Identifier: Apache-2.0
// Which operand types an instruction type takes (PTX ISA 9.4).
#pragma once

#include "frontend/ptx/types.h"

namespace doppel::ptx {

// 9.4: bit types agree with any type of their size, integers with integers of their size, floats with
// themselves; `relaxed` adds 9.4.1: of ld, st and cvt, registers wider than the type.
bool operand_suits(Type operand, Type instruction, bool relaxed);

}  // namespace doppel::ptx
