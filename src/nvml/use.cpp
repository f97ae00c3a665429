// SPDX-License-Identifier: Apache-2.0
// What is in use, and by whom: memory, shares of time, processes.
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>
#include <unistd.h>

#include "card/ecc.h"
#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

// The period over which rates are formed: the last stretch of work, which lasts half a second.
constexpr unsigned kPeriodUs = 500'000;

struct Memory {
  std::uint64_t total = 0, reserved = 0, used = 0;
};
// Of a MIG device: its GPU instance's, of which nothing is reserved.
Memory memory_of(const Card& card, const node::CardState& state, const MigDevice* mig) {
  Memory memory;
  if (mig != nullptr)
    return {static_cast<std::uint64_t>(mig->instance.profile->memory_mib) << 20, 0, state.used_bytes};
  const card::Memory there = card::memory_with_ecc(card.card(), state.ecc);
  memory.total = static_cast<std::uint64_t>(there.board_bytes);
  memory.reserved = memory.total - static_cast<std::uint64_t>(there.bytes);
  memory.used = state.used_bytes;
  return memory;
}

nvmlProcessInfo_v1_t& fill(nvmlProcessInfo_v1_t& info, const node::ProcessState& process) {
  return info = {static_cast<unsigned>(process.pid), process.used_bytes};
}
nvmlProcessInfo_v2_t& fill(nvmlProcessInfo_v2_t& info, const node::ProcessState& process) {
  return info = {static_cast<unsigned>(process.pid), process.used_bytes, number_of(process.instance.gpu),
                 number_of(process.instance.compute)};
}

