// SPDX-License-Identifier: Apache-2.0
// Memory, and how busy the card is.
#include "smi/fields.h"

namespace doppel::smi {
namespace {

Field memory(const char* name, const char* about, unsigned long long nvmlMemory_v2_t::* part) {
  return {name, "", "MiB", about, [part](const Gpu& gpu) {
            nvmlMemory_v2_t info{.version = version_of<nvmlMemory_v2_t>(2)};
            const nvmlReturn_t code = gpu.call("nvmlDeviceGetMemoryInfo_v2", &info);
            return of_bytes(code, info.*part);
          }};
}

Field window(const char* name, const char* about, unsigned long long nvmlBAR1Memory_t::* part) {
  return {name, "", "MiB", about, [part](const Gpu& gpu) {
            const auto info = gpu.get<nvmlBAR1Memory_t>("nvmlDeviceGetBAR1MemoryInfo");
            return of_bytes(info.code, info.value.*part);
          }};
}

Field share(const char* name, const char* about, unsigned nvmlUtilization_t::* part) {
  return {name, "", "%", about, [part](const Gpu& gpu) {
            const auto rates = gpu.get<nvmlUtilization_t>("nvmlDeviceGetUtilizationRates");
            return number(Answer<unsigned>{rates.code, rates.value.*part});
          }};
}

Field engine(const char* name, const char* about, const char* function) {
  return {name, "", "%", about, [function](const Gpu& gpu) {
            unsigned used = 0, period_us = 0;
            const nvmlReturn_t code = gpu.call(function, &used, &period_us);
            return number(Answer<unsigned>{code, used});
          }};
}

enum class Part { Sessions, Frames, Latency };
Field sessions(const char* name, const char* unit, const char* about, const char* function, Part part) {
  return {name, "", unit, about, [function, part](const Gpu& gpu) {
            unsigned count = 0, frames = 0, latency = 0;
            const nvmlReturn_t code = gpu.call(function, &count, &frames, &latency);
            return number(Answer<unsigned>{code, part == Part::Sessions ? count
                                                 : part == Part::Frames ? frames
                                                                        : latency});
          }};
}

}  // namespace

void add_use_fields(std::vector<Field>& to) {
  constexpr const char* kEncoder = "nvmlDeviceGetEncoderStats";
  to.insert(
      to.end(),
      {
          memory("memory.total", "of the board", &nvmlMemory_v2_t::total),
          memory("memory.reserved", "that the driver and the card keep", &nvmlMemory_v2_t::reserved),
          memory("memory.used", "by processes", &nvmlMemory_v2_t::used),
          memory("memory.free", "that processes may still take", &nvmlMemory_v2_t::free),
          window("bar1.memory.total", "of the window through which the host sees the card's memory",
                 &nvmlBAR1Memory_t::bar1Total),
          window("bar1.memory.used", "of it in use", &nvmlBAR1Memory_t::bar1Used),
          window("bar1.memory.free", "of it not in use", &nvmlBAR1Memory_t::bar1Free),
          share("utilization.gpu", "share of time in which a kernel ran", &nvmlUtilization_t::gpu),
          share("utilization.memory", "bytes moved, of those that the memory could move",
                &nvmlUtilization_t::memory),
          engine("utilization.encoder", "share of time in which the video encoder ran",
                 "nvmlDeviceGetEncoderUtilization"),
          engine("utilization.decoder", "share of time in which the video decoder ran",
                 "nvmlDeviceGetDecoderUtilization"),
          engine("utilization.jpeg", "share of time in which the JPEG decoder ran",
                 "nvmlDeviceGetJpgUtilization"),
          engine("utilization.ofa", "share of time in which the optical flow engine ran",
                 "nvmlDeviceGetOfaUtilization"),
          sessions("encoder.stats.sessionCount", "", "sessions of the video encoder", kEncoder,
                   Part::Sessions),
          sessions("encoder.stats.averageFps", "", "their frames a second", kEncoder, Part::Frames),
          sessions("encoder.stats.averageLatency", "", "and microseconds of each", kEncoder, Part::Latency),
      });
}

}  // namespace doppel::smi
