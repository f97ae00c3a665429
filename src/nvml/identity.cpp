// SPDX-License-Identifier: Apache-2.0
// Which cards there are, and what each is.
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <memory>

#include "card/partition.h"
#include "card/uuid.h"
#include "nvml/mig_handles.h"
#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

nvmlReturn_t count_cards(const char* function, unsigned* count) {
  return of_machine(function, [&](const Machine& here) {
    if (count == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    *count = static_cast<unsigned>(here.cards().size());
    return NVML_SUCCESS;
  });
}

nvmlReturn_t by_index(const char* function, unsigned index, nvmlDevice_t* device) {
  return of_machine(function, [&](const Machine& here) {
    if (device == nullptr || index >= here.cards().size()) return NVML_ERROR_INVALID_ARGUMENT;
    *device = here.cards()[index].handle();
    return NVML_SUCCESS;
  });
}

// Of a card or a MIG device, by its whole text.
nvmlReturn_t by_uuid(const Machine& here, std::string_view uuid, nvmlDevice_t* device) {
  const auto found = std::ranges::find(here.cards(), uuid, &Card::uuid);
  if (found != here.cards().end()) return *device = found->handle(), NVML_SUCCESS;
  if (!uuid.starts_with("MIG-")) return NVML_ERROR_NOT_FOUND;
  for (const Card& card : here.cards()) {
    for (const MigDevice& each : Machine::mig_devices(card)) {
      if (each.uuid() != uuid) continue;
      *device = device_handle({card.number(), each.instance.id});
      return NVML_SUCCESS;
    }
  }
  return NVML_ERROR_NOT_FOUND;
}

// The place, from "domain:bus:device.function" or "bus:device.function"; nothing where it is no such text.
struct Place {
  unsigned domain = 0, bus = 0, device = 0;
};
bool read_place(std::string_view text, Place& place) {
  const auto dot = text.rfind('.');
  if (dot != std::string_view::npos) text = text.substr(0, dot);
  std::array<unsigned*, 3> parts = {&place.device, &place.bus, &place.domain};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto colon = text.rfind(':');
    const std::string_view last = colon == std::string_view::npos ? text : text.substr(colon + 1);
    const char* const end = std::to_address(last.end());
    const auto read = std::from_chars(std::to_address(last.begin()), end, *parts[i], 16);
    if (read.ec != std::errc{} || read.ptr != end) return false;
    if (colon == std::string_view::npos) return i >= 1;
    text = text.substr(0, colon);
  }
  return false;
}

nvmlReturn_t by_bus_id(const char* function, const char* id, nvmlDevice_t* device) {
  return of_machine(function, [&](const Machine& here) {
    Place place;
    if (id == nullptr || device == nullptr || !read_place(id, place)) return NVML_ERROR_INVALID_ARGUMENT;
    for (const Card& each : here.cards()) {
      if (place.domain != 0 || place.bus != each.bus() || place.device != 0) continue;
      *device = each.handle();
      return NVML_SUCCESS;
    }
    return NVML_ERROR_NOT_FOUND;
  });
}

template <std::size_t N>
void store(std::array<char, N>& to, std::string_view text) {
  to = {};
  text.copy(to.data(), N - 1);
}

template <typename Info>
void place(Info& info, const Card& card) {
  info.domain = 0;
  info.bus = card.bus();
  info.device = 0;
  info.pciDeviceId = static_cast<unsigned>(card.card().pcie.device_id) << 16 |
                     static_cast<unsigned>(card.card().pcie.vendor_id);
  info.pciSubSystemId = 0;  // the board's maker is not described
}

std::string legacy_bus_id(const Card& card) { return fmt::format("{:04X}:{:02X}:00.0", 0, card.bus()); }

// The first two forms know the short bus id alone.
nvmlReturn_t short_pci_info(const char* function, nvmlDevice_t device, nvmlPciInfo_v1_t* info) {
  return of_card(
      function, device,
      [&](const Card& card) {
        place(*info, card);
        store(info->busId, legacy_bus_id(card));
        return NVML_SUCCESS;
      },
      info);
}

// NVML's number of an architecture.
unsigned architecture(const card::ComputeCapability& capability) {
  constexpr unsigned kTuring = 6, kAmpere = 7, kAda = 8, kHopper = 9, kBlackwell = 10, kUnknown = 0xFFFFFFFF;
  const int version = capability.major * 10 + capability.minor;
  if (version >= 100) return kBlackwell;
  if (version >= 90) return kHopper;
  if (version >= 89) return kAda;
  if (version >= 80) return kAmpere;
  return version >= 75 ? kTuring : kUnknown;
}

