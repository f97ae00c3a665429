// SPDX-License-Identifier: Apache-2.0
// The PTX of the kernels beside this file; written into the programs by the build.
#pragma once

namespace examples {

extern const char* const kVectorAddPtx;
extern const char* const kMandelbrotPtx;
extern const char* const kNbodyPtx;

}  // namespace examples
