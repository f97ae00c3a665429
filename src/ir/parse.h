// SPDX-License-Identifier: Apache-2.0
// The IR's text back to a module: a front end of its own, for tests of what stands behind the front ends.
//
//   module "ir" "sm_86" 64
//   variable "table" global u32 align 4 size 64 visible
//   kernel "saxpy" visible
//   parameter "n" param b32 align 4 size 4 internal
//   b0:
//     %0:32 = mov.u32 %tid.x
//     %1:1 = icmp.ge.s32 %0, 100
//     @%1 branch -> b2
//   b1:
//     %2:32 = load.f32 [global f32 @table + 16]
//     ...
//   b2:
//     return
//   end
//
// A semicolon begins a comment. A register has its width wherever it is written; `register %4 %9:32` gives
// that of registers that nothing writes.
#pragma once

#include <string_view>

#include "ir/module.h"
#include "support/result.h"

namespace doppel::ir {

// An error is InvalidInput, and names its line. The result is verified (verify.h). Each operation's origin is
// its line in this text.
Result<Module> parse(std::string_view text);

}  // namespace doppel::ir
