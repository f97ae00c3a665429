// A PTX module in the IR, which is all that analyses, code generation and the timing model see of it.
#pragma once

#include "frontend/ptx/module.h"
#include "ir/module.h"

namespace doppel::ptx {

// Operations come one for an instruction, in the same order. The carry flag becomes a register of its own.
ir::Module to_ir(Module module);

}  // namespace doppel::ptx
