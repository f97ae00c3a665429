// SPDX-License-Identifier: Apache-2.0
// Every instruction form that the front end accepts, and a sample line of each: for tests that ask whether
// all of them are implemented.
#pragma once

#include <string>
#include <vector>

#include "frontend/ptx/form.h"

namespace doppel::ptx::test {

// All accepted forms in a fixed order, suffixes as the ISA orders them. Cache hints, which change nothing,
// are left out; `with_hints` adds one of each.
std::vector<std::string> accepted_forms(bool with_hints = false);

// A line with operands as `form` wants them, from the registers of kernel_text(): "add.s32 %r1, %r2, %r3;".
std::string sample_line(const std::string& text, const Form& form);

}  // namespace doppel::ptx::test
