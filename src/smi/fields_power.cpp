// SPDX-License-Identifier: Apache-2.0
// Power, temperature, fans, performance states.
#include <fmt/format.h>

#include "smi/fields.h"

namespace doppel::smi {
namespace {

Field watts(const char* name, const char* other, const char* about, const char* function) {
  return {name, other, "W", about,
          [function](const Gpu& gpu) { return of_milliwatts(gpu.get<unsigned>(function)); }};
}

// Of a number of nvmlDeviceGetFieldValues.
Field watts(const char* name, const char* about, unsigned id) {
  return {name, "", "W", about, [id](const Gpu& gpu) {
            const auto answer = gpu.field(id);
            return of_milliwatts({answer.code, answer.value.value.uiVal});
          }};
}

Field constraint(const char* name, const char* about, bool most) {
  return {name, "", "W", about, [most](const Gpu& gpu) {
            unsigned lowest = 0, highest = 0;
            const nvmlReturn_t code =
                gpu.call("nvmlDeviceGetPowerManagementLimitConstraints", &lowest, &highest);
            return of_milliwatts({code, most ? highest : lowest});
          }};
}

Field threshold(const char* name, const char* about, int which) {
  return {name, "", "C", about, [which](const Gpu& gpu) {
            return number(gpu.get<unsigned>("nvmlDeviceGetTemperatureThreshold", which));
          }};
}

Value state(const Gpu& gpu) {
  const auto number = gpu.get<int>("nvmlDeviceGetPerformanceState");
  return number ? Value{fmt::format("P{}", number.value)} : no_value(number.code);
}

}  // namespace

void add_power_fields(std::vector<Field>& to) {
  to.insert(
      to.end(),
      {
          {"fan.speed", "", "%", "of the fan's full speed",
           [](const Gpu& gpu) { return number(gpu.get<unsigned>("nvmlDeviceGetFanSpeed")); }},
          {"pstate", "", "", "the performance state: P0 is the highest", state},
          {"temperature.gpu", "", "", "of the chip, in degrees Celsius",
           [](const Gpu& gpu) {
             return number(gpu.get<unsigned>("nvmlDeviceGetTemperature", int{NVML_TEMPERATURE_GPU}));
           }},
          {"temperature.gpu.tlimit", "", "", "degrees left until the card slows down",
           [](const Gpu& gpu) { return number(gpu.get<int>("nvmlDeviceGetMarginTemperature")); }},
          {"temperature.memory", "", "", "of the memory, in degrees Celsius",
           [](const Gpu& gpu) {
             constexpr unsigned kMemoryTemperature = 82;
             const auto answer = gpu.field(kMemoryTemperature);
             return number(Answer<unsigned>{answer.code, answer.value.value.uiVal});
           }},
          threshold("temperature.shutdown", "at which the card goes off",
                    NVML_TEMPERATURE_THRESHOLD_SHUTDOWN),
          threshold("temperature.slowdown", "at which it slows down", NVML_TEMPERATURE_THRESHOLD_SLOWDOWN),
          threshold("temperature.gpu_max", "at which it may work", NVML_TEMPERATURE_THRESHOLD_GPU_MAX),
          {"power.management", "", "", "whether a limit is held",
           [](const Gpu& gpu) { return enabled(gpu.get<int>("nvmlDeviceGetPowerManagementMode")); }},
          watts("power.draw", "", "of the board", "nvmlDeviceGetPowerUsage"),
          watts("power.draw.average", "over the last stretch of work", 185),
          watts("power.draw.instant", "now", 186),
          watts("power.limit", "", "that was set", "nvmlDeviceGetPowerManagementLimit"),
          watts("enforced.power.limit", "", "that holds", "nvmlDeviceGetEnforcedPowerLimit"),
          watts("power.default_limit", "", "where none is set", "nvmlDeviceGetPowerManagementDefaultLimit"),
          constraint("power.min_limit", "the least that can be set", false),
          constraint("power.max_limit", "the most that can be set", true),
          {"energy.total", "", "mJ", "since the node was made",
           [](const Gpu& gpu) {
             return number(gpu.get<unsigned long long>("nvmlDeviceGetTotalEnergyConsumption"));
           }},
      });
}

}  // namespace doppel::smi
