// SPDX-License-Identifier: Apache-2.0
// Modes of a card: ECC, compute, persistence, display, accounting.
#include <array>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

template <typename Value>
nvmlReturn_t mode(const char* function, nvmlDevice_t device, int* to, Value value) {
  return of_card(function, device, [&](const Card& card) { return *to = value(card), NVML_SUCCESS; }, to);
}

int ecc(const Card& card) { return card.card().memory.ecc ? 1 : 0; }

// The double's memory makes no errors; counters are there where ECC is on.
template <typename Store, typename Pointer>
nvmlReturn_t count_errors(const char* function, nvmlDevice_t device, int type, int counter, Pointer* to,
                          Store store) {
  return of_card(
      function, device,
      [&](const Card& card) {
        if (type < 0 || type >= NVML_MEMORY_ERROR_TYPE_COUNT || counter < 0 ||
            counter >= NVML_ECC_COUNTER_TYPE_COUNT)
          return NVML_ERROR_INVALID_ARGUMENT;
        if (!card.card().memory.ecc) return NVML_ERROR_NOT_SUPPORTED;
        store();
        return NVML_SUCCESS;
      },
      to);
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

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, nvmlEnableState_t* now, nvmlEnableState_t* pending) {
  return of_state(
      __func__, device,
      [&](const Card& card, const doppel::node::CardState& state) {
        *now = ecc(card);
        *pending = state.pending_ecc ? static_cast<int>(*state.pending_ecc) : *now;
        return NVML_SUCCESS;
      },
      now, pending);
}
nvmlReturn_t nvmlDeviceSetEccMode(nvmlDevice_t device, nvmlEnableState_t value) {
  return of_card(__func__, device, [&](const Card& card) {
    if (value != 0 && value != 1) return NVML_ERROR_INVALID_ARGUMENT;
    return doppel::api::answer<NvmlApi>(card.node().set_pending_ecc(card.number(), value == 1));
  });
}
nvmlReturn_t nvmlDeviceGetDefaultEccMode(nvmlDevice_t device, nvmlEnableState_t* value) {
  return mode(__func__, device, value, ecc);
}
nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int type, int counter,
                                         unsigned long long* count) {
  return count_errors(__func__, device, type, counter, count, [&] { *count = 0; });
}
nvmlReturn_t nvmlDeviceGetDetailedEccErrors(nvmlDevice_t device, int type, int counter,
                                            nvmlEccErrorCounts_t* counts) {
  return count_errors(__func__, device, type, counter, counts, [&] { *counts = {}; });
}
nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, int type, int counter, int location,
                                             unsigned long long* count) {
  if (location < 0 || location >= NVML_MEMORY_LOCATION_COUNT)
    return of_card(__func__, device, [](const Card& /*card*/) { return NVML_ERROR_INVALID_ARGUMENT; });
  return count_errors(__func__, device, type, counter, count, [&] { *count = 0; });
}
nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned* corrected, unsigned* uncorrected,
                                       unsigned* pending, unsigned* failed) {
  return of_card(
      __func__, device,
      [&](const Card& /*card*/) { return *corrected = *uncorrected = *pending = *failed = 0, NVML_SUCCESS; },
      corrected, uncorrected, pending, failed);
}

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
