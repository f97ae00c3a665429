// SPDX-License-Identifier: Apache-2.0
// Clocks: as they are, as they may be, and locked.
#include <algorithm>

#include "node/process_life.h"
#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

bool is_clock(int type) { return type >= 0 && type < NVML_CLOCK_COUNT; }

// The double has no video clock of its own.
bool is_known(int type) { return is_clock(type) && type != NVML_CLOCK_VIDEO; }

unsigned memory_clock(const Card& card, const node::CardState& state) {
  const int idle = card.card().management.idle_memory_mhz;
  return !state.awake && idle > 0 ? static_cast<unsigned>(idle) : rounded(card.card().memory.clock_mhz);
}

unsigned highest(const Card& card, int type) {
  return rounded(type == NVML_CLOCK_MEM ? card.card().memory.clock_mhz : card.card().clocks.max_mhz);
}

// What it runs at by default when a program computes.
unsigned of_applications(const Card& card, int type) {
  return rounded(type == NVML_CLOCK_MEM ? card.card().memory.clock_mhz : card.card().clocks.boost_mhz);
}

nvmlReturn_t current(const char* function, nvmlDevice_t device, int type, unsigned* mhz) {
  return of_state(
      function, device,
      [&](const Card& card, const node::CardState& state) {
        if (!is_clock(type)) return NVML_ERROR_INVALID_ARGUMENT;
        if (!is_known(type)) return NVML_ERROR_NOT_SUPPORTED;
        *mhz = type == NVML_CLOCK_MEM ? memory_clock(card, state) : rounded(state.clock_mhz);
        return NVML_SUCCESS;
      },
      mhz);
}

template <typename Value>
nvmlReturn_t fixed(const char* function, nvmlDevice_t device, int type, unsigned* mhz, Value value) {
  return of_card(
      function, device,
      [&](const Card& card) {
        if (!is_clock(type)) return NVML_ERROR_INVALID_ARGUMENT;
        if (!is_known(type)) return NVML_ERROR_NOT_SUPPORTED;
        *mhz = value(card, type);
        return NVML_SUCCESS;
      },
      mhz);
}

// Stores as many as there is room for; `count` is the room, and then how many there are.
nvmlReturn_t list(const std::vector<unsigned>& values, unsigned* count, unsigned* to) {
  const unsigned room = *count;
  *count = static_cast<unsigned>(values.size());
  if (room < values.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
  if (to == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
  std::ranges::copy(values, to);
  return NVML_SUCCESS;
}

std::vector<unsigned> memory_clocks(const Card& card) {
  std::vector<unsigned> clocks = {rounded(card.card().memory.clock_mhz)};
  if (const int idle = card.card().management.idle_memory_mhz; idle > 0)
    clocks.push_back(static_cast<unsigned>(idle));
  return clocks;
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlDeviceGetClockInfo(nvmlDevice_t device, int type, unsigned* mhz) {
  return current(__func__, device, type, mhz);
}
nvmlReturn_t nvmlDeviceGetMaxClockInfo(nvmlDevice_t device, int type, unsigned* mhz) {
  return fixed(__func__, device, type, mhz, highest);
}
nvmlReturn_t nvmlDeviceGetMaxCustomerBoostClock(nvmlDevice_t device, int type, unsigned* mhz) {
  return fixed(__func__, device, type, mhz, highest);
}
nvmlReturn_t nvmlDeviceGetApplicationsClock(nvmlDevice_t device, int type, unsigned* mhz) {
  return fixed(__func__, device, type, mhz, of_applications);
}
nvmlReturn_t nvmlDeviceGetDefaultApplicationsClock(nvmlDevice_t device, int type, unsigned* mhz) {
  return fixed(__func__, device, type, mhz, of_applications);
}
nvmlReturn_t nvmlDeviceGetClock(nvmlDevice_t device, int type, int id, unsigned* mhz) {
  if (id == NVML_CLOCK_ID_CURRENT) return current(__func__, device, type, mhz);
  if (id == NVML_CLOCK_ID_CUSTOMER_BOOST_MAX) return fixed(__func__, device, type, mhz, highest);
  if (id == NVML_CLOCK_ID_APP_CLOCK_TARGET || id == NVML_CLOCK_ID_APP_CLOCK_DEFAULT)
    return fixed(__func__, device, type, mhz, of_applications);
  return of_card(__func__, device, [](const Card& /*card*/) { return NVML_ERROR_INVALID_ARGUMENT; });
}
nvmlReturn_t nvmlDeviceGetSupportedMemoryClocks(nvmlDevice_t device, unsigned* count, unsigned* mhz) {
  return of_card(
      __func__, device, [&](const Card& card) { return list(memory_clocks(card), count, mhz); }, count);
}
nvmlReturn_t nvmlDeviceGetSupportedGraphicsClocks(nvmlDevice_t device, unsigned memory_mhz, unsigned* count,
                                                  unsigned* mhz) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        const std::vector<unsigned> of_memory = memory_clocks(card);
        if (std::ranges::find(of_memory, memory_mhz) == of_memory.end()) return NVML_ERROR_NOT_FOUND;
        std::vector<unsigned> clocks;
        const doppel::card::Power& power = card.card().power;
        for (double clock = card.card().clocks.max_mhz; clock >= power.min_mhz; clock -= power.clock_step_mhz)
          clocks.push_back(rounded(clock));
        return list(clocks, count, mhz);
      },
      count);
}
nvmlReturn_t nvmlDeviceSetGpuLockedClocks(nvmlDevice_t device, unsigned min_mhz, unsigned max_mhz) {
  return of_card(__func__, device, [&](const Card& card) {
    if (min_mhz == 0 && max_mhz == 0) return NVML_ERROR_INVALID_ARGUMENT;
    return doppel::api::answer<NvmlApi>(
        card.node().lock_clocks(card.number(), min_mhz, max_mhz, doppel::node::wall_ns()));
  });
}
nvmlReturn_t nvmlDeviceResetGpuLockedClocks(nvmlDevice_t device) {
  return of_card(__func__, device, [&](const Card& card) {
    return doppel::api::answer<NvmlApi>(
        card.node().lock_clocks(card.number(), 0, 0, doppel::node::wall_ns()));
  });
}

}  // extern "C"
