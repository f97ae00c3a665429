// SPDX-License-Identifier: Apache-2.0
// The gauge's interface, as src/api/common needs to know it.
#pragma once

#include <string>

#include "api/common/api.h"
#include "gauge.h"

namespace gauge {

inline bool is_open = false;
inline int calls = 0;

struct Scope {
  explicit Scope(const char* function) : name(function) { ++calls; }
  const char* name;
};

struct GaugeApi {
  using Result = GaugeResult;
  using Scope = gauge::Scope;
  static constexpr Result kSuccess = GAUGE_FINE;
  static constexpr Result kNotSupported = GAUGE_REFUSED;
  static constexpr Result kOutOfMemory = GAUGE_NO_MEMORY;
  static constexpr Result kUnknown = GAUGE_UNKNOWN;

  static Result code_of(const doppel::Error&) { return GAUGE_INVALID; }
  static const char* name_of(Result result) { return result == GAUGE_INVALID ? "GAUGE_INVALID" : nullptr; }
  static Result before() { return is_open ? GAUGE_FINE : GAUGE_CLOSED; }
  static Result after(Result result) { return result; }
  static void note_refused(const char*) {}
  static std::span<const doppel::api::EntryPoint> entry_points();
};
static_assert(doppel::api::Api<GaugeApi>);

}  // namespace gauge
