// SPDX-License-Identifier: Apache-2.0
// What the end-to-end programs share: expectations that name what went wrong, and the exit status.
#pragma once

#include <doppel/cuda.h>

#include <cstdio>

namespace e2e {

inline int failures = 0;

inline void expect(bool holds, const char* what) {
  if (holds) return;
  std::printf("FAILED: %s\n", what);
  ++failures;
}

// Compares a driver result with the one expected and names both.
inline void expect_result(CUresult actual, CUresult expected, const char* what) {
  if (actual == expected) return;
  const char* actual_name = "?";
  const char* expected_name = "?";
  cuGetErrorName(actual, &actual_name);
  cuGetErrorName(expected, &expected_name);
  std::printf("FAILED: %s: %s, expected %s\n", what, actual_name, expected_name);
  ++failures;
}

// Prints the verdict; for the end of main.
inline int verdict() {
  if (failures == 0) std::printf("all as expected\n");
  return failures == 0 ? 0 : 1;
}

}  // namespace e2e
