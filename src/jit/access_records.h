// SPDX-License-Identifier: Apache-2.0
// What generated code leaves in the warp's context for the report of a fault, said once.
#pragma once

namespace llvm {
class Function;
}

namespace doppel::jit {

// Takes out the stores to WarpContext::access_addresses, access_width and access_step that leave there what
// an earlier one in the same basic block has left: of x[i] += y[i] the second access to x records nothing,
// and of accesses alike only the first says how its lanes follow each other. LLVM cannot see it, because it
// takes the program's own stores to reach the context.
void drop_repeated_records(llvm::Function& function);

}  // namespace doppel::jit
