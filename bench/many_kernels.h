// SPDX-License-Identifier: Apache-2.0
// A module of many kernels as a compiler writes them, for measuring what reading PTX takes.
#pragma once

#include <string>

namespace bench {

// `kernels` kernels, kernel_0 and on, of about 1,600 bytes each: loads, arithmetic, branches and stores of
// four shapes, with line information. The same text each time.
std::string many_kernels(int kernels);

}  // namespace bench
