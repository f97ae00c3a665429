// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "frontend/ptx/instruction.h"
#include "ir/operation.h"

namespace doppel::ptx {

// All of an operation but its targets and origin. carry: the register that stands for CC.CF (PTX ISA 9.7.2).
ir::Operation to_ir(const Instruction& instruction, RegisterId carry);
// Whether it reads or writes CC.CF.
bool uses_carry(const Instruction& instruction);

}  // namespace doppel::ptx
