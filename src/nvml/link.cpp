// SPDX-License-Identifier: Apache-2.0
// PCI Express, NVLink, and how cards reach each other.
#include <algorithm>
#include <cstring>
#include <vector>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

// Transfers a second and lane of generation 1 to 6, in millions.
constexpr unsigned kMegatransfers[] = {2500, 5000, 8000, 16000, 32000, 64000};

unsigned generation(const Card& card) { return static_cast<unsigned>(card.card().pcie.generation); }

// An idle card lowers its link to the first generation.
unsigned current_generation(const Card& card, const node::CardState& state) {
  return state.awake ? generation(card) : 1;
}

template <typename Value>
nvmlReturn_t number_of(const char* function, nvmlDevice_t device, unsigned* to, Value value) {
  return of_card(function, device, [&](const Card& card) { return *to = value(card), NVML_SUCCESS; }, to);
}

// The first that both are below.
int common_ancestor(const Card& one, const Card& other) {
  if (&one == &other) return NVML_TOPOLOGY_INTERNAL;
  const card::Slot& a = one.name().slot;
  const card::Slot& b = other.name().slot;
  if (a.numa_node != b.numa_node) return NVML_TOPOLOGY_SYSTEM;
  if (a.host_bridge != b.host_bridge) return NVML_TOPOLOGY_NODE;
  return a.pcie_switch >= 0 && a.pcie_switch == b.pcie_switch ? NVML_TOPOLOGY_SINGLE
                                                              : NVML_TOPOLOGY_HOSTBRIDGE;
}

unsigned lanes(const Card& card) { return static_cast<unsigned>(card.card().pcie.lanes); }

// body(card at the other end or null) for a link that the card has.
template <typename Body, typename Pointer>
nvmlReturn_t of_link(const char* function, nvmlDevice_t device, unsigned link, Pointer* needed, Body body) {
  return of_card(
      function, device,
      [&](const Card& card) {
        if (card.card().nvlink.links == 0) return NVML_ERROR_NOT_SUPPORTED;
        if (link >= static_cast<unsigned>(card.card().nvlink.links)) return NVML_ERROR_INVALID_ARGUMENT;
        const auto here = machine();
        return here == nullptr ? NVML_ERROR_UNINITIALIZED : body(here->joined(card));
      },
      needed);
}

