// SPDX-License-Identifier: Apache-2.0
// ECC: its mode, what it has counted, and rows that were remapped.
#include "node/ecc.h"

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

using node::EccState;

template <typename Body, typename... Pointers>
nvmlReturn_t of_ecc(const char* function, nvmlDevice_t device, Body body, Pointers*... needed) {
  return of_card(
      function, device,
      [&](const Card& card) {
        const Result<EccState> state = card.ecc().state();
        if (!state) return api::to_result<NvmlApi>(state.error());
        return state->supported ? body(card, *state) : NVML_ERROR_NOT_SUPPORTED;
      },
      needed...);
}

// Counters are there where ECC is on. store: is given the number of errors.
template <typename Store, typename Pointer>
nvmlReturn_t count_errors(const char* function, nvmlDevice_t device, int type, int counter, Pointer* to,
                          Store store) {
  return of_card(
      function, device,
      [&](const Card& card) {
        if (type < 0 || type >= NVML_MEMORY_ERROR_TYPE_COUNT || counter < 0 ||
            counter >= NVML_ECC_COUNTER_TYPE_COUNT)
          return NVML_ERROR_INVALID_ARGUMENT;
        const Result<EccState> state = card.ecc().state();
        if (!state) return api::to_result<NvmlApi>(state.error());
        if (!state->on) return NVML_ERROR_NOT_SUPPORTED;
        const node::EccCounts& counts = counter == NVML_VOLATILE_ECC ? state->since_reset : state->in_all;
        store(type == NVML_MEMORY_ERROR_TYPE_CORRECTED ? counts.corrected : counts.uncorrectable);
        return NVML_SUCCESS;
      },
      to);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlDeviceGetEccMode(nvmlDevice_t device, nvmlEnableState_t* now, nvmlEnableState_t* pending) {
  return of_ecc(
      __func__, device,
      [&](const Card& /*card*/, const EccState& state) {
        *now = state.on ? 1 : 0;
        *pending = state.pending ? 1 : 0;
        return NVML_SUCCESS;
      },
      now, pending);
}
nvmlReturn_t nvmlDeviceGetDefaultEccMode(nvmlDevice_t device, nvmlEnableState_t* value) {
  return of_ecc(
      __func__, device,
      [&](const Card& /*card*/, const EccState& state) {
        return *value = state.on_by_default ? 1 : 0, NVML_SUCCESS;
      },
      value);
}
nvmlReturn_t nvmlDeviceSetEccMode(nvmlDevice_t device, nvmlEnableState_t value) {
  return of_ecc(__func__, device, [&](const Card& card, const EccState& /*state*/) {
    if (value != 0 && value != 1) return NVML_ERROR_INVALID_ARGUMENT;
    return doppel::api::answer<NvmlApi>(card.ecc().set_mode(value == 1));
  });
}
nvmlReturn_t nvmlDeviceClearEccErrorCounts(nvmlDevice_t device, int counter) {
  return of_ecc(__func__, device, [&](const Card& card, const EccState& /*state*/) {
    if (counter < 0 || counter >= NVML_ECC_COUNTER_TYPE_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
    return doppel::api::answer<NvmlApi>(card.ecc().clear_counts(counter == NVML_VOLATILE_ECC));
  });
}
nvmlReturn_t nvmlDeviceGetTotalEccErrors(nvmlDevice_t device, int type, int counter,
                                         unsigned long long* count) {
  return count_errors(__func__, device, type, counter, count, [&](std::uint64_t errors) { *count = errors; });
}
// All are of the memory: the double's caches and registers make none.
nvmlReturn_t nvmlDeviceGetDetailedEccErrors(nvmlDevice_t device, int type, int counter,
                                            nvmlEccErrorCounts_t* counts) {
  return count_errors(__func__, device, type, counter, counts,
                      [&](std::uint64_t errors) { *counts = {.deviceMemory = errors}; });
}
nvmlReturn_t nvmlDeviceGetMemoryErrorCounter(nvmlDevice_t device, int type, int counter, int location,
                                             unsigned long long* count) {
  if (location < 0 || location >= NVML_MEMORY_LOCATION_COUNT)
    return of_card(__func__, device, [](const Card& /*card*/) { return NVML_ERROR_INVALID_ARGUMENT; });
  return count_errors(__func__, device, type, counter, count, [&](std::uint64_t errors) {
    *count = location == NVML_MEMORY_LOCATION_DEVICE_MEMORY ? errors : 0;
  });
}
nvmlReturn_t nvmlDeviceGetRemappedRows(nvmlDevice_t device, unsigned* corrected, unsigned* uncorrected,
                                       unsigned* pending, unsigned* failed) {
  return of_ecc(
      __func__, device,
      [&](const Card& /*card*/, const EccState& state) {
        *corrected = 0;
        *uncorrected = state.remapped_rows;
        *pending = state.remap_pending ? 1 : 0;
        *failed = state.remap_failed ? 1 : 0;
        return NVML_SUCCESS;
      },
      corrected, uncorrected, pending, failed);
}

}  // extern "C"
