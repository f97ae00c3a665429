// SPDX-License-Identifier: Apache-2.0
// The PTX of the suite's kernels, one string a file of kernels/; written into the program by the build.
#pragma once

namespace doppel::suite {

extern const char* const kAesPtx;
extern const char* const kAttentionPtx;
extern const char* const kBlackScholesPtx;
extern const char* const kCachesPtx;
extern const char* const kFmaPtx;
extern const char* const kGemmPtx;
extern const char* const kGemmSm120aPtx;
extern const char* const kHistogramPtx;
extern const char* const kHoldPtx;
extern const char* const kLaunchPtx;
extern const char* const kMandelbrotPtx;
extern const char* const kMatmulPtx;
extern const char* const kNbodyPtx;
extern const char* const kOptionsPtx;
extern const char* const kReductionPtx;
extern const char* const kSciencePtx;
extern const char* const kSgemmStepsPtx;
extern const char* const kSha256Ptx;
extern const char* const kStreamPtx;
extern const char* const kTexturePtx;
extern const char* const kTransposePtx;

}  // namespace doppel::suite
