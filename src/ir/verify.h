// SPDX-License-Identifier: Apache-2.0
// Whether a module keeps the IR's rules: what stands behind the front ends may rely on them.
#pragma once

#include <string>

#include "ir/module.h"

namespace doppel::ir {

// Empty, or what is wrong first: "ir: function 'saxpy', operation 3 (line 14), fadd.rn.f32: ...".
//
// Held: every index is inside of its list; an operation has the operands, accesses, targets and attributes of
// its row, each of the width that the row asks for; a predicate is negated and nothing else is; a guard is a
// predicate; an asynchronous access gives no result; a barrier of lanes is set before it is left or waited
// for (verify_convergence.h); blocks cover the operations in order, and only the last operation of one ends
// it; a register has a width that there is.
std::string verify(const Module& module);
std::string verify(const Module& module, const Function& function);

// Bits that an operand or result in this role has; 0: any number.
int width_of(const OperandRole& role, const Operation& operation);

}  // namespace doppel::ir
