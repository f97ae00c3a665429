// SPDX-License-Identifier: Apache-2.0
// A PTX module in the IR, which is all that analyses, code generation and the timing model see of it.
#pragma once

#include "frontend/ptx/module.h"
#include "ir/module.h"

namespace doppel::ptx {

// Operations come one for an instruction, in the same order. The carry flag becomes a register of its own.
ir::Module to_ir(Module module);

// The parts of that. All but the functions: takes the files and the contents of variables.
ir::Module head_to_ir(Module& module);
// A function without what stands in its body.
ir::Function head_to_ir(const Function& function);
// What stands there: takes it.
void body_to_ir(Function& from, ir::Function& to);

}  // namespace doppel::ptx
