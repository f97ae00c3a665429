// SPDX-License-Identifier: Apache-2.0
// Result codes in words.
#pragma once

#include <doppel/cuda/result.h>

namespace doppel::driver {

// "CUDA_ERROR_INVALID_VALUE"; null for a code that does not exist.
const char* error_name(CUresult code);
const char* error_text(CUresult code);

}  // namespace doppel::driver
