// SPDX-License-Identifier: Apache-2.0
#include "nvml/mig_handles.h"

#include <array>
#include <cstdint>

#include "node/layout.h"
#include "nvml/device_handle.h"

// Handles are addresses of these.
struct nvmlGpuInstance_st {};
struct nvmlComputeInstance_st {};

namespace doppel::nvml {
namespace {

constexpr std::size_t kOfCard = node::kMostGpuInstances * node::kMostComputeInstances;
constexpr std::size_t kCards = node::kMostCards;

std::array<nvmlDevice_st, kCards * kOfCard> devices;
std::array<nvmlGpuInstance_st, kCards * node::kMostGpuInstances> gpu_instances;
std::array<nvmlComputeInstance_st, kCards * kOfCard> compute_instances;

std::size_t place_of(const InstanceNumbers& numbers) {
  return (index(numbers.card) * node::kMostGpuInstances + index(numbers.instance.gpu)) *
             node::kMostComputeInstances +
         index(numbers.instance.compute);
}

// The place in the table of what may be any pointer.
template <typename Table, typename Entry>
std::optional<std::size_t> place_in(const Table& table, const Entry* handle) {
  const auto at = reinterpret_cast<std::uintptr_t>(handle);
  const auto begin = reinterpret_cast<std::uintptr_t>(table.data());
  if (at < begin || (at - begin) / sizeof(Entry) >= table.size() || (at - begin) % sizeof(Entry) != 0)
    return std::nullopt;
  return (at - begin) / sizeof(Entry);
}

InstanceNumbers numbers_at(std::size_t place) {
  const auto number = [](std::size_t value) { return static_cast<int>(value); };
  return {number(place / kOfCard),
          {number(place / node::kMostComputeInstances % node::kMostGpuInstances),
           number(place % node::kMostComputeInstances)}};
}

}  // namespace

nvmlDevice_t device_handle(const InstanceNumbers& numbers) { return &devices[place_of(numbers)]; }
nvmlGpuInstance_t gpu_instance_handle(int card, int id) {
  return &gpu_instances[index(card) * node::kMostGpuInstances + index(id)];
}
nvmlComputeInstance_t compute_instance_handle(const InstanceNumbers& numbers) {
  return &compute_instances[place_of(numbers)];
}

std::optional<InstanceNumbers> numbers_of(nvmlDevice_t handle) {
  const auto place = place_in(devices, handle);
  return place ? std::optional(numbers_at(*place)) : std::nullopt;
}
std::optional<InstanceNumbers> numbers_of(nvmlGpuInstance_t handle) {
  const auto place = place_in(gpu_instances, handle);
  if (!place) return std::nullopt;
  return InstanceNumbers{static_cast<int>(*place / node::kMostGpuInstances),
                         {static_cast<int>(*place % node::kMostGpuInstances), -1}};
}
std::optional<InstanceNumbers> numbers_of(nvmlComputeInstance_t handle) {
  const auto place = place_in(compute_instances, handle);
  return place ? std::optional(numbers_at(*place)) : std::nullopt;
}

}  // namespace doppel::nvml
