// SPDX-License-Identifier: Apache-2.0
// Compute instances in a GPU instance (MIG). A profile of one is the number of slices that it has; its number
// is that of its kind, as A100 cards have it (Multi-Instance GPU User Guide, "Creating GPU Instances").
#include <algorithm>
#include <array>

#include "nvml/partition_api.h"

namespace doppel::nvml {
namespace {

using node::ComputeInstance;
using node::GpuInstance;
using node::Partitions;

struct Kind {
  unsigned kind;
  int slices;
};
constexpr std::array kKinds{
    Kind{NVML_COMPUTE_INSTANCE_PROFILE_1_SLICE, 1}, Kind{NVML_COMPUTE_INSTANCE_PROFILE_2_SLICE, 2},
    Kind{NVML_COMPUTE_INSTANCE_PROFILE_3_SLICE, 3}, Kind{NVML_COMPUTE_INSTANCE_PROFILE_4_SLICE, 4},
    Kind{NVML_COMPUTE_INSTANCE_PROFILE_6_SLICE, 6}, Kind{NVML_COMPUTE_INSTANCE_PROFILE_7_SLICE, 7},
    Kind{NVML_COMPUTE_INSTANCE_PROFILE_8_SLICE, 8}};

unsigned kind_of(int slices) {
  const auto* found = std::ranges::find(kKinds, slices, &Kind::slices);
  return found != kKinds.end() ? found->kind : unsigned{NVML_COMPUTE_INSTANCE_PROFILE_COUNT};
}

// Slices of such an instance; 0: the GPU instance can have none.
int slices_of(const GpuInstance& gpu, unsigned kind) {
  const auto* found = std::ranges::find(kKinds, kind, &Kind::kind);
  if (found == kKinds.end() || found->slices > gpu.profile->slices) return 0;
  return gpu.profile->slices % found->slices == 0 ? found->slices : 0;
}

// The members that all forms of the structure have.
template <typename Info>
void fill(Info& info, const Card& card, const GpuInstance& gpu, int slices) {
  info.id = kind_of(slices);
  info.sliceCount = number(slices);
  info.instanceCount = number(gpu.profile->slices / slices);
  info.multiprocessorCount = number(card::sm_count_of(card.card(), *gpu.profile, slices));
  info.sharedCopyEngineCount = number(gpu.profile->copy_engines);
  info.sharedDecoderCount = number(gpu.profile->nvdec);
  info.sharedEncoderCount = number(gpu.profile->nvenc);
  info.sharedJpegCount = number(gpu.profile->jpeg);
  info.sharedOfaCount = number(gpu.profile->optical_flow);
}

// body(card, partitions, GPU instance, slices) of a kind that it can have: else INVALID_ARGUMENT where there
// is no such kind, NOT_SUPPORTED where it has none of it.
template <typename Body, typename... Pointers>
nvmlReturn_t of_kind(const char* function, nvmlGpuInstance_t instance, unsigned kind, Body body,
                     Pointers*... needed) {
  return of_gpu_instance(
      function, instance,
      [&](const Card& card, Partitions& partitions, const GpuInstance& gpu) {
        if (kind >= NVML_COMPUTE_INSTANCE_PROFILE_COUNT) return NVML_ERROR_INVALID_ARGUMENT;
        const int slices = slices_of(gpu, kind);
        return slices == 0 ? NVML_ERROR_NOT_SUPPORTED : body(card, partitions, gpu, slices);
      },
      needed...);
}

nvmlReturn_t create(const char* function, nvmlGpuInstance_t instance, unsigned kind,
                    const nvmlComputeInstancePlacement_t* placement, nvmlComputeInstance_t* made) {
  return of_kind(
      function, instance, kind,
      [&](const Card& card, Partitions& partitions, const GpuInstance& gpu, int slices) {
        std::optional<int> start;
        if (placement != nullptr) {
          if (placement->size != number(slices)) return NVML_ERROR_INVALID_ARGUMENT;
          start = static_cast<int>(placement->start);
        }
        return answer_with(
            partitions.create_compute(gpu.id, slices, start, node::wall_ns()),
            [&](const node::Instance& id) { *made = compute_instance_handle({card.number(), id}); });
      },
      made);
}

// Those of a GPU instance.
std::vector<ComputeInstance> instances_of(const Partitions& partitions, int gpu_instance) {
  auto all = partitions.compute_instances().value_or(std::vector<ComputeInstance>());
  std::erase_if(all, [&](const ComputeInstance& each) { return each.id.gpu != gpu_instance; });
  return all;
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;
namespace node = doppel::node;

nvmlReturn_t nvmlGpuInstanceGetComputeInstanceProfileInfo(nvmlGpuInstance_t instance, unsigned kind,
                                                          unsigned engines,
                                                          nvmlComputeInstanceProfileInfo_t* info) {
  return of_kind(
      __func__, instance, kind,
      [&](const Card& card, node::Partitions& /*partitions*/, const node::GpuInstance& gpu, int slices) {
        if (engines != NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED) return NVML_ERROR_INVALID_ARGUMENT;
        fill(*info, card, gpu, slices);
        return NVML_SUCCESS;
      },
      info);
}
nvmlReturn_t nvmlGpuInstanceGetComputeInstanceProfileInfoV(nvmlGpuInstance_t instance, unsigned kind,
                                                           unsigned engines,
                                                           nvmlComputeInstanceProfileInfo_v2_t* info) {
  return of_kind(
      __func__, instance, kind,
      [&](const Card& card, node::Partitions& /*partitions*/, const node::GpuInstance& gpu, int slices) {
        if (engines != NVML_COMPUTE_INSTANCE_ENGINE_PROFILE_SHARED) return NVML_ERROR_INVALID_ARGUMENT;
        const std::string name = shown_name(*gpu.profile, slices);
        if (info->version == version_of<nvmlComputeInstanceProfileInfo_v2_t>(2)) {
          fill(*info, card, gpu, slices);
          store_text(info->name, name);
          return NVML_SUCCESS;
        }
        if (info->version != version_of<nvmlComputeInstanceProfileInfo_v3_t>(3))
          return NVML_ERROR_ARGUMENT_VERSION_MISMATCH;
        auto& third = reinterpret_cast<nvmlComputeInstanceProfileInfo_v3_t&>(*info);
        fill(third, card, gpu, slices);
        store_text(third.name, name);
        third.capabilities = gpu.profile->graphics ? NVML_COMPUTE_INSTANCE_PROFILE_CAPS_GFX : 0;
        return NVML_SUCCESS;
      },
      info);
}
nvmlReturn_t nvmlGpuInstanceGetComputeInstanceRemainingCapacity(nvmlGpuInstance_t instance, unsigned kind,
                                                                unsigned* count) {
  return of_kind(
      __func__, instance, kind,
      [&](const Card& /*card*/, node::Partitions& partitions, const node::GpuInstance& gpu, int slices) {
        return answer_with(partitions.room_for_compute(gpu.id, slices),
                           [&](int room) { *count = number(room); });
      },
      count);
}
nvmlReturn_t nvmlGpuInstanceGetComputeInstancePossiblePlacements(nvmlGpuInstance_t instance, unsigned kind,
                                                                 nvmlComputeInstancePlacement_t* to,
                                                                 unsigned* count) {
  return of_kind(
      __func__, instance, kind,
      [&](const Card& /*card*/, node::Partitions& /*partitions*/, const node::GpuInstance& gpu, int slices) {
        *count = number(gpu.profile->slices / slices);
        for (unsigned i = 0; to != nullptr && i < *count; ++i) to[i] = {i * number(slices), number(slices)};
        return NVML_SUCCESS;
      },
      count);
}

nvmlReturn_t nvmlGpuInstanceCreateComputeInstance(nvmlGpuInstance_t instance, unsigned kind,
                                                  nvmlComputeInstance_t* made) {
  return create(__func__, instance, kind, nullptr, made);
}
nvmlReturn_t nvmlGpuInstanceCreateComputeInstanceWithPlacement(
    nvmlGpuInstance_t instance, unsigned kind, const nvmlComputeInstancePlacement_t* placement,
    nvmlComputeInstance_t* made) {
  return placement == nullptr ? NVML_ERROR_INVALID_ARGUMENT
                              : create(__func__, instance, kind, placement, made);
}
nvmlReturn_t nvmlComputeInstanceDestroy(nvmlComputeInstance_t instance) {
  return of_compute_instance(
      __func__, instance,
      [&](const Card& /*card*/, node::Partitions& partitions, const node::ComputeInstance& compute) {
        const auto done = partitions.destroy_compute(compute.id, node::wall_ns());
        return done ? NVML_SUCCESS : partition_code(done.error());
      });
}
nvmlReturn_t nvmlGpuInstanceGetComputeInstances(nvmlGpuInstance_t instance, unsigned kind,
                                                nvmlComputeInstance_t* to, unsigned* count) {
  return of_kind(
      __func__, instance, kind,
      [&](const Card& card, node::Partitions& partitions, const node::GpuInstance& gpu, int slices) {
        *count = 0;
        for (const node::ComputeInstance& each : instances_of(partitions, gpu.id)) {
          if (each.slices == slices) to[(*count)++] = compute_instance_handle({card.number(), each.id});
        }
        return NVML_SUCCESS;
      },
      to, count);
}
nvmlReturn_t nvmlGpuInstanceGetComputeInstanceById(nvmlGpuInstance_t instance, unsigned id,
                                                   nvmlComputeInstance_t* to) {
  return of_gpu_instance(
      __func__, instance,
      [&](const Card& card, node::Partitions& partitions, const node::GpuInstance& gpu) {
        for (const node::ComputeInstance& each : instances_of(partitions, gpu.id)) {
          if (number(each.id.compute) != id) continue;
          *to = compute_instance_handle({card.number(), each.id});
          return NVML_SUCCESS;
        }
        return NVML_ERROR_NOT_FOUND;
      },
      to);
}
// The first form, of drivers before the second, ended with the profile.
nvmlReturn_t nvmlComputeInstanceGetInfo(nvmlComputeInstance_t instance, nvmlComputeInstanceInfo_t* info) {
  return of_compute_instance(
      __func__, instance,
      [&](const Card& card, node::Partitions& /*partitions*/, const node::ComputeInstance& compute) {
        info->device = card.handle();
        info->gpuInstance = gpu_instance_handle(card.number(), compute.id.gpu);
        info->id = number(compute.id.compute);
        info->profileId = kind_of(compute.slices);
        return NVML_SUCCESS;
      },
      info);
}
nvmlReturn_t nvmlComputeInstanceGetInfo_v2(nvmlComputeInstance_t instance, nvmlComputeInstanceInfo_t* info) {
  return of_compute_instance(
      __func__, instance,
      [&](const Card& card, node::Partitions& /*partitions*/, const node::ComputeInstance& compute) {
        *info = {card.handle(),
                 gpu_instance_handle(card.number(), compute.id.gpu),
                 number(compute.id.compute),
                 kind_of(compute.slices),
                 {number(compute.start), number(compute.slices)}};
        return NVML_SUCCESS;
      },
      info);
}

}  // extern "C"
