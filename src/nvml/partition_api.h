// SPDX-License-Identifier: Apache-2.0
// What functions of instances (MIG) have in common.
#pragma once

#include "card/partition.h"
#include "node/process_life.h"
#include "nvml/mig_handles.h"
#include "nvml/nvml_api.h"

namespace doppel::nvml {

// NVML's code of an error of node::Partitions.
inline nvmlReturn_t partition_code(const Error& error) {
  switch (error.kind) {
    case Error::Kind::NotPermitted:
      return NVML_ERROR_IN_USE;
    case Error::Kind::NotEnabled:
      return NVML_ERROR_NOT_SUPPORTED;
    case Error::Kind::NotFound:
      return NVML_ERROR_NOT_FOUND;
    default:
      return api::to_result<NvmlApi>(error);
  }
}

// Stores what a function of node::Partitions answers.
template <typename T, typename Store>
nvmlReturn_t answer_with(const Result<T>& result, Store store) {
  if (!result) return partition_code(result.error());
  store(*result);
  return NVML_SUCCESS;
}

// Of a card that can be divided: body(card, partitions).
template <typename Body, typename... Pointers>
nvmlReturn_t of_divisible(const char* function, nvmlDevice_t device, Body body,
                          Pointers*... needed) noexcept {
  return of_card(
      function, device,
      [&](const Card& card) {
        if (card.card().partitions.empty()) return NVML_ERROR_NOT_SUPPORTED;
        node::Partitions partitions = card.partitions();
        return body(card, partitions);
      },
      needed...);
}

// The same in MIG mode.
template <typename Body, typename... Pointers>
nvmlReturn_t of_divided(const char* function, nvmlDevice_t device, Body body, Pointers*... needed) noexcept {
  return of_divisible(
      function, device,
      [&](const Card& card, node::Partitions& partitions) {
        const auto mode = partitions.mode();
        if (!mode) return partition_code(mode.error());
        return mode->now ? body(card, partitions) : NVML_ERROR_NOT_SUPPORTED;
      },
      needed...);
}

// Of a GPU instance: body(card, partitions, instance). INVALID_ARGUMENT where it was destroyed.
template <typename Body, typename... Pointers>
nvmlReturn_t of_gpu_instance(const char* function, nvmlGpuInstance_t handle, Body body,
                             Pointers*... needed) noexcept {
  auto work = [&] {
    const auto here = machine();
    if (here == nullptr) return NVML_ERROR_UNINITIALIZED;
    const auto numbers = numbers_of(handle);
    if (!numbers || index(numbers->card) >= here->cards().size() || (... || (needed == nullptr)))
      return NVML_ERROR_INVALID_ARGUMENT;
    const Card& card = here->cards()[index(numbers->card)];
    node::Partitions partitions = card.partitions();
    const auto instance = partitions.gpu_instance(numbers->instance.gpu);
    if (!instance) return NVML_ERROR_INVALID_ARGUMENT;
    return body(card, partitions, *instance);
  };
  return api::call_always<NvmlApi>(function, std::tuple(static_cast<const void*>(handle)), work);
}

// Of a compute instance: body(card, partitions, instance).
template <typename Body, typename... Pointers>
nvmlReturn_t of_compute_instance(const char* function, nvmlComputeInstance_t handle, Body body,
                                 Pointers*... needed) noexcept {
  auto work = [&] {
    const auto here = machine();
    if (here == nullptr) return NVML_ERROR_UNINITIALIZED;
    const auto numbers = numbers_of(handle);
    const auto device = numbers ? here->mig_device(device_handle(*numbers)) : std::nullopt;
    if (!device || (... || (needed == nullptr))) return NVML_ERROR_INVALID_ARGUMENT;
    node::Partitions partitions = device->card->partitions();
    return body(*device->card, partitions, device->instance);
  };
  return api::call_always<NvmlApi>(function, std::tuple(static_cast<const void*>(handle)), work);
}

template <std::size_t N>
void store_text(std::array<char, N>& to, std::string_view text) {
  to = {};
  text.copy(to.data(), N - 1);
}

// As NVIDIA's tools show it: "MIG 1g.24gb".
inline std::string shown_name(const card::PartitionProfile& profile, int slices) {
  return "MIG " + card::partition_name(profile, slices);
}

}  // namespace doppel::nvml
