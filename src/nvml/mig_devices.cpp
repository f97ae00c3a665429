// SPDX-License-Identifier: Apache-2.0
// MIG devices: compute instances with what they are part of, by a handle as a card has one. What else a MIG
// device answers stands with its topic (identity, use); the rest is NOT_SUPPORTED of it.
#include "nvml/partition_api.h"

namespace doppel::nvml {
namespace {

// body(device) of a MIG device alone.
template <typename Body, typename... Pointers>
nvmlReturn_t of_mig_device(const char* function, nvmlDevice_t handle, nvmlReturn_t of_cards, Body body,
                           Pointers*... needed) {
  return of_device(
      function, handle,
      [&](const Card& /*card*/, const MigDevice* device) {
        return device == nullptr ? of_cards : body(*device);
      },
      needed...);
}

nvmlReturn_t attributes(const char* function, nvmlDevice_t handle, nvmlDeviceAttributes_t* to) {
  return of_mig_device(
      function, handle, NVML_ERROR_NOT_SUPPORTED,
      [&](const MigDevice& device) {
        const card::PartitionProfile& profile = *device.instance.profile;
        *to = {number(card::sm_count_of(device.card->card(), profile, device.instance.slices)),
               number(profile.copy_engines),
               number(profile.nvdec),
               number(profile.nvenc),
               number(profile.jpeg),
               number(profile.optical_flow),
               number(profile.slices),
               number(device.instance.slices),
               static_cast<unsigned long long>(profile.memory_mib)};
        return NVML_SUCCESS;
      },
      to);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

// 0 where the card is not in MIG mode.
nvmlReturn_t nvmlDeviceGetMaxMigDeviceCount(nvmlDevice_t device, unsigned* count) {
  return of_card(
      __func__, device,
      [&](const Card& card) {
        *count = 0;
        if (card.card().partitions.empty()) return NVML_SUCCESS;
        const auto mode = card.partitions().mode();
        if (!mode) return partition_code(mode.error());
        if (mode->now) *count = number(doppel::card::most_partitions(card.card()));
        return NVML_SUCCESS;
      },
      count);
}
nvmlReturn_t nvmlDeviceGetMigDeviceHandleByIndex(nvmlDevice_t device, unsigned index, nvmlDevice_t* to) {
  return of_divided(
      __func__, device,
      [&](const Card& card, doppel::node::Partitions& /*partitions*/) {
        if (index >= number(doppel::card::most_partitions(card.card()))) return NVML_ERROR_INVALID_ARGUMENT;
        const auto devices = Machine::mig_devices(card);
        if (index >= devices.size()) return NVML_ERROR_NOT_FOUND;
        *to = device_handle({card.number(), devices[index].instance.id});
        return NVML_SUCCESS;
      },
      to);
}
nvmlReturn_t nvmlDeviceIsMigDeviceHandle(nvmlDevice_t handle, unsigned* is) {
  return of_device(
      __func__, handle,
      [&](const Card& /*card*/, const MigDevice* device) {
        return *is = device != nullptr ? 1 : 0, NVML_SUCCESS;
      },
      is);
}
nvmlReturn_t nvmlDeviceGetDeviceHandleFromMigDeviceHandle(nvmlDevice_t handle, nvmlDevice_t* to) {
  return of_mig_device(
      __func__, handle, NVML_ERROR_INVALID_ARGUMENT,
      [&](const MigDevice& device) { return *to = device.card->handle(), NVML_SUCCESS; }, to);
}
nvmlReturn_t nvmlDeviceGetGpuInstanceId(nvmlDevice_t handle, unsigned* id) {
  return of_mig_device(
      __func__, handle, NVML_ERROR_INVALID_ARGUMENT,
      [&](const MigDevice& device) { return *id = number(device.instance.id.gpu), NVML_SUCCESS; }, id);
}
nvmlReturn_t nvmlDeviceGetComputeInstanceId(nvmlDevice_t handle, unsigned* id) {
  return of_mig_device(
      __func__, handle, NVML_ERROR_INVALID_ARGUMENT,
      [&](const MigDevice& device) { return *id = number(device.instance.id.compute), NVML_SUCCESS; }, id);
}
nvmlReturn_t nvmlDeviceGetAttributes(nvmlDevice_t handle, nvmlDeviceAttributes_t* to) {
  return attributes(__func__, handle, to);
}
nvmlReturn_t nvmlDeviceGetAttributes_v2(nvmlDevice_t handle, nvmlDeviceAttributes_t* to) {
  return attributes(__func__, handle, to);
}

}  // extern "C"
