// SPDX-License-Identifier: Apache-2.0
#include "smi/settings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string_view>

#include "smi/value.h"

namespace doppel::smi {
namespace {

constexpr double kMilli = 1e-3;

// each(gpu) is a sentence and a code. What did not work is said, and does not keep the others from being set.
template <typename Each>
Said for_each(const std::vector<Gpu>& gpus, Each each) {
  Said said;
  for (const Gpu& gpu : gpus) {
    const auto [text, code] = each(gpu);
    said.text += text + "\n";
    if (code != NVML_SUCCESS && said.status == 0) said.status = status_of(code);
  }
  said.text += said.status == 0 ? "All done.\n" : "Terminating early due to previous errors.\n";
  return said;
}

struct Result {
  std::string text;
  nvmlReturn_t code = NVML_SUCCESS;
};

Result refused(const Gpu& gpu, const std::string& what, nvmlReturn_t code) {
  return {fmt::format("{} for GPU {}: {}", what, gpu.bus_id(), words_for(code)), code};
}

std::optional<unsigned> whole(std::string_view text) {
  unsigned value = 0;
  const char* const end = std::to_address(text.end());
  const auto read = std::from_chars(std::to_address(text.begin()), end, value);
  if (text.empty() || read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return value;
}

// The number of one of these words, or the number itself.
std::optional<int> choice(std::string text, const std::vector<std::string>& words) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const auto found = std::ranges::find(words, text);
  if (found != words.end()) return static_cast<int>(found - words.begin());
  const auto number = whole(text);
  if (!number || *number >= words.size()) return std::nullopt;
  return static_cast<int>(*number);
}

}  // namespace

Outcome<Said> set_power_limit(const std::vector<Gpu>& gpus, const std::string& text) {
  char* end = nullptr;
  const double watts = std::strtod(text.c_str(), &end);
  if (text.empty() || *end != '\0' || !std::isfinite(watts))
    return failed(kBadUsage, fmt::format("-pl {}: expected watts", text));
  return for_each(gpus, [&](const Gpu& gpu) -> Result {
    const auto before = gpu.get<unsigned>("nvmlDeviceGetPowerManagementLimit");
    unsigned least = 0, most = 0;
    const nvmlReturn_t range = gpu.call("nvmlDeviceGetPowerManagementLimitConstraints", &least, &most);
    if (range != NVML_SUCCESS) return refused(gpu, "Changing the power limit", range);
    const double milliwatts = watts / kMilli;
    if (!(milliwatts >= least && milliwatts <= most)) {
      return {fmt::format(
                  "Provided power limit {:.2f} W is not a valid power limit which should be between {:.2f} W "
                  "and {:.2f} W for GPU {}",
                  watts, least * kMilli, most * kMilli, gpu.bus_id()),
              NVML_ERROR_INVALID_ARGUMENT};
    }
    const nvmlReturn_t code =
        gpu.call("nvmlDeviceSetPowerManagementLimit", static_cast<unsigned>(std::lround(milliwatts)));
    if (code != NVML_SUCCESS) return refused(gpu, "Changing the power limit", code);
    return {fmt::format("Power limit for GPU {} was set to {:.2f} W from {:.2f} W.", gpu.bus_id(), watts,
                        before.value_or(0) * kMilli)};
  });
}

Outcome<Said> lock_clocks(const std::vector<Gpu>& gpus, const std::string& range_mhz) {
  const auto comma = range_mhz.find(',');
  const auto least = whole(std::string_view(range_mhz).substr(0, comma));
  const auto most = comma == std::string::npos ? least : whole(std::string_view(range_mhz).substr(comma + 1));
  if (!least || !most)
    return failed(kBadUsage, fmt::format("-lgc {}: expected MHz, as 1500 or 1000,1500", range_mhz));
  return for_each(gpus, [&](const Gpu& gpu) -> Result {
    const nvmlReturn_t code = gpu.call("nvmlDeviceSetGpuLockedClocks", *least, *most);
    const std::string clocks = fmt::format("\"(gpuClkMin {}, gpuClkMax {})\"", *least, *most);
    if (code != NVML_SUCCESS) return refused(gpu, "Setting locked GPU clocks " + clocks, code);
    return {fmt::format("GPU clocks set to {} for GPU {}", clocks, gpu.bus_id())};
  });
}

Said reset_clocks(const std::vector<Gpu>& gpus) {
  return for_each(gpus, [](const Gpu& gpu) -> Result {
    const nvmlReturn_t code = gpu.call("nvmlDeviceResetGpuLockedClocks");
    if (code != NVML_SUCCESS) return refused(gpu, "Resetting GPU clocks", code);
    return {fmt::format("All locked GPU clocks reset for GPU {}", gpu.bus_id())};
  });
}

Outcome<Said> set_persistence(const std::vector<Gpu>& gpus, const std::string& mode) {
  const auto wanted = choice(mode, {"DISABLED", "ENABLED"});
  if (!wanted) return failed(kBadUsage, fmt::format("-pm {}: expected 0/DISABLED or 1/ENABLED", mode));
  return for_each(gpus, [&](const Gpu& gpu) -> Result {
    const char* const word = *wanted != 0 ? "Enabled" : "Disabled";
    if (gpu.get<int>("nvmlDeviceGetPersistenceMode").value_or(-1) == *wanted)
      return {fmt::format("Persistence mode is already {} for GPU {}.", word, gpu.bus_id())};
    const nvmlReturn_t code = gpu.call("nvmlDeviceSetPersistenceMode", *wanted);
    if (code != NVML_SUCCESS) return refused(gpu, "Changing the persistence mode", code);
    return {fmt::format("{} persistence mode for GPU {}.", word, gpu.bus_id())};
  });
}

Outcome<Said> set_compute_mode(const std::vector<Gpu>& gpus, const std::string& mode) {
  const std::vector<std::string> words = {"DEFAULT", "EXCLUSIVE_THREAD", "PROHIBITED", "EXCLUSIVE_PROCESS"};
  const auto wanted = choice(mode, words);
  if (!wanted)
    return failed(kBadUsage,
                  fmt::format("-c {}: expected 0/DEFAULT, 2/PROHIBITED or 3/EXCLUSIVE_PROCESS", mode));
  return for_each(gpus, [&](const Gpu& gpu) -> Result {
    const auto before = gpu.get<int>("nvmlDeviceGetComputeMode");
    const std::string& word = words[static_cast<std::size_t>(*wanted)];
    if (before && before.value == *wanted)
      return {fmt::format("Compute mode is already set to {} for GPU {}.", word, gpu.bus_id())};
    const nvmlReturn_t code = gpu.call("nvmlDeviceSetComputeMode", *wanted);
    if (code != NVML_SUCCESS) return refused(gpu, fmt::format("Setting compute mode to {}", word), code);
    return {fmt::format("Set compute mode to {} for GPU {}.", word, gpu.bus_id())};
  });
}

Outcome<Said> set_ecc(const std::vector<Gpu>& gpus, const std::string& mode) {
  const auto wanted = choice(mode, {"DISABLED", "ENABLED"});
  if (!wanted) return failed(kBadUsage, fmt::format("-e {}: expected 0/DISABLED or 1/ENABLED", mode));
  bool changed = false;
  Said said = for_each(gpus, [&](const Gpu& gpu) -> Result {
    const char* const word = *wanted != 0 ? "Enabled" : "Disabled";
    int now = 0, pending = 0;
    if (gpu.call("nvmlDeviceGetEccMode", &now, &pending) == NVML_SUCCESS && pending == *wanted)
      return {fmt::format("ECC support is already {} for GPU {}.", word, gpu.bus_id())};
    const nvmlReturn_t code = gpu.call("nvmlDeviceSetEccMode", *wanted);
    if (code != NVML_SUCCESS) return refused(gpu, "Changing ECC support", code);
    changed = true;
    return {fmt::format("{} ECC support for GPU {}.", word, gpu.bus_id())};
  });
  if (changed) said.text += "Reboot required.\n";
  return said;
}

}  // namespace doppel::smi
