// SPDX-License-Identifier: Apache-2.0
#include "gauge.h"

#include <stdexcept>

#include "api/common/call.h"
#include "api/common/handles.h"
#include "api/common/results.h"
#include "gauge_api.h"

namespace gauge {
namespace {

using doppel::Result;
using doppel::api::text;

doppel::api::HandleTable<GaugeSensor, double>& sensors() {
  static doppel::api::HandleTable<GaugeSensor, double> table;
  return table;
}

Result<double> read(GaugeSensor sensor) {
  const auto found = sensors().find(sensor);
  if (!found) return doppel::fail(doppel::Error::Kind::NotFound, "there is no such sensor");
  return *found;
}

template <typename... A, typename Body>
GaugeResult call(const char* name, const std::tuple<A...>& arguments, Body body) noexcept {
  return doppel::api::call<GaugeApi>(name, arguments, body);
}

}  // namespace
}  // namespace gauge

extern "C" {
using namespace gauge;

GaugeResult gaugeOpen() {
  auto body = [] { return is_open = true, GAUGE_FINE; };
  return doppel::api::call_always<GaugeApi>(__func__, std::tuple(), body);
}

GaugeResult gaugeClose() {
  return call(__func__, std::tuple(), [] { return is_open = false, GAUGE_FINE; });
}

GaugeResult gaugeFind(const char* name, int version, void** function) {
  return call(__func__, std::tuple(text(name), version, function), [&] {
    static const doppel::api::EntryPointIndex index(GaugeApi::entry_points());
    const auto found = index.find(name, version, 3000, false);
    *function = found.function;
    return found.outcome == doppel::api::Lookup::Found ? GAUGE_FINE : GAUGE_INVALID;
  });
}

GaugeResult gaugeAdd(GaugeSensor* sensor, double value) {
  return call(__func__, std::tuple(sensor, value),
              [&] { return *sensor = sensors().add(std::make_shared<double>(value)), GAUGE_FINE; });
}

GaugeResult gaugeRemove(GaugeSensor sensor) {
  return call(__func__, std::tuple(sensor),
              [&] { return sensors().remove(sensor) ? GAUGE_FINE : GAUGE_INVALID; });
}

GaugeResult gaugeRead(GaugeSensor sensor, float* value) {
  return call(__func__, std::tuple(sensor, value),
              [&] { return doppel::api::answer<GaugeApi>(read(sensor), value); });
}

GaugeResult gaugeRead_v2(GaugeSensor sensor, double* value) {
  return call(__func__, std::tuple(sensor, value),
              [&] { return doppel::api::answer<GaugeApi>(read(sensor), value); });
}

GaugeResult gaugeExhaust() {
  return call(__func__, std::tuple(), []() -> GaugeResult { throw std::bad_alloc(); });
}

GaugeResult gaugeBreak() {
  return call(__func__, std::tuple(), []() -> GaugeResult { throw std::runtime_error("it broke"); });
}

}  // extern "C"
