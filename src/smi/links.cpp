// SPDX-License-Identifier: Apache-2.0
#include "smi/links.h"

#include <string>

namespace doppel::smi {

unsigned links_between(const Gpu& gpu, const Gpu& other) {
  constexpr unsigned kMost = 18;
  unsigned links = 0;
  const std::string place = other.bus_id();
  for (unsigned link = 0; link < kMost; ++link) {
    const auto state = gpu.get<int>("nvmlDeviceGetNvLinkState", link);
    if (!state || state.value == 0) continue;
    const auto remote = gpu.get<nvmlPciInfo_t>("nvmlDeviceGetNvLinkRemotePciInfo_v2", link);
    if (remote && place == remote.value.busId.data()) ++links;
  }
  return links;
}

std::optional<double> link_speed(const Gpu& gpu) {
  constexpr unsigned kSpeed = 90;  // of nvmlDeviceGetFieldValues, in MB/s
  const auto speed = gpu.field(kSpeed);
  constexpr double kKilo = 1e-3;
  if (!speed) return std::nullopt;
  return speed.value.value.uiVal * kKilo;
}

}  // namespace doppel::smi
