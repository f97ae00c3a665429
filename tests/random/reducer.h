// SPDX-License-Identifier: Apache-2.0
// Makes a kernel that shows a difference as small as it can be made, and a .ptx test of it.
#pragma once

#include <functional>
#include <string>

#include "random/kernel_tree.h"
#include "support/result.h"

namespace doppel::random {

// True where the kernel still shows what is looked for.
using Interesting = std::function<bool(const Kernel&)>;

Kernel reduce(Kernel kernel, const Interesting& interesting);

// The text of a test for tests/ptx, with what the reference leaves in memory as the expected values.
Result<std::string> test_text(const Kernel& kernel, const std::string& about);

}  // namespace doppel::random
