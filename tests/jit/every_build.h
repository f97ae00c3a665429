// SPDX-License-Identifier: Apache-2.0
// A kernel in each build and with each effort.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ir/module.h"

namespace doppel::jit_test {

// Runs the module's first kernel, whose one parameter is the address of 32-bit words, in one block of so many
// threads: `expected` is what the words, 0 before, hold then, whatever it was compiled for.
void expect_in_every_build(const std::string& ptx, std::uint32_t threads,
                           const std::vector<std::uint32_t>& expected);
void expect_in_every_build(ir::Module module, std::uint32_t threads,
                           const std::vector<std::uint32_t>& expected);

}  // namespace doppel::jit_test
