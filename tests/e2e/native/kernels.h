// SPDX-License-Identifier: Apache-2.0
// The PTX of ../kernels; written into the programs by the build.
#pragma once

namespace e2e {

extern const char* const kFaultsPtx;
extern const char* const kProgressPtx;
extern const char* const kRatesPtx;

}  // namespace e2e
