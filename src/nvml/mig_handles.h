// SPDX-License-Identifier: Apache-2.0
// Handles of instances (MIG): each stands for a card and its numbers, also after the instance was destroyed,
// and for another one that is made with the same numbers.
#pragma once

#include <doppel/nvml/types.h>

#include <cstddef>
#include <optional>

#include "node/partition_layout.h"

namespace doppel::nvml {

struct InstanceNumbers {
  int card = 0;
  node::Instance instance;  // of a GPU instance: compute is -1
};

nvmlDevice_t device_handle(const InstanceNumbers& numbers);
nvmlGpuInstance_t gpu_instance_handle(int card, int id);
nvmlComputeInstance_t compute_instance_handle(const InstanceNumbers& numbers);

// Nothing: it is no such handle.
std::optional<InstanceNumbers> numbers_of(nvmlDevice_t handle);
std::optional<InstanceNumbers> numbers_of(nvmlGpuInstance_t handle);
std::optional<InstanceNumbers> numbers_of(nvmlComputeInstance_t handle);

inline std::size_t index(int number) { return static_cast<std::size_t>(number); }
inline unsigned number(int value) { return static_cast<unsigned>(value); }

}  // namespace doppel::nvml
