// SPDX-License-Identifier: Apache-2.0
// A kernel around one operation of each kind: for tests that every operation of the table must pass.
#pragma once

#include "ir/module.h"

namespace doppel::ir::test {

// A valid module whose only kernel, "sample", is the operation and a return. Its operands are registers that
// nothing writes; an access is to an address in one, in global memory.
Module sample_module(Op op);

}  // namespace doppel::ir::test
