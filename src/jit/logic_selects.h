// SPDX-License-Identifier: Apache-2.0
// A way around a fault of LLVM's code generator for x86.
#pragma once

namespace llvm {
class Module;
}

namespace doppel::jit {

// AVX-512 has one instruction for any logic of three operands, and it takes a mask. LLVM 19, and each before
// pull request 209782 of July 2026, gives that instruction the wrong table where masked-off lanes keep one
// operand and another comes from memory (llvm-project issue 157929). So that it never finds logic of integers
// under a mask, selections between such results become selections between floats of the same bits. To be
// called when all other passes have run: they would turn it back.
void hide_logic_from_masks(llvm::Module& module);

}  // namespace doppel::jit
