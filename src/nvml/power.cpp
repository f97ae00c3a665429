// SPDX-License-Identifier: Apache-2.0
// Power, its limits, energy, temperature, fans, performance states, and what lowers the clock.
#include <algorithm>
#include <vector>

#include "node/process_life.h"
#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

constexpr double kWattsPerMilliwatt = 1e-3;

nvmlReturn_t set_limit(const char* function, nvmlDevice_t device, unsigned limit_mw) {
  return of_card(function, device, [&](const Card& card) {
    return api::answer<NvmlApi>(
        card.node().set_power_limit(card.number(), limit_mw * kWattsPerMilliwatt, node::wall_ns()));
  });
}

template <typename Value>
nvmlReturn_t limit(const char* function, nvmlDevice_t device, unsigned* to, Value value) {
  return of_state(
      function, device,
      [&](const Card& /*card*/, const node::CardState& state) {
        return *to = milliwatts(value(state)), NVML_SUCCESS;
      },
      to);
}

bool has_temperature(const Card& card) { return card.card().thermal.time_constant_s > 0; }

nvmlReturn_t temperature(const Card& card, const node::CardState& state, int sensor, unsigned& celsius) {
  if (sensor != NVML_TEMPERATURE_GPU) return NVML_ERROR_INVALID_ARGUMENT;
  if (!has_temperature(card)) return NVML_ERROR_NOT_SUPPORTED;
  celsius = rounded(std::max(0.0, state.temperature_c));
  return NVML_SUCCESS;
}

nvmlReturn_t fan_speed(const char* function, nvmlDevice_t device, unsigned fan, unsigned* percent_of_full) {
  return of_card(
      function, device,
      [&](const Card& card) {
        const card::Management& management = card.card().management;
        if (management.fans == 0) return NVML_ERROR_NOT_SUPPORTED;
        if (fan >= static_cast<unsigned>(management.fans)) return NVML_ERROR_INVALID_ARGUMENT;
        *percent_of_full = rounded(management.fan_percent);
        return NVML_SUCCESS;
      },
      percent_of_full);
}

int performance_state(const Card& card, const node::CardState& state) {
  const card::Management& management = card.card().management;
  if (state.active) return management.busy_state;
  return state.awake ? management.awake_state : management.idle_state;
}

nvmlReturn_t performance_state(const char* function, nvmlDevice_t device, int* number) {
  return of_state(
      function, device,
      [&](const Card& card, const node::CardState& state) {
        return *number = performance_state(card, state), NVML_SUCCESS;
      },
      number);
}

nvmlReturn_t reasons(const char* function, nvmlDevice_t device, unsigned long long* bits) {
  return of_state(
      function, device,
      [&](const Card& /*card*/, const node::CardState& state) {
        *bits = 0;
        if (!state.awake) *bits |= kReasonGpuIdle;
        if (state.active && state.power_bound) *bits |= kReasonSwPowerCap;
        if (state.awake && state.locked_max_mhz > 0) *bits |= kReasonApplicationsClocks;
        return NVML_SUCCESS;
      },
      bits);
}