// Bits of all the host's processors: it is one NUMA node.
nvmlReturn_t affinity(const char* function, nvmlDevice_t device, unsigned words, unsigned long* set) {
  return of_card(
      function, device,
      [&](const Card& /*card*/) {
        if (words == 0) return NVML_ERROR_INVALID_ARGUMENT;
        constexpr long kBits = 8 * sizeof(unsigned long);
        const long processors = sysconf(_SC_NPROCESSORS_CONF);
        if (processors > kBits * static_cast<long>(words)) return NVML_ERROR_INSUFFICIENT_SIZE;
        std::fill_n(set, words, 0UL);
        for (long i = 0; i < processors; ++i) set[i / kBits] |= 1UL << (i % kBits);
        return NVML_SUCCESS;
      },
      set);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlDeviceGetCount(unsigned* count) { return count_cards(__func__, count); }
nvmlReturn_t nvmlDeviceGetCount_v2(unsigned* count) { return count_cards(__func__, count); }
nvmlReturn_t nvmlDeviceGetHandleByIndex(unsigned index, nvmlDevice_t* device) {
  return by_index(__func__, index, device);
}
nvmlReturn_t nvmlDeviceGetHandleByIndex_v2(unsigned index, nvmlDevice_t* device) {
  return by_index(__func__, index, device);
}
nvmlReturn_t nvmlDeviceGetHandleByUUID(const char* uuid, nvmlDevice_t* device) {
  return of_machine(__func__, [&](const Machine& here) {
    if (uuid == nullptr || device == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    return by_uuid(here, uuid, device);
  });
}
nvmlReturn_t nvmlDeviceGetHandleByUUIDV(const nvmlUUID_t* uuid, nvmlDevice_t* device) {
  return of_machine(__func__, [&](const Machine& here) {
    if (uuid == nullptr || device == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
    if (uuid->version != version_of<nvmlUUID_t>(1)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
    if (uuid->type == NVML_UUID_TYPE_ASCII) {
      const auto end = std::ranges::find(uuid->value, '\0');
      return by_uuid(here, {uuid->value.begin(), end}, device);
    }
    if (uuid->type != NVML_UUID_TYPE_BINARY) return NVML_ERROR_INVALID_ARGUMENT;
    std::array<std::uint8_t, 16> bytes{};
    std::memcpy(bytes.data(), uuid->value.data(), bytes.size());
    for (const char* prefix : {"GPU", "MIG"}) {
      if (by_uuid(here, doppel::card::uuid_text(prefix, bytes), device) == NVML_SUCCESS) return NVML_SUCCESS;
    }
    return NVML_ERROR_NOT_FOUND;
  });
}
nvmlReturn_t nvmlDeviceGetHandleByPciBusId(const char* id, nvmlDevice_t* device) {
  return by_bus_id(__func__, id, device);
}
nvmlReturn_t nvmlDeviceGetHandleByPciBusId_v2(const char* id, nvmlDevice_t* device) {
  return by_bus_id(__func__, id, device);
}
// Of a MIG device among those of its card.
nvmlReturn_t nvmlDeviceGetIndex(nvmlDevice_t device, unsigned* index) {
  return of_device(
      __func__, device,
      [&](const Card& card, const MigDevice* mig) {
        *index = mig != nullptr ? mig->index : static_cast<unsigned>(card.number());
        return NVML_SUCCESS;
      },
      index);
}
nvmlReturn_t nvmlDeviceGetMinorNumber(nvmlDevice_t device, unsigned* minor) {
  return of_card(
      __func__, device,
      [&](const Card& card) { return *minor = static_cast<unsigned>(card.number()), NVML_SUCCESS; }, minor);
}
nvmlReturn_t nvmlDeviceGetBoardId(nvmlDevice_t device, unsigned* id) {
  return of_card(__func__, device, [&](const Card& card) { return *id = card.bus() << 8, NVML_SUCCESS; }, id);
}
nvmlReturn_t nvmlDeviceGetMultiGpuBoard(nvmlDevice_t device, unsigned* several) {
  return of_card(__func__, device, [&](const Card& /*card*/) { return *several = 0, NVML_SUCCESS; }, several);
}
nvmlReturn_t nvmlDeviceGetName(nvmlDevice_t device, char* name, unsigned length) {
  return of_device(__func__, device, [&](const Card& card, const MigDevice* mig) {
    if (mig == nullptr) return copy_text(card.card().name, name, length);
    const std::string part = doppel::card::partition_name(*mig->instance.profile, mig->instance.slices);
    return copy_text(fmt::format("{} MIG {}", card.card().name, part), name, length);
  });
}
nvmlReturn_t nvmlDeviceGetBrand(nvmlDevice_t device, int* brand) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        const std::string& name = card.card().management.brand;
        if (name != "NVIDIA RTX" && name != "NVIDIA") return *brand = 0, NVML_SUCCESS;  // unknown
        *brand = name == "NVIDIA" ? NVML_BRAND_NVIDIA : NVML_BRAND_NVIDIA_RTX;
        return NVML_SUCCESS;
      },
      brand);
}
nvmlReturn_t nvmlDeviceGetUUID(nvmlDevice_t device, char* uuid, unsigned length) {
  return of_device(__func__, device, [&](const Card& card, const MigDevice* mig) {
    return copy_text(mig != nullptr ? mig->uuid() : card.uuid(), uuid, length);
  });
}
nvmlReturn_t nvmlDeviceGetPciInfo(nvmlDevice_t device, nvmlPciInfo_v1_t* info) {
  return short_pci_info(__func__, device, info);
}
nvmlReturn_t nvmlDeviceGetPciInfo_v2(nvmlDevice_t device, nvmlPciInfo_v1_t* info) {
  return short_pci_info(__func__, device, info);
}
nvmlReturn_t nvmlDeviceGetPciInfo_v3(nvmlDevice_t device, nvmlPciInfo_t* info) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        place(*info, card);
        store(info->busIdLegacy, legacy_bus_id(card));
        store(info->busId, card.bus_id());
        return NVML_SUCCESS;
      },
      info);
}
nvmlReturn_t nvmlDeviceGetPciInfoExt(nvmlDevice_t device, nvmlPciInfoExt_v1_t* info) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        if (info->version != version_of<nvmlPciInfoExt_v1_t>(1)) return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        place(*info, card);
        constexpr unsigned kDisplay = 3;  // of PCI's classes; 0: a VGA controller
        info->baseClass = kDisplay;
        info->subClass = 0;
        store(info->busId, card.bus_id());
        return NVML_SUCCESS;
      },
      info);
}
nvmlReturn_t nvmlDeviceGetCudaComputeCapability(nvmlDevice_t device, int* major, int* minor) {
  return of_device(
      __func__, device,
      [&](const Card& card, const MigDevice* /*mig*/) {
        *major = card.card().compute_capability.major;
        *minor = card.card().compute_capability.minor;
        return NVML_SUCCESS;
      },
      major, minor);
}
nvmlReturn_t nvmlDeviceGetArchitecture(nvmlDevice_t device, unsigned* number) {
  return of_card(
      __func__, device,
      [&](const Card& card) { return *number = architecture(card.card().compute_capability), NVML_SUCCESS; },
      number);
}
nvmlReturn_t nvmlDeviceGetNumGpuCores(nvmlDevice_t device, unsigned* cores) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        *cores = static_cast<unsigned>(card.card().sm_count * card.card().sm.fp32_cores);
        return NVML_SUCCESS;
      },
      cores);
}
nvmlReturn_t nvmlDeviceGetMemoryBusWidth(nvmlDevice_t device, unsigned* bits) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        return *bits = static_cast<unsigned>(card.card().memory.bus_width_bits), NVML_SUCCESS;
      },
      bits);
}
nvmlReturn_t nvmlDeviceGetCpuAffinity(nvmlDevice_t device, unsigned words, unsigned long* set) {
  return affinity(__func__, device, words, set);
}
nvmlReturn_t nvmlDeviceGetCpuAffinityWithinScope(nvmlDevice_t device, unsigned words, unsigned long* set,
                                                 unsigned scope) {
  return scope > 1 ? NVML_ERROR_INVALID_ARGUMENT : affinity(__func__, device, words, set);
}
nvmlReturn_t nvmlDeviceGetMemoryAffinity(nvmlDevice_t device, unsigned words, unsigned long* set,
                                         unsigned scope) {
  return of_card(
      __func__, device,
      [&](const Card& /*card*/) {
        if (words == 0 || scope > 1) return NVML_ERROR_INVALID_ARGUMENT;
        std::fill_n(set, words, 0UL);
        set[0] = 1;
        return NVML_SUCCESS;
      },
      set);
}

}  // extern "C"
