// SPDX-License-Identifier: Apache-2.0
// Clocks, and what lowers them.
#include <fmt/format.h>

#include <utility>

#include "smi/fields.h"

namespace doppel::smi {
namespace {

Field clock(const char* name, const char* other, const char* about, const char* function, int type) {
  return {name, other, "MHz", about,
          [function, type](const Gpu& gpu) { return number(gpu.get<unsigned>(function, type)); }};
}

constexpr const char* kReasons = "nvmlDeviceGetCurrentClocksEventReasons";

Value bits(const Gpu& gpu, const char* function) {
  const auto answer = gpu.get<unsigned long long>(function);
  return answer ? Value{fmt::format("0x{:016X}", answer.value)} : no_value(answer.code);
}

struct Reason {
  const char* name;
  unsigned long long bit;
  const char* about;
};
constexpr std::array<Reason, 8> kKnown = {{
    {"gpu_idle", 0x1, "nothing runs"},
    {"applications_clocks_setting", 0x2, "the clocks were set"},
    {"sw_power_cap", 0x4, "the power limit is reached"},
    {"hw_slowdown", 0x8, "the card is too hot, or has too little power"},
    {"sync_boost", 0x10, "another card of its group is slower"},
    {"sw_thermal_slowdown", 0x20, "the card is warmer than it should be"},
    {"hw_thermal_slowdown", 0x40, "the card is too hot"},
    {"hw_power_brake_slowdown", 0x80, "the power supply asks for it"},
}};

void add_reasons(std::vector<Field>& to) {
  const std::string head = "clocks_event_reasons.", other = "clocks_throttle_reasons.";
  to.push_back({head + "supported", other + "supported", "", "bits of the reasons that the card can tell",
                [](const Gpu& gpu) { return bits(gpu, "nvmlDeviceGetSupportedClocksEventReasons"); }});
  to.push_back({head + "active", other + "active", "", "bits of those that lower the clocks now",
                [](const Gpu& gpu) { return bits(gpu, kReasons); }});
  for (const Reason& reason : kKnown) {
    to.push_back(
        {head + reason.name, other + reason.name, "", reason.about, [bit = reason.bit](const Gpu& gpu) {
           const auto known = gpu.get<unsigned long long>("nvmlDeviceGetSupportedClocksEventReasons");
           if (!known) return no_value(known.code);
           if ((known.value & bit) == 0) return no_value(NVML_ERROR_NOT_SUPPORTED);
           const auto now = gpu.get<unsigned long long>(kReasons);
           return now ? Value{(now.value & bit) != 0 ? "Active" : "Not Active"} : no_value(now.code);
         }});
  }
}

}  // namespace

void add_clock_fields(std::vector<Field>& to) {
  constexpr const char* kNow = "nvmlDeviceGetClockInfo";
  constexpr const char* kMost = "nvmlDeviceGetMaxClockInfo";
  constexpr const char* kWork = "nvmlDeviceGetApplicationsClock";
  constexpr const char* kDefault = "nvmlDeviceGetDefaultApplicationsClock";
  add_reasons(to);
  to.insert(
      to.end(),
      {
          clock("clocks.current.graphics", "clocks.gr", "of the shaders, now", kNow, NVML_CLOCK_GRAPHICS),
          clock("clocks.current.sm", "clocks.sm", "of the SMs, now", kNow, NVML_CLOCK_SM),
          clock("clocks.current.memory", "clocks.mem", "of the memory, now", kNow, NVML_CLOCK_MEM),
          clock("clocks.current.video", "clocks.video", "of the video engines, now", kNow, NVML_CLOCK_VIDEO),
          clock("clocks.applications.graphics", "clocks.applications.gr",
                "of the shaders, for programs that compute", kWork, NVML_CLOCK_GRAPHICS),
          clock("clocks.applications.memory", "clocks.applications.mem", "of the memory, for these", kWork,
                NVML_CLOCK_MEM),
          clock("clocks.default_applications.graphics", "clocks.default_applications.gr", "where none is set",
                kDefault, NVML_CLOCK_GRAPHICS),
          clock("clocks.default_applications.memory", "clocks.default_applications.mem", "where none is set",
                kDefault, NVML_CLOCK_MEM),
          clock("clocks.max.graphics", "clocks.max.gr", "the highest of the shaders", kMost,
                NVML_CLOCK_GRAPHICS),
          clock("clocks.max.sm", "", "the highest of the SMs", kMost, NVML_CLOCK_SM),
          clock("clocks.max.memory", "clocks.max.mem", "the highest of the memory", kMost, NVML_CLOCK_MEM),
          clock("clocks.max.video", "", "the highest of the video engines", kMost, NVML_CLOCK_VIDEO),
          clock("clocks.max.customer_boost", "", "the highest that can be set",
                "nvmlDeviceGetMaxCustomerBoostClock", NVML_CLOCK_GRAPHICS),
      });
}

}  // namespace doppel::smi
