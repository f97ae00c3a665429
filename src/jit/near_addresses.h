// SPDX-License-Identifier: Apache-2.0
// What the host adds up while it reads or writes memory, for code of which LLVM keeps no value in a register
// from one block to the next.
#pragma once

namespace llvm {
class Function;
}

namespace doppel::jit {

// Has a number's constant part added, and pointers made of numbers, in each block that needs them: there the
// selector makes them part of the access. Else each is computed once, and lies in memory until then.
void compute_addresses_near_uses(llvm::Function& function);

}  // namespace doppel::jit