template <typename Info>
nvmlReturn_t compute_processes(const char* function, nvmlDevice_t device, unsigned* count, Info* infos) {
  return of_device_state(
      function, device,
      [&](const Card& /*card*/, const node::CardState& state, const MigDevice* /*mig*/) {
        const unsigned room = *count;
        if (room > 0 && infos == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
        *count = static_cast<unsigned>(state.processes.size());
        if (room < state.processes.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
        for (std::size_t i = 0; i < state.processes.size(); ++i) fill(infos[i], state.processes[i]);
        return NVML_SUCCESS;
      },
      count);
}

// The double has no graphics, and no daemon that shares a context.
nvmlReturn_t no_processes(const char* function, nvmlDevice_t device, unsigned* count) {
  return of_device(
      function, device,
      [&](const Card& /*card*/, const MigDevice* /*mig*/) { return *count = 0, NVML_SUCCESS; }, count);
}

// Of engines that the card has, and the double does not run yet.
nvmlReturn_t engine_use(const char* function, nvmlDevice_t device, unsigned* used, unsigned* period_us,
                        int card::Engines::* engines) {
  return of_state(
      function, device,
      [&](const Card& card, const node::CardState& state) {
        if (state.mig || card.card().engines.*engines == 0) return NVML_ERROR_NOT_SUPPORTED;
        *used = 0;
        *period_us = kPeriodUs;
        return NVML_SUCCESS;
      },
      used, period_us);
}

unsigned long long epoch_us() {
  timespec now{};
  syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
  return static_cast<unsigned long long>(now.tv_sec) * 1'000'000 +
         static_cast<unsigned long long>(now.tv_nsec) / 1000;
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;
using doppel::node::CardState;

nvmlReturn_t nvmlDeviceGetMemoryInfo(nvmlDevice_t device, nvmlMemory_t* info) {
  return of_device_state(
      __func__, device,
      [&](const Card& card, const CardState& state, const MigDevice* mig) {
        const Memory memory = memory_of(card, state, mig);
        const std::uint64_t used = memory.reserved + memory.used;
        *info = {memory.total, memory.total - used, used};
        return NVML_SUCCESS;
      },
      info);
}
nvmlReturn_t nvmlDeviceGetMemoryInfo_v2(nvmlDevice_t device, nvmlMemory_v2_t* info) {
  return of_device_state(
      __func__, device,
      [&](const Card& card, const CardState& state, const MigDevice* mig) {
        if (info->version != version_of<nvmlMemory_v2_t>(2)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        const Memory memory = memory_of(card, state, mig);
        *info = {info->version, memory.total, memory.reserved, memory.total - memory.reserved - memory.used,
                 memory.used};
        return NVML_SUCCESS;
      },
      info);
}
// Nothing is mapped through the window: the host reaches the double's memory itself.
nvmlReturn_t nvmlDeviceGetBAR1MemoryInfo(nvmlDevice_t device, nvmlBAR1Memory_t* info) {
  return of_device(
      __func__, device,
      [&](const Card& card, const MigDevice* mig) {
        const double share = mig != nullptr ? mig->instance.profile->memory_fraction : 1;
        const auto bytes =
            static_cast<unsigned long long>(static_cast<double>(card.card().management.bar1_bytes) * share);
        if (bytes == 0) return NVML_ERROR_NOT_SUPPORTED;
        *info = {bytes, bytes, 0};
        return NVML_SUCCESS;
      },
      info);
}
// Of a card in MIG mode, the interface tells no utilisation.
nvmlReturn_t nvmlDeviceGetUtilizationRates(nvmlDevice_t device, nvmlUtilization_t* rates) {
  return of_state(
      __func__, device,
      [&](const Card& /*card*/, const CardState& state) {
        if (state.mig) return NVML_ERROR_NOT_SUPPORTED;
        *rates = {percent(state.busy), percent(state.memory)};
        return NVML_SUCCESS;
      },
      rates);
}
nvmlReturn_t nvmlDeviceGetEncoderUtilization(nvmlDevice_t device, unsigned* used, unsigned* period_us) {
  return engine_use(__func__, device, used, period_us, &doppel::card::Engines::nvenc);
}
nvmlReturn_t nvmlDeviceGetDecoderUtilization(nvmlDevice_t device, unsigned* used, unsigned* period_us) {
  return engine_use(__func__, device, used, period_us, &doppel::card::Engines::nvdec);
}
nvmlReturn_t nvmlDeviceGetJpgUtilization(nvmlDevice_t device, unsigned* used, unsigned* period_us) {
  return engine_use(__func__, device, used, period_us, &doppel::card::Engines::jpeg);
}
nvmlReturn_t nvmlDeviceGetOfaUtilization(nvmlDevice_t device, unsigned* used, unsigned* period_us) {
  return engine_use(__func__, device, used, period_us, &doppel::card::Engines::optical_flow);
}

nvmlReturn_t nvmlDeviceGetComputeRunningProcesses(nvmlDevice_t device, unsigned* count,
                                                  nvmlProcessInfo_v1_t* infos) {
  return compute_processes(__func__, device, count, infos);
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v2(nvmlDevice_t device, unsigned* count,
                                                     nvmlProcessInfo_v2_t* infos) {
  return compute_processes(__func__, device, count, infos);
}
nvmlReturn_t nvmlDeviceGetComputeRunningProcesses_v3(nvmlDevice_t device, unsigned* count,
                                                     nvmlProcessInfo_v2_t* infos) {
  return compute_processes(__func__, device, count, infos);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses(nvmlDevice_t device, unsigned* count,
                                                   nvmlProcessInfo_v1_t* /*infos*/) {
  return no_processes(__func__, device, count);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v2(nvmlDevice_t device, unsigned* count,
                                                      nvmlProcessInfo_v2_t* /*infos*/) {
  return no_processes(__func__, device, count);
}
nvmlReturn_t nvmlDeviceGetGraphicsRunningProcesses_v3(nvmlDevice_t device, unsigned* count,
                                                      nvmlProcessInfo_v2_t* /*infos*/) {
  return no_processes(__func__, device, count);
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses(nvmlDevice_t device, unsigned* count,
                                                     nvmlProcessInfo_v1_t* /*infos*/) {
  return no_processes(__func__, device, count);
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v2(nvmlDevice_t device, unsigned* count,
                                                        nvmlProcessInfo_v2_t* /*infos*/) {
  return no_processes(__func__, device, count);
}
nvmlReturn_t nvmlDeviceGetMPSComputeRunningProcesses_v3(nvmlDevice_t device, unsigned* count,
                                                        nvmlProcessInfo_v2_t* /*infos*/) {
  return no_processes(__func__, device, count);
}
nvmlReturn_t nvmlDeviceGetRunningProcessDetailList(nvmlDevice_t device, nvmlProcessDetailList_v1_t* list) {
  return of_device_state(
      __func__, device,
      [&](const Card& /*card*/, const CardState& state, const MigDevice* /*mig*/) {
        if (list->version != version_of<nvmlProcessDetailList_v1_t>(1))
          return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        constexpr unsigned kCompute = 0, kGraphics = 1, kShared = 2, kAll = 3;
        if (list->mode > kAll) return NVML_ERROR_INVALID_ARGUMENT;
        const bool none = list->mode == kGraphics || list->mode == kShared;
        static_assert(kCompute == 0);
        const std::size_t count = none ? 0 : state.processes.size();
        const unsigned room = list->numProcArrayEntries;
        list->numProcArrayEntries = static_cast<unsigned>(count);
        if (room < count) return NVML_ERROR_INSUFFICIENT_SIZE;
        if (count > 0 && list->procArray == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
        for (std::size_t i = 0; i < count; ++i) {
          const doppel::node::ProcessState& process = state.processes[i];
          list->procArray[i] = {static_cast<unsigned>(process.pid), process.used_bytes,
                                number_of(process.instance.gpu), number_of(process.instance.compute), 0};
        }
        return NVML_SUCCESS;
      },
      list);
}
// Of each process one sample: now.
nvmlReturn_t nvmlDeviceGetProcessUtilization(nvmlDevice_t device, nvmlProcessUtilizationSample_t* samples,
                                             unsigned* count, unsigned long long last_seen_us) {
  return of_state(
      __func__, device,
      [&](const Card& /*card*/, const CardState& state) {
        if (state.mig) return NVML_ERROR_NOT_SUPPORTED;
        const unsigned long long now_us = epoch_us();
        const std::size_t fresh = now_us > last_seen_us ? state.processes.size() : 0;
        const unsigned room = *count;
        *count = static_cast<unsigned>(fresh);
        if (fresh == 0) return NVML_ERROR_NOT_FOUND;
        if (samples == nullptr || room < fresh) return NVML_ERROR_INSUFFICIENT_SIZE;
        for (std::size_t i = 0; i < fresh; ++i) {
          const doppel::node::ProcessState& process = state.processes[i];
          samples[i] = {static_cast<unsigned>(process.pid),
                        now_us,
                        percent(process.busy),
                        percent(process.memory),
                        0,
                        0};
        }
        return NVML_SUCCESS;
      },
      count);
}

}  // extern "C"
