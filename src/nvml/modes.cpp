// SPDX-License-Identifier: Apache-2.0
// Modes of a card: MIG, compute, persistence, display, accounting.
#include <algorithm>
#include <array>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

template <typename Value>
nvmlReturn_t mode(const char* function, nvmlDevice_t device, int* to, Value value) {
  return of_card(function, device, [&](const Card& card) { return *to = value(card), NVML_SUCCESS; }, to);
}

// How many instances the card can be split into; 0: it cannot.
unsigned most_instances(const Card& card) {
  int most = 0;
  for (const card::PartitionProfile& each : card.card().partitions) most = std::max(most, each.max_instances);
  return static_cast<unsigned>(most);
}

// body() of a card that can be split.
template <typename Body, typename... Pointers>
nvmlReturn_t of_splittable(const char* function, nvmlDevice_t device, Body body, Pointers*... needed) {
  return of_card(
      function, device,
      [&](const Card& card) { return most_instances(card) == 0 ? NVML_ERROR_NOT_SUPPORTED : body(card); },
      needed...);
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

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned* now, unsigned* pending) {
  return of_splittable(
      __func__, device, [&](const Card& /*card*/) { return *now = *pending = 0, NVML_SUCCESS; }, now,
      pending);
}
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned* count) {
  return of_card(
      __func__, device, [&](const Card& card) { return *count = most_instances(card), NVML_SUCCESS; }, count);
}
nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t device, unsigned* is) {
  return of_card(__func__, device, [&](const Card& /*card*/) { return *is = 0, NVML_SUCCESS; }, is);
}
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index,
                                                 nvmlDevice_t* instance) {
  return of_splittable(
      __func__, device,
      [&](const Card& card) {
        return index >= most_instances(card) ? NVML_ERROR_INVALID_ARGUMENT : NVML_ERROR_NOT_FOUND;
      },
      instance);
}

nvmlReturn_t nvmlDeviceGetComputeMode(nvmlDevice_t device, int* value) {
  return mode(__func__, device, value, [](const Card& /*card*/) { return int{NVML_COMPUTEMODE_DEFAULT}; });
}
nvmlReturn_t nvmlDeviceSetComputeMode(nvmlDevice_t device, int value) {
  return keep(__func__, device, value, NVML_COMPUTEMODE_COUNT, NVML_COMPUTEMODE_DEFAULT);
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
