// SPDX-License-Identifier: Apache-2.0
// The PTX of kernels/ring.cu; written into the program by the build.
#pragma once

namespace multi_card_kernels {

extern const char* const kRingPtx;

}  // namespace multi_card_kernels
