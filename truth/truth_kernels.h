// SPDX-License-Identifier: Apache-2.0
// PTX of the kernels, embedded at build time.
#pragma once

namespace doppel::truth {

extern const char* const kSgemmStepsPtx;
extern const char* const kStreamPtx;
extern const char* const kCachePtx;
extern const char* const kL2StreamPtx;
extern const char* const kStridesPtx;
extern const char* const kDependPtx;
extern const char* const kJudgingPtx;
extern const char* const kFmaPtx;

}  // namespace doppel::truth
