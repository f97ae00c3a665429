// SPDX-License-Identifier: Apache-2.0
// The PTX of kernels.cu; written into the program by the build.
#pragma once

namespace bench {

extern const char* const kKernelsPtx;

}  // namespace bench
