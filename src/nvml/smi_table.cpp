// SPDX-License-Identifier: Apache-2.0
// What NVIDIA's own nvidia-smi asks beside the public interface: a table of functions, by an id. NVIDIA
// describes those of it that its tool calls in the source of a stand-in library for tests
// (github.com/NVIDIA/k8s-test-infra, pkg/gpu/mocknvml/bridge/internal.go @19ab4e0): their places in the
// table, what they take, and the layout of an entry. The others are refused, which the tool takes for a card
// that lacks something.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

constexpr std::array<unsigned char, 16> kId = {0xc4, 0xfe, 0x3e, 0x6c, 0xc9, 0x8f, 0x6c, 0x4e,
                                               0xa3, 0x27, 0xee, 0x69, 0x6e, 0x12, 0xf7, 0xc4};
constexpr std::size_t kPlaces = 256;  // of functions, and the length before them
constexpr std::size_t kComputeProcesses = 213, kGraphicsProcesses = 214, kSharedProcesses = 215;
constexpr std::size_t kGenerationOfSlot = 230;

// An entry of the list of processes.
struct Process {
  nvmlProcessDetail_v1_t numbers;
  std::array<char, 4096> name;
};
static_assert(sizeof(Process) == 4128);

// `count` is the room, and then how many there are. Of a card in MIG mode, the tool asks each MIG device.
nvmlReturn_t processes(nvmlDevice_t device, unsigned* count, Process* to) {
  return of_device_state(
      "nvidia-smi's list of processes", device,
      [&](const Card& /*card*/, const node::CardState& state, const MigDevice* /*mig*/) {
        const std::size_t stored = std::min<std::size_t>(*count, state.processes.size());
        for (std::size_t i = 0; i < stored; ++i) {
          const node::ProcessState& process = state.processes[i];
          Process& entry = to[i];
          entry.numbers = {static_cast<unsigned>(process.pid), process.used_bytes,
                           number_of(process.instance.gpu), number_of(process.instance.compute), 0};
          const std::string name = name_of_process(static_cast<unsigned>(process.pid));
          const std::size_t length = std::min(name.size(), entry.name.size() - 1);
          std::memcpy(entry.name.data(), name.data(), length);
          entry.name[length] = '\0';
        }
        *count = static_cast<unsigned>(stored);
        return NVML_SUCCESS;
      },
      count, to);
}

// The double has no graphics, and no daemon that shares a context.
nvmlReturn_t no_processes(nvmlDevice_t device, unsigned* count, Process* /*to*/) {
  return of_device(
      "nvidia-smi's list of processes", device,
      [&](const Card& /*card*/, const MigDevice* /*mig*/) { return *count = 0, NVML_SUCCESS; }, count);
}

// Not where nothing says what the slot has.
nvmlReturn_t generation_of_slot(nvmlDevice_t device, unsigned* generation) {
  return of_card(
      "nvidia-smi's generation of a slot", device,
      [&](const Card& card) {
        if (card.name().slot.pcie_generation == 0) return NVML_ERROR_NOT_SUPPORTED;
        return *generation = static_cast<unsigned>(card.name().slot.pcie_generation), NVML_SUCCESS;
      },
      generation);
}

nvmlReturn_t refused() { return NVML_ERROR_NOT_SUPPORTED; }

struct Table {
  std::size_t bytes = sizeof(Table);
  std::array<const void*, kPlaces - 1> functions{};
};

const Table& table() {
  static const Table made = [] {
    Table all;
    all.functions.fill(reinterpret_cast<const void*>(refused));
    all.functions[kComputeProcesses - 1] = reinterpret_cast<const void*>(processes);
    all.functions[kGraphicsProcesses - 1] = all.functions[kSharedProcesses - 1] =
        reinterpret_cast<const void*>(no_processes);
    all.functions[kGenerationOfSlot - 1] = reinterpret_cast<const void*>(generation_of_slot);
    return all;
  }();
  return made;
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlInternalGetExportTable(const void** to, const void* id) {
  if (to == nullptr || id == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
  if (std::memcmp(id, kId.data(), kId.size()) != 0) return NVML_ERROR_NOT_FOUND;
  *to = &table();
  return NVML_SUCCESS;
}

}  // extern "C"
