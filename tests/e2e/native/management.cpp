// SPDX-License-Identifier: Apache-2.0
// What the management library tells of a program while it runs, from inside of it: the driver and NVML see
// one card.
#include <dlfcn.h>
#include <doppel/nvml/types.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstring>
#include <string>

#include "card.h"
#include "expect.h"
#include "kernels.h"

namespace {

void* library = nullptr;

template <typename... Arguments>
nvmlReturn_t nvml(const char* name, Arguments... arguments) {
  void* const function = dlsym(library, name);
  if (function == nullptr) return NVML_ERROR_FUNCTION_NOT_FOUND;
  return reinterpret_cast<nvmlReturn_t (*)(Arguments...)>(function)(arguments...);
}

// "GPU-..." of the driver's bytes.
std::string text_of(const CUuuid& uuid) {
  std::string text = "GPU-";
  for (std::size_t i = 0; i < sizeof uuid.bytes; ++i) {
    std::array<char, 3> digits{};
    std::snprintf(digits.data(), digits.size(), "%02x", static_cast<unsigned char>(uuid.bytes[i]));
    text += digits.data();
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text;
}

}  // namespace

int main() {
  library = dlopen("libnvidia-ml.so.1", RTLD_NOW);
  e2e::expect(library != nullptr, "libnvidia-ml.so.1 is found");
  if (library == nullptr) return e2e::verdict();
  e2e::expect(nvml("nvmlInit_v2") == NVML_SUCCESS, "nvmlInit");

  const doppel::host::Card card;
  CUuuid uuid{};
  doppel::host::check(cuDeviceGetUuid(&uuid, 0), "cuDeviceGetUuid");
  nvmlDevice_t device = nullptr;
  e2e::expect(nvml("nvmlDeviceGetHandleByUUID", text_of(uuid).c_str(), &device) == NVML_SUCCESS,
              "the driver's card is found by its UUID");
  int bus = 0;
  doppel::host::check(cuDeviceGetAttribute(&bus, CU_DEVICE_ATTRIBUTE_PCI_BUS_ID, 0), "cuDeviceGetAttribute");
  nvmlPciInfo_t place{};
  e2e::expect(nvml("nvmlDeviceGetPciInfo_v3", device, &place) == NVML_SUCCESS &&
                  place.bus == static_cast<unsigned>(bus),
              "and is at its place");

  std::array<nvmlProcessInfo_v2_t, 8> processes{};
  const auto own_memory = [&] {
    unsigned count = processes.size();
    if (nvml("nvmlDeviceGetComputeRunningProcesses_v3", device, &count, processes.data()) != NVML_SUCCESS)
      return -1LL;
    for (unsigned i = 0; i < count; ++i) {
      if (processes[i].pid == static_cast<unsigned>(getpid()))
        return static_cast<long long>(processes[i].usedGpuMemory);
    }
    return -1LL;
  };
  const long long before = own_memory();
  e2e::expect(before >= 0, "a process with a context is told");
  CUdeviceptr address = 0;
  constexpr long long kBytes = 64LL << 20;
  doppel::host::check(cuMemAlloc(&address, kBytes), "cuMemAlloc");
  e2e::expect(own_memory() == before + kBytes, "its memory is told");

  const doppel::host::Module module(e2e::kFaultsPtx);
  unsigned value = 7;
  std::array<void*, 2> arguments{&address, &value};
  doppel::host::check(
      cuLaunchKernel(module.kernel("fill"), 4096, 1, 1, 256, 1, 1, 0, nullptr, arguments.data(), nullptr),
      "cuLaunchKernel");
  doppel::host::check(cuCtxSynchronize(), "cuCtxSynchronize");
  nvmlUtilization_t rates{};
  int state = -1;
  unsigned power = 0;
  nvml("nvmlDeviceGetUtilizationRates", device, &rates);
  nvml("nvmlDeviceGetPerformanceState", device, &state);
  nvml("nvmlDeviceGetPowerUsage", device, &power);
  e2e::expect(rates.gpu > 0, "a card that has just run a kernel is busy");
  e2e::expect(state >= 0 && state < 8, "and not in its idle state");
  e2e::expect(power > 50'000, "and draws power");

  doppel::host::check(cuMemFree(address), "cuMemFree");
  e2e::expect(own_memory() == before, "freed memory is told");
  e2e::expect(nvml("nvmlShutdown") == NVML_SUCCESS, "nvmlShutdown");
  return e2e::verdict();
}
