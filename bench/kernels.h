// SPDX-License-Identifier: Apache-2.0
// The PTX of kernels.cu, turned_kernels.cu and suite/kernels/gemm.cu; written into the program by the build.
#pragma once

namespace bench {

extern const char* const kKernelsPtx;
extern const char* const kTurnedKernelsPtx;
extern const char* const kGemmPtx;

}  // namespace bench
