// SPDX-License-Identifier: Apache-2.0
// A way around a fault of LLVM's code generator for x86.
#pragma once

namespace llvm {
class Module;
}

namespace doppel::jit {

// With AVX-512 a mask of lanes is an integer or a vector of bits. LLVM 19 turns logic of two vectors that are
// integers by another type into logic of the integers, and, where one of the vectors is there already, turns
// it back, for ever (llvm-project issue 123333, mended in LLVM 20 by pull request 123386). So that it finds
// neither: what is computed as an integer and then becomes a vector is hidden behind a copy that it cannot
// see through, or, where a comparison is part of it, is computed as a vector. To be called when all other
// passes have run.
void separate_mask_types(llvm::Module& module);

}  // namespace doppel::jit
