// SPDX-License-Identifier: Apache-2.0
// A Module back as PTX text: for dumps, and for programs made or reduced by tests.
#pragma once

#include <string>

#include "frontend/ptx/module.h"

namespace doppel::ptx {

// Text that parse() reads as an equal module, but for text positions and for local names, which change where
// two scopes of the source had the same one. An instruction's `form` is printed as it stands; its operands
// come from the typed fields.
std::string print(const Module& module);

// One instruction with the names of `function`, as a line of a listing: "@!%p1 add.f32 %f1, %f2,
// 0f3F800000;".
std::string print(const Instruction& instruction, const Function& function, const Module& module);

}  // namespace doppel::ptx