nvmlReturn_t known_reasons(const char* function, nvmlDevice_t device, unsigned long long* bits) {
  return of_card(
      function, device,
      [&](const Card& /*card*/) {
        return *bits = kReasonGpuIdle | kReasonSwPowerCap | kReasonApplicationsClocks, NVML_SUCCESS;
      },
      bits);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;
using doppel::node::CardState;

nvmlReturn_t nvmlDeviceGetPowerUsage(nvmlDevice_t device, unsigned* power) {
  return limit(__func__, device, power, [](const CardState& state) { return state.watts; });
}
nvmlReturn_t nvmlDeviceGetTotalEnergyConsumption(nvmlDevice_t device, unsigned long long* energy) {
  return of_state(
      __func__, device,
      [&](const Card& /*card*/, const CardState& state) {
        return *energy = static_cast<unsigned long long>(state.energy_j * 1000), NVML_SUCCESS;
      },
      energy);
}
nvmlReturn_t nvmlDeviceGetPowerManagementMode(nvmlDevice_t device, nvmlEnableState_t* mode) {
  return of_card(__func__, device, [&](const Card& /*card*/) { return *mode = 1, NVML_SUCCESS; }, mode);
}
nvmlReturn_t nvmlDeviceGetPowerManagementLimit(nvmlDevice_t device, unsigned* power) {
  return limit(__func__, device, power, [](const CardState& state) { return state.limit_w; });
}
nvmlReturn_t nvmlDeviceGetEnforcedPowerLimit(nvmlDevice_t device, unsigned* power) {
  return limit(__func__, device, power, [](const CardState& state) { return state.limit_w; });
}
nvmlReturn_t nvmlDeviceGetPowerManagementDefaultLimit(nvmlDevice_t device, unsigned* power) {
  return limit(__func__, device, power, [](const CardState& state) { return state.default_limit_w; });
}
nvmlReturn_t nvmlDeviceGetPowerManagementLimitConstraints(nvmlDevice_t device, unsigned* least,
                                                          unsigned* most) {
  return of_state(
      __func__, device,
      [&](const Card& /*card*/, const CardState& state) {
        if (state.min_limit_w <= 0) return NVML_ERROR_NOT_SUPPORTED;
        *least = milliwatts(state.min_limit_w);
        *most = milliwatts(state.max_limit_w);
        return NVML_SUCCESS;
      },
      least, most);
}
nvmlReturn_t nvmlDeviceSetPowerManagementLimit(nvmlDevice_t device, unsigned limit_mw) {
  return set_limit(__func__, device, limit_mw);
}
nvmlReturn_t nvmlDeviceSetPowerManagementLimit_v2(nvmlDevice_t device, nvmlPowerValue_v2_t* value) {
  const nvmlReturn_t good = of_card(
      __func__, device,
      [&](const Card& /*card*/) {
        if (value->version != version_of<nvmlPowerValue_v2_t>(2)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        return value->powerScope == NVML_POWER_SCOPE_GPU ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
      },
      value);
  return good == NVML_SUCCESS ? set_limit(__func__, device, value->powerValueMw) : good;
}
nvmlReturn_t nvmlDeviceGetPowerSource(nvmlDevice_t device, unsigned* source) {
  return of_card(
      __func__, device, [&](const Card& /*card*/) { return *source = 0, NVML_SUCCESS; },
      source);  // the mains
}

nvmlReturn_t nvmlDeviceGetTemperature(nvmlDevice_t device, int sensor, unsigned* celsius) {
  return of_state(
      __func__, device,
      [&](const Card& card, const CardState& state) { return temperature(card, state, sensor, *celsius); },
      celsius);
}
nvmlReturn_t nvmlDeviceGetTemperatureV(nvmlDevice_t device, nvmlTemperature_v1_t* value) {
  return of_state(
      __func__, device,
      [&](const Card& card, const CardState& state) {
        if (value->version != version_of<nvmlTemperature_v1_t>(1))
          return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        unsigned celsius = 0;
        const nvmlReturn_t result = temperature(card, state, value->sensorType, celsius);
        if (result == NVML_SUCCESS) value->temperature = static_cast<int>(celsius);
        return result;
      },
      value);
}
nvmlReturn_t nvmlDeviceGetTemperatureThreshold(nvmlDevice_t device, int threshold, unsigned* celsius) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        if (threshold < 0 || threshold >= NVML_TEMPERATURE_THRESHOLD_COUNT)
          return NVML_ERROR_INVALID_ARGUMENT;
        const doppel::card::Thermal& thermal = card.card().thermal;
        double value = 0;
        if (threshold == NVML_TEMPERATURE_THRESHOLD_SHUTDOWN) value = thermal.shutdown_c;
        if (threshold == NVML_TEMPERATURE_THRESHOLD_SLOWDOWN) value = thermal.slowdown_c;
        if (threshold == NVML_TEMPERATURE_THRESHOLD_GPU_MAX) value = thermal.max_operating_c;
        if (value <= 0) return NVML_ERROR_NOT_SUPPORTED;
        *celsius = rounded(value);
        return NVML_SUCCESS;
      },
      celsius);
}
nvmlReturn_t nvmlDeviceGetNumFans(nvmlDevice_t device, unsigned* fans) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        return *fans = static_cast<unsigned>(card.card().management.fans), NVML_SUCCESS;
      },
      fans);
}
nvmlReturn_t nvmlDeviceGetFanSpeed(nvmlDevice_t device, unsigned* speed) {
  return fan_speed(__func__, device, 0, speed);
}
nvmlReturn_t nvmlDeviceGetFanSpeed_v2(nvmlDevice_t device, unsigned fan, unsigned* speed) {
  return fan_speed(__func__, device, fan, speed);
}
nvmlReturn_t nvmlDeviceGetTargetFanSpeed(nvmlDevice_t device, unsigned fan, unsigned* speed) {
  return fan_speed(__func__, device, fan, speed);
}

nvmlReturn_t nvmlDeviceGetPerformanceState(nvmlDevice_t device, int* state) {
  return performance_state(__func__, device, state);
}
nvmlReturn_t nvmlDeviceGetPowerState(nvmlDevice_t device, int* state) {
  return performance_state(__func__, device, state);
}
nvmlReturn_t nvmlDeviceGetSupportedPerformanceStates(nvmlDevice_t device, int* states, unsigned bytes) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        const doppel::card::Management& management = card.card().management;
        std::vector<int> known = {management.busy_state, management.awake_state, management.idle_state};
        std::ranges::sort(known);
        const auto rest = std::ranges::unique(known);
        known.erase(rest.begin(), rest.end());
        const std::size_t room = bytes / sizeof(int);
        if (room < known.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
        std::fill_n(std::ranges::copy(known, states).out, room - known.size(), int{NVML_PSTATE_UNKNOWN});
        return NVML_SUCCESS;
      },
      states);
}
nvmlReturn_t nvmlDeviceGetCurrentClocksThrottleReasons(nvmlDevice_t device, unsigned long long* bits) {
  return reasons(__func__, device, bits);
}
nvmlReturn_t nvmlDeviceGetCurrentClocksEventReasons(nvmlDevice_t device, unsigned long long* bits) {
  return reasons(__func__, device, bits);
}
nvmlReturn_t nvmlDeviceGetSupportedClocksThrottleReasons(nvmlDevice_t device, unsigned long long* bits) {
  return known_reasons(__func__, device, bits);
}
nvmlReturn_t nvmlDeviceGetSupportedClocksEventReasons(nvmlDevice_t device, unsigned long long* bits) {
  return known_reasons(__func__, device, bits);
}

}  // extern "C"
