// SPDX-License-Identifier: Apache-2.0
// The driver interface, as api/common needs to know it.
#pragma once

#include <doppel/cuda/result.h>

#include <span>

#include "api/common/api.h"
#include "driver/termination.h"
#include "driver/virtual_clock.h"

namespace doppel::driver {

// Whether the driver may be used: CUDA_SUCCESS after cuInit; CUDA_ERROR_NOT_INITIALIZED before it and in a
// child that was forked after it (a card does not survive a fork); CUDA_ERROR_DEINITIALIZED while the process
// ends.
CUresult driver_state();

struct DriverApi {
  using Result = CUresult;
  using Scope = CallScope;
  static constexpr Result kSuccess = CUDA_SUCCESS;
  static constexpr Result kNotSupported = CUDA_ERROR_NOT_SUPPORTED;
  static constexpr Result kOutOfMemory = CUDA_ERROR_OUT_OF_MEMORY;
  static constexpr Result kUnknown = CUDA_ERROR_UNKNOWN;

  static Result code_of(const Error& error);
  static const char* name_of(Result result);

  static Result before() {
    hold_while_ending();
    return driver_state();
  }
  static Result after(Result result) {
    hold_while_ending();
    return driver_state() == CUDA_ERROR_DEINITIALIZED ? CUDA_ERROR_DEINITIALIZED : result;
  }

  static void note_refused(const char* function);
  static std::span<const api::EntryPoint> entry_points();
};
static_assert(api::Api<DriverApi>);

}  // namespace doppel::driver
