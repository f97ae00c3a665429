// SPDX-License-Identifier: Apache-2.0
// What every function of the driver interface is written with: api/common, for this interface.
#pragma once

#include <tuple>
#include <utility>

#include "api/common/call.h"
#include "api/common/results.h"
#include "driver/driver_api.h"

namespace doppel::driver {

using api::text;

inline CUresult to_result(const Error& error) { return api::to_result<DriverApi>(error); }
// Where a context could not be made: the card may be kept for another process (its compute mode).
CUresult without_context(const Error& error);

inline CUresult answer(const Result<void>& result) { return api::answer<DriverApi>(result); }

template <typename T, typename Out>
CUresult answer(Result<T> result, Out* out) {
  return api::answer<DriverApi>(std::move(result), out);
}

// Works in every state of the driver.
template <typename... A, typename Body>
CUresult call_always(const char* name, const std::tuple<A...>& arguments, Body body) noexcept {
  return api::call_always<DriverApi>(name, arguments, body);
}

// Works once cuInit was called.
template <typename... A, typename Body>
CUresult call(const char* name, const std::tuple<A...>& arguments, Body body) noexcept {
  return api::call<DriverApi>(name, arguments, body);
}

}  // namespace doppel::driver
