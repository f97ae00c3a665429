// SPDX-License-Identifier: Apache-2.0
// Event sets: what processes tell the node of faults (XIDs), waited for.
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>
#include <unistd.h>

#include <memory>
#include <mutex>
#include <set>
#include <vector>

#include "card/ecc.h"
#include "node/process_life.h"
#include "nvml/nvml_api.h"

struct nvmlEventSet_st {
  struct Watched {
    int card;
    unsigned long long types;
    std::uint64_t seen;
  };
  std::mutex mutex;
  std::vector<Watched> watched;
};

namespace doppel::nvml {
namespace {

struct Sets {
  std::mutex mutex;
  std::set<std::shared_ptr<nvmlEventSet_st>> all;
  std::shared_ptr<nvmlEventSet_st> find(nvmlEventSet_t handle) {
    const std::lock_guard lock(mutex);
    for (const auto& each : all) {
      if (each.get() == handle) return each;
    }
    return nullptr;
  }
};
Sets& sets() {
  static auto* const made = new Sets;
  return *made;
}

unsigned long long known_events(const Card& card) {
  return kEventXid | (card::has_ecc(card.card()) ? kEventSingleBitEcc | kEventDoubleBitEcc : 0) |
         (card.card().partitions.empty() ? 0 : kEventMigChanged);
}

// The oldest event that was not seen, if any.
bool take(const Machine& here, nvmlEventSet_st& set, nvmlEventData_t& data) {
  const std::lock_guard lock(set.mutex);
  for (nvmlEventSet_st::Watched& each : set.watched) {
    const Card& card = here.cards()[static_cast<std::size_t>(each.card)];
    while (const auto event = card.node().next_event(each.card, each.seen)) {
      if ((event->type & each.types) == 0) continue;
      const auto number = [](std::int32_t of) { return of < 0 ? kNoInstance : static_cast<unsigned>(of); };
      data = {card.handle(), event->type, event->data, number(event->instance.gpu),
              number(event->instance.compute)};
      return true;
    }
  }
  return false;
}

nvmlReturn_t wait(const char* function, nvmlEventSet_t handle, nvmlEventData_t* data, unsigned timeout_ms) {
  auto body = [&]() -> nvmlReturn_t {
    constexpr std::int64_t kNsPerMs = 1'000'000;
    constexpr timespec kTick{0, 5'000'000};
    const auto set = sets().find(handle);
    if (machine() == nullptr) return NVML_ERROR_UNINITIALIZED;
    if (set == nullptr || data == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    const std::int64_t end_ns = node::wall_ns() + timeout_ms * kNsPerMs;
    while (true) {
      const auto here = machine();
      if (here == nullptr) return NVML_ERROR_UNINITIALIZED;
      if (take(*here, *set, *data)) return NVML_SUCCESS;
      if (node::wall_ns() >= end_ns) return NVML_ERROR_TIMEOUT;
      syscall(SYS_clock_nanosleep, CLOCK_MONOTONIC, 0, &kTick, nullptr);
    }
  };
  return api::call_always<NvmlApi>(function, std::tuple(static_cast<const void*>(handle), timeout_ms), body);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlEventSetCreate(nvmlEventSet_t* set) {
  return of_machine(__func__, [&](const Machine& /*here*/) {
    if (set == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    auto made = std::make_shared<nvmlEventSet_st>();
    *set = made.get();
    const std::lock_guard lock(sets().mutex);
    sets().all.insert(std::move(made));
    return NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlEventSetFree(nvmlEventSet_t set) {
  return of_machine(__func__, [&](const Machine& /*here*/) {
    const auto found = sets().find(set);
    if (found == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    const std::lock_guard lock(sets().mutex);
    sets().all.erase(found);
    return NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlDeviceGetSupportedEventTypes(nvmlDevice_t device, unsigned long long* types) {
  return of_card(
      __func__, device, [&](const Card& card) { return *types = known_events(card), NVML_SUCCESS; }, types);
}
// From now on: what was before is not told.
nvmlReturn_t nvmlDeviceRegisterEvents(nvmlDevice_t device, unsigned long long types, nvmlEventSet_t set) {
  return of_card(__func__, device, [&](const Card& card) {
    const auto found = sets().find(set);
    if (found == nullptr || types == 0) return NVML_ERROR_INVALID_ARGUMENT;
    if ((types & ~known_events(card)) != 0) return NVML_ERROR_NOT_SUPPORTED;
    const auto count = card.node().event_count(card.number());
    if (!count) return doppel::api::to_result<NvmlApi>(count.error());
    const std::lock_guard lock(found->mutex);
    found->watched.push_back({card.number(), types, *count});
    return NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlEventSetWait(nvmlEventSet_t set, nvmlEventData_t* data, unsigned timeout_ms) {
  return wait(__func__, set, data, timeout_ms);
}
nvmlReturn_t nvmlEventSetWait_v2(nvmlEventSet_t set, nvmlEventData_t* data, unsigned timeout_ms) {
  return wait(__func__, set, data, timeout_ms);
}

}  // extern "C"
