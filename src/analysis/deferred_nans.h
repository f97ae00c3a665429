// SPDX-License-Identifier: Apache-2.0
// Registers in which a NaN may stand with any payload until someone looks at its bits.
//
// Operations on .f32 give one canonical NaN (PTX ISA 9.7.3). Among floating-point operations the payload
// makes no difference, so it is put right where the bits are seen (stores, moves to other types, logic), not
// after every operation.
#pragma once

#include <vector>

#include "ir/module.h"

namespace doppel::analysis {

// By register. True: every definition is an .f32 operation with a canonical NaN, or a move of such a
// register.
std::vector<bool> deferred_nans(const ir::Function& function);

// Whether the instruction gives the same result for every payload of its .f32 operands.
bool ignores_nan_payload(const ir::Operation& operation);

}  // namespace doppel::analysis
