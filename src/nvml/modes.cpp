// SPDX-License-Identifier: Apache-2.0
// Modes of a card: compute, persistence, display, accounting.
#include <array>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

template <typename Value>
nvmlReturn_t mode(const char* function, nvmlDevice_t device, int* to, Value value) {
  return of_card(function, device, [&](const Card& card) { return *to = value(card), NVML_SUCCESS; }, to);
}

// Only what is so already can be set.
nvmlReturn_t keep(const char* function, nvmlDevice_t device, int mode, int most, int now) {
  return of_card(function, device, [&](const Card& /*card*/) {
    if (mode < 0 || mode >= most) return NVML_ERROR_INVALID_ARGUMENT;
    return mode == now ? NVML_SUCCESS : NVML_ERROR_NOT_SUPPORTED;
  });
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, int* value) {
  return of_state(
      __func__, device,
      [&](const Card& /*card*/, const doppel::node::CardState& state) {
        return *value = static_cast<int>(state.compute_mode), NVML_SUCCESS;
      },
      value);
}
// A mode for one thread is long gone from CUDA.
nvmlReturn_t nvmlDeviceSetComputeMode(nvmlDevice_t device, int value) {
  return of_card(__func__, device, [&](const Card& card) {
    if (value < 0 || value >= NVML_COMPUTEMODE_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
    if (value == NVML_COMPUTEMODE_EXCLUSIVE_THREAD) return NVML_ERROR_NOT_SUPPORTED;
    return doppel::api::answer<NvmlApi>(
        card.node().set_compute_mode(card.number(), static_cast<doppel::node::ComputeMode>(value)));
  });
}
// What is set of a card stays with the node.
nvmlReturn_t nvmlDeviceGetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t* value) {
  return mode(__func__, device, value, [](const Card& /*card*/) { return 1; });
}
nvmlReturn_t nvmlDeviceSetPersistenceMode(nvmlDevice_t device, nvmlEnableState_t value) {
  return keep(__func__, device, value, 2, 1);
}
nvmlReturn_t nvmlDeviceGetDisplayMode(nvmlDevice_t device, nvmlEnableState_t* value) {
  return mode(__func__, device, value, [](const Card& /*card*/) { return 0; });
}
nvmlReturn_t nvmlDeviceGetDisplayActive(nvmlDevice_t device, nvmlEnableState_t* value) {
  return mode(__func__, device, value, [](const Card& /*card*/) { return 0; });
}
nvmlReturn_t nvmlDeviceGetAccountingMode(nvmlDevice_t device, nvmlEnableState_t* value) {
  return mode(__func__, device, value, [](const Card& /*card*/) { return 0; });
}
nvmlReturn_t nvmlDeviceGetVirtualizationMode(nvmlDevice_t device, int* value) {
  return mode(__func__, device, value, [](const Card& /*card*/) { return 0; });  // none
}

}  // extern "C"
