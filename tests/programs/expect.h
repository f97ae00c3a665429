// SPDX-License-Identifier: Apache-2.0
// What the programs share: every call is checked, every expectation names itself, and the last line tells.
#pragma once

#include <cuda_runtime.h>

#include <cstdio>
#include <cstdlib>

inline int failures = 0;

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("FAILED: %s\n", what);
  ++failures;
}

inline void check(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return;
  std::printf("FAILED: %s: %s\n", what, cudaGetErrorString(error));
  std::exit(1);
}

inline int verdict() {
  std::printf(failures == 0 ? "all as expected\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