// body(first, second, whether NVLink joins them)
template <typename Body, typename Pointer>
nvmlReturn_t of_two(const char* function, nvmlDevice_t first, nvmlDevice_t second, Pointer* needed,
                    Body body) {
  return of_machine(function, [&](const Machine& here) {
    const Card* const a = here.card(first);
    const Card* const b = here.card(second);
    if (a == nullptr || b == nullptr || needed == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    return body(*a, *b, here.joined(*a) == b);
  });
}

nvmlReturn_t remote_place(const char* function, nvmlDevice_t device, unsigned link, nvmlPciInfo_t* info) {
  return of_link(function, device, link, info, [&](const Card* other) {
    if (other == nullptr) return NVML_ERROR_NOT_SUPPORTED;
    *info = {};
    info->bus = other->bus();
    info->pciDeviceId = static_cast<unsigned>(other->card().pcie.device_id) << 16 |
                        static_cast<unsigned>(other->card().pcie.vendor_id);
    std::memcpy(info->busId.data(), other->bus_id().data(), other->bus_id().size());
    // The short form lacks four digits of the domain.
    std::memcpy(info->busIdLegacy.data(), other->bus_id().data() + 4, other->bus_id().size() - 4);
    return NVML_SUCCESS;
  });
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;
using doppel::node::CardState;

nvmlReturn_t nvmlDeviceGetMaxPcieLinkGeneration(nvmlDevice_t device, unsigned* value) {
  return number_of(__func__, device, value, generation);
}
nvmlReturn_t nvmlDeviceGetGpuMaxPcieLinkGeneration(nvmlDevice_t device, unsigned* value) {
  return number_of(__func__, device, value,
                   [](const Card& card) { return static_cast<unsigned>(card.own_generation()); });
}
nvmlReturn_t nvmlDeviceGetMaxPcieLinkWidth(nvmlDevice_t device, unsigned* value) {
  return number_of(__func__, device, value, lanes);
}
nvmlReturn_t nvmlDeviceGetCurrPcieLinkWidth(nvmlDevice_t device, unsigned* value) {
  return number_of(__func__, device, value, lanes);
}
nvmlReturn_t nvmlDeviceGetCurrPcieLinkGeneration(nvmlDevice_t device, unsigned* value) {
  return of_state(
      __func__, device,
      [&](const Card& card, const CardState& state) {
        return *value = current_generation(card, state), NVML_SUCCESS;
      },
      value);
}
// An enumeration that counts the generations.
nvmlReturn_t nvmlDeviceGetPcieLinkMaxSpeed(nvmlDevice_t device, unsigned* value) {
  return number_of(__func__, device, value, generation);
}
nvmlReturn_t nvmlDeviceGetPcieSpeed(nvmlDevice_t device, unsigned* value) {
  return of_state(
      __func__, device,
      [&](const Card& card, const CardState& state) {
        const unsigned at = current_generation(card, state);
        if (at > std::size(kMegatransfers)) return NVML_ERROR_NOT_SUPPORTED;
        return *value = kMegatransfers[at - 1], NVML_SUCCESS;
      },
      value);
}
nvmlReturn_t nvmlDeviceGetBusType(nvmlDevice_t device, unsigned* type) {
  constexpr unsigned kPcie = 2;
  return number_of(__func__, device, type, [](const Card& /*card*/) { return kPcie; });
}
// KB/s, from the card's side: what it receives comes from the host.
nvmlReturn_t nvmlDeviceGetPcieThroughput(nvmlDevice_t device, int counter, unsigned* value) {
  return of_state(
      __func__, device,
      [&](const Card& /*card*/, const CardState& state) {
        if (counter < 0 || counter >= NVML_PCIE_UTIL_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
        constexpr double kBytes = 1000;
        *value = rounded(
            (counter == NVML_PCIE_UTIL_RX_BYTES ? state.to_card_bytes_per_s : state.to_host_bytes_per_s) /
            kBytes);
        return NVML_SUCCESS;
      },
      value);
}
// The double's link never has to send anything again.
nvmlReturn_t nvmlDeviceGetPcieReplayCounter(nvmlDevice_t device, unsigned* value) {
  return number_of(__func__, device, value, [](const Card& /*card*/) { return 0U; });
}

nvmlReturn_t nvmlDeviceGetNvLinkState(nvmlDevice_t device, unsigned link, nvmlEnableState_t* active) {
  return of_link(__func__, device, link, active,
                 [&](const Card* other) { return *active = other != nullptr ? 1 : 0, NVML_SUCCESS; });
}
nvmlReturn_t nvmlDeviceGetNvLinkCapability(nvmlDevice_t device, unsigned link, int capability,
                                           unsigned* value) {
  return of_link(__func__, device, link, value, [&](const Card* other) {
    if (capability < 0 || capability >= NVML_NVLINK_CAP_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
    return *value = other != nullptr ? 1 : 0, NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo(nvmlDevice_t device, unsigned link, nvmlPciInfo_t* info) {
  return remote_place(__func__, device, link, info);
}
nvmlReturn_t nvmlDeviceGetNvLinkRemotePciInfo_v2(nvmlDevice_t device, unsigned link, nvmlPciInfo_t* info) {
  return remote_place(__func__, device, link, info);
}
nvmlReturn_t nvmlDeviceGetNvLinkRemoteDeviceType(nvmlDevice_t device, unsigned link, int* type) {
  return of_link(__func__, device, link, type, [&](const Card* other) {
    if (other == nullptr) return NVML_ERROR_NOT_SUPPORTED;
    return *type = NVML_NVLINK_DEVICE_TYPE_GPU, NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlDeviceGetNvLinkErrorCounter(nvmlDevice_t device, unsigned link, int counter,
                                             unsigned long long* value) {
  return of_link(__func__, device, link, value, [&](const Card* /*other*/) {
    if (counter < 0 || counter >= NVML_NVLINK_ERROR_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
    return *value = 0, NVML_SUCCESS;
  });
}

nvmlReturn_t nvmlDeviceGetTopologyCommonAncestor(nvmlDevice_t first, nvmlDevice_t second, int* level) {
  return of_two(__func__, first, second, level, [&](const Card& a, const Card& b, bool /*joined*/) {
    return *level = common_ancestor(a, b), NVML_SUCCESS;
  });
}
// Those for which that level is the first that they share with the card. `count` is the room, and then how
// many there are; with no place for them they are only counted.
nvmlReturn_t nvmlDeviceGetTopologyNearestGpus(nvmlDevice_t device, int level, unsigned* count,
                                              nvmlDevice_t* devices) {
  return of_machine(__func__, [&](const Machine& here) {
    const Card* const card = here.card(device);
    if (card == nullptr || count == nullptr || level < NVML_TOPOLOGY_INTERNAL || level > NVML_TOPOLOGY_SYSTEM)
      return NVML_ERROR_INVALID_ARGUMENT;
    std::vector<nvmlDevice_t> others;
    for (const Card& each : here.cards()) {
      if (&each != card && common_ancestor(each, *card) == level) others.push_back(each.handle());
    }
    const unsigned room = *count;
    *count = static_cast<unsigned>(others.size());
    if (devices == nullptr || others.empty()) return NVML_SUCCESS;
    if (room < others.size()) return NVML_ERROR_INSUFFICIENT_SIZE;
    std::ranges::copy(others, devices);
    return NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlDeviceOnSameBoard(nvmlDevice_t first, nvmlDevice_t second, int* same) {
  return of_two(__func__, first, second, same, [&](const Card& a, const Card& b, bool /*joined*/) {
    return *same = &a == &b ? 1 : 0, NVML_SUCCESS;
  });
}
nvmlReturn_t nvmlDeviceGetP2PStatus(nvmlDevice_t first, nvmlDevice_t second, int capability, int* status) {
  return of_two(__func__, first, second, status, [&](const Card& a, const Card& b, bool joined) {
    if (&a == &b || capability < NVML_P2P_CAPS_INDEX_READ || capability > NVML_P2P_CAPS_INDEX_PCI)
      return NVML_ERROR_INVALID_ARGUMENT;
    const bool needs_nvlink =
        capability == NVML_P2P_CAPS_INDEX_NVLINK || capability == NVML_P2P_CAPS_INDEX_ATOMICS;
    *status = needs_nvlink && !joined ? NVML_P2P_STATUS_NOT_SUPPORTED : NVML_P2P_STATUS_OK;
    return NVML_SUCCESS;
  });
}

}  // extern "C"
