// SPDX-License-Identifier: Apache-2.0
// MIG mode of a card, and its GPU instances. What their profiles are is told whatever the mode is (field 199,
// as of newer drivers); what there is room for, and what is there, in MIG mode alone.
#include <algorithm>

#include "nvml/partition_api.h"

namespace doppel::nvml {
namespace {

using card::PartitionProfile;

// The members that all forms of the structure have.
template <typename Info>
void fill(Info& info, const PartitionProfile& profile) {
  info.id = number(profile.id);
  info.sliceCount = number(profile.slices);
  info.instanceCount = number(profile.max_instances);
  info.multiprocessorCount = number(profile.sm_count);
  info.copyEngineCount = number(profile.copy_engines);
  info.decoderCount = number(profile.nvdec);
  info.encoderCount = number(profile.nvenc);
  info.jpegCount = number(profile.jpeg);
  info.ofaCount = number(profile.optical_flow);
  info.memorySizeMB = static_cast<unsigned long long>(profile.memory_mib);
}

// By the version that the caller has written. Instances reach no other card's memory.
nvmlReturn_t fill_versioned(nvmlGpuInstanceProfileInfo_v2_t& info, const PartitionProfile& profile) {
  if (info.version == version_of<nvmlGpuInstanceProfileInfo_v2_t>(2)) {
    fill(info, profile);
    info.isP2pSupported = 0;
    store_text(info.name, shown_name(profile, profile.slices));
    return NVML_SUCCESS;
  }
  if (info.version == version_of<nvmlGpuInstanceProfileInfo_v3_t>(3)) {
    auto& third = reinterpret_cast<nvmlGpuInstanceProfileInfo_v3_t&>(info);
    fill(third, profile);
    store_text(third.name, shown_name(profile, profile.slices));
    third.capabilities = profile.graphics ? NVML_GPU_INSTANCE_PROFILE_CAPS_GFX : 0;
    return NVML_SUCCESS;
  }
  return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
}

// body(profile) of the kind: INVALID_ARGUMENT, where there is no such kind, NOT_SUPPORTED, where the card has
// none of it.
template <typename Body>
nvmlReturn_t of_kind(const Card& card, unsigned kind, Body body) {
  if (kind >= NVML_GPU_INSTANCE_PROFILE_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
  const auto& profiles = card.card().partitions;
  const auto found = std::ranges::find(profiles, static_cast<int>(kind), &PartitionProfile::kind);
  return found == profiles.end() ? NVML_ERROR_NOT_SUPPORTED : body(*found);
}

const PartitionProfile* profile_of(const Card& card, unsigned id) {
  return card::partition_profile(card.card(), static_cast<int>(id));
}

nvmlReturn_t placements(const char* function, nvmlDevice_t device, unsigned id,
                        nvmlGpuInstancePlacement_t* to, unsigned* count) {
  return of_divisible(
      function, device,
      [&](const Card& card, node::Partitions& /*partitions*/) {
        const PartitionProfile* profile = profile_of(card, id);
        if (profile == nullptr) return NVML_ERROR_NOT_SUPPORTED;
        *count = static_cast<unsigned>(profile->placements.size());
        // There is room for all of them, as the interface says.
        for (std::size_t i = 0; to != nullptr && i < profile->placements.size(); ++i)
          to[i] = {number(profile->placements[i]), number(profile->placement_size)};
        return NVML_SUCCESS;
      },
      count);
}

nvmlReturn_t create(const char* function, nvmlDevice_t device, unsigned id,
                    const nvmlGpuInstancePlacement_t* placement, nvmlGpuInstance_t* instance) {
  return of_divided(
      function, device,
      [&](const Card& card, node::Partitions& partitions) {
        const PartitionProfile* profile = profile_of(card, id);
        if (profile == nullptr) return NVML_ERROR_INVALID_ARGUMENT;
        std::optional<int> start;
        if (placement != nullptr) {
          if (placement->size != number(profile->placement_size)) return NVML_ERROR_INVALID_ARGUMENT;
          start = static_cast<int>(placement->start);
        }
        return answer_with(partitions.create(*profile, start, node::wall_ns()),
                           [&](int made) { *instance = gpu_instance_handle(card.number(), made); });
      },
      instance);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;
namespace node = doppel::node;

nvmlReturn_t nvmlDeviceGetMigMode(nvmlDevice_t device, unsigned* now, unsigned* pending) {
  return of_divisible(
      __func__, device,
      [&](const Card& /*card*/, node::Partitions& partitions) {
        return answer_with(partitions.mode(), [&](const node::MigMode& mode) {
          *now = mode.now ? 1 : 0;
          *pending = mode.pending ? 1 : 0;
        });
      },
      now, pending);
}
// Who asks is told by `activation` whether it could be done: the mode is pending otherwise.
nvmlReturn_t nvmlDeviceSetMigMode(nvmlDevice_t device, unsigned mode, nvmlReturn_t* activation) {
  return of_divisible(
      __func__, device,
      [&](const Card& /*card*/, node::Partitions& partitions) {
        if (mode > 1) return NVML_ERROR_INVALID_ARGUMENT;
        return answer_with(partitions.set_mode(mode == 1, node::wall_ns()),
                           [&](bool done) { *activation = done ? NVML_SUCCESS : NVML_ERROR_IN_USE; });
      },
      activation);
}

nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfo(nvmlDevice_t device, unsigned kind,
                                                 nvmlGpuInstanceProfileInfo_t* info) {
  return of_divisible(
      __func__, device,
      [&](const Card& card, node::Partitions& /*partitions*/) {
        return of_kind(card, kind, [&](const PartitionProfile& profile) {
          fill(*info, profile);
          info->isP2pSupported = 0;
          return NVML_SUCCESS;
        });
      },
      info);
}
nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfoV(nvmlDevice_t device, unsigned kind,
                                                  nvmlGpuInstanceProfileInfo_v2_t* info) {
  return of_divisible(
      __func__, device,
      [&](const Card& card, node::Partitions& /*partitions*/) {
        return of_kind(card, kind,
                       [&](const PartitionProfile& profile) { return fill_versioned(*info, profile); });
      },
      info);
}
nvmlReturn_t nvmlDeviceGetGpuInstanceProfileInfoByIdV(nvmlDevice_t device, unsigned id,
                                                      nvmlGpuInstanceProfileInfo_v2_t* info) {
  return of_divisible(
      __func__, device,
      [&](const Card& card, node::Partitions& /*partitions*/) {
        const PartitionProfile* profile = profile_of(card, id);
        return profile == nullptr ? NVML_ERROR_NOT_SUPPORTED : fill_versioned(*info, *profile);
      },
      info);
}
nvmlReturn_t nvmlDeviceGetGpuInstancePossiblePlacements(nvmlDevice_t device, unsigned id,
                                                        nvmlGpuInstancePlacement_t* to, unsigned* count) {
  return to == nullptr ? NVML_ERROR_INVALID_ARGUMENT : placements(__func__, device, id, to, count);
}
// Without room for them: how many there are.
nvmlReturn_t nvmlDeviceGetGpuInstancePossiblePlacements_v2(nvmlDevice_t device, unsigned id,
                                                           nvmlGpuInstancePlacement_t* to, unsigned* count) {
  return placements(__func__, device, id, to, count);
}
nvmlReturn_t nvmlDeviceGetGpuInstanceRemainingCapacity(nvmlDevice_t device, unsigned id, unsigned* count) {
  return of_divided(
      __func__, device,
      [&](const Card& card, node::Partitions& partitions) {
        const PartitionProfile* profile = profile_of(card, id);
        if (profile == nullptr) return NVML_ERROR_NOT_SUPPORTED;
        return answer_with(partitions.room_for(*profile), [&](int room) { *count = number(room); });
      },
      count);
}

nvmlReturn_t nvmlDeviceCreateGpuInstance(nvmlDevice_t device, unsigned id, nvmlGpuInstance_t* instance) {
  return create(__func__, device, id, nullptr, instance);
}
nvmlReturn_t nvmlDeviceCreateGpuInstanceWithPlacement(nvmlDevice_t device, unsigned id,
                                                      const nvmlGpuInstancePlacement_t* placement,
                                                      nvmlGpuInstance_t* instance) {
  return placement == nullptr ? NVML_ERROR_INVALID_ARGUMENT
                              : create(__func__, device, id, placement, instance);
}
nvmlReturn_t nvmlGpuInstanceDestroy(nvmlGpuInstance_t instance) {
  return of_gpu_instance(
      __func__, instance,
      [&](const Card& /*card*/, node::Partitions& partitions, const node::GpuInstance& gpu) {
        const auto done = partitions.destroy(gpu.id, node::wall_ns());
        return done ? NVML_SUCCESS : partition_code(done.error());
      });
}
nvmlReturn_t nvmlDeviceGetGpuInstances(nvmlDevice_t device, unsigned id, nvmlGpuInstance_t* instances,
                                       unsigned* count) {
  return of_divided(
      __func__, device,
      [&](const Card& card, node::Partitions& partitions) {
        if (profile_of(card, id) == nullptr) return NVML_ERROR_NOT_SUPPORTED;
        return answer_with(partitions.gpu_instances(), [&](const std::vector<node::GpuInstance>& all) {
          *count = 0;
          for (const node::GpuInstance& each : all) {
            if (each.profile->id == static_cast<int>(id))
              instances[(*count)++] = gpu_instance_handle(card.number(), each.id);
          }
        });
      },
      instances, count);
}
nvmlReturn_t nvmlDeviceGetGpuInstanceById(nvmlDevice_t device, unsigned id, nvmlGpuInstance_t* instance) {
  return of_divided(
      __func__, device,
      [&](const Card& card, node::Partitions& partitions) {
        return answer_with(partitions.gpu_instance(static_cast<int>(id)),
                           [&](const node::GpuInstance& found) {
                             *instance = gpu_instance_handle(card.number(), found.id);
                           });
      },
      instance);
}
nvmlReturn_t nvmlGpuInstanceGetInfo(nvmlGpuInstance_t instance, nvmlGpuInstanceInfo_t* info) {
  return of_gpu_instance(
      __func__, instance,
      [&](const Card& card, node::Partitions& /*partitions*/, const node::GpuInstance& gpu) {
        *info = {
            card.handle(), number(gpu.id), number(gpu.profile->id), {number(gpu.start), number(gpu.size)}};
        return NVML_SUCCESS;
      },
      info);
}

}  // extern "C"
