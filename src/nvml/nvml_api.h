// SPDX-License-Identifier: Apache-2.0
// The management interface, as api/common needs to know it, and what is around each of its functions.
#pragma once

#include <doppel/nvml/types.h>

#include <cmath>
#include <span>
#include <string>

#include "api/common/api.h"
#include "api/common/call.h"
#include "api/common/results.h"
#include "nvml/machine.h"

namespace doppel::nvml {

struct NvmlApi {
  using Result = nvmlReturn_t;
  struct Scope {
    explicit Scope(const char* /*function*/) {}
  };
  static constexpr Result kSuccess = NVML_SUCCESS;
  static constexpr Result kNotSupported = NVML_ERROR_NOT_SUPPORTED;
  static constexpr Result kOutOfMemory = NVML_ERROR_MEMORY;
  static constexpr Result kUnknown = NVML_ERROR_UNKNOWN;
  static Result code_of(const Error& error);
  static const char* name_of(Result result);  // null: no such code
  static Result before() { return machine() != nullptr ? NVML_SUCCESS : NVML_ERROR_UNINITIALIZED; }
  static Result after(Result result) { return result; }
  static void note_refused(const char* /*function*/) {}
  static std::span<const api::EntryPoint> entry_points();
};
static_assert(api::Api<NvmlApi>);

// Of a card: body(card) with the Card that the handle names. UNINITIALIZED, or INVALID_ARGUMENT where the
// handle is none, or an argument that must not be null is; NOT_SUPPORTED of a MIG device's handle.
template <typename Body, typename... Pointers>
nvmlReturn_t of_card(const char* function, nvmlDevice_t handle, Body body, Pointers*... needed) noexcept {
  auto work = [&] {
    const auto here = machine();
    if (here == nullptr) return NVML_ERROR_UNINITIALIZED;
    const Card* const card = here->card(handle);
    if (const bool missing = (... || (needed == nullptr)); missing) return NVML_ERROR_INVALID_ARGUMENT;
    if (card == nullptr)
      return here->mig_device(handle) ? NVML_ERROR_NOT_SUPPORTED : NVML_ERROR_INVALID_ARGUMENT;
    return body(*card);
  };
  return api::call_always<NvmlApi>(function, std::tuple(static_cast<const void*>(handle)), work);
}

// Of a card or a MIG device: body(card, device), where device is null of a card.
template <typename Body, typename... Pointers>
nvmlReturn_t of_device(const char* function, nvmlDevice_t handle, Body body, Pointers*... needed) noexcept {
  auto work = [&] {
    const auto here = machine();
    if (here == nullptr) return NVML_ERROR_UNINITIALIZED;
    if (const bool missing = (... || (needed == nullptr)); missing) return NVML_ERROR_INVALID_ARGUMENT;
    if (const Card* const card = here->card(handle))
      return body(*card, static_cast<const MigDevice*>(nullptr));
    const auto device = here->mig_device(handle);
    if (!device) return NVML_ERROR_INVALID_ARGUMENT;
    return body(*device->card, &*device);
  };
  return api::call_always<NvmlApi>(function, std::tuple(static_cast<const void*>(handle)), work);
}

// Leaves the processes of one compute instance, and of memory what is used of its GPU instance.
void narrow(node::CardState& state, const node::Instance& instance);

// The same with where the card stands now: body(card, state, device). Of a MIG device, the state is
// narrow()ed.
template <typename Body, typename... Pointers>
nvmlReturn_t of_device_state(const char* function, nvmlDevice_t handle, Body body,
                             Pointers*... needed) noexcept {
  return of_device(
      function, handle,
      [&](const Card& card, const MigDevice* device) {
        Result<node::CardState> state = card.state();
        if (!state) return api::to_result<NvmlApi>(state.error());
        if (device != nullptr) narrow(*state, device->instance.id);
        return body(card, *state, device);
      },
      needed...);
}

// Of a card, with where it stands now: body(card, state).
template <typename Body, typename... Pointers>
nvmlReturn_t of_state(const char* function, nvmlDevice_t handle, Body body, Pointers*... needed) noexcept {
  return of_card(
      function, handle,
      [&](const Card& card) {
        const Result<node::CardState> state = card.state();
        if (!state) return api::to_result<NvmlApi>(state.error());
        return body(card, *state);
      },
      needed...);
}

// Of the system.
template <typename Body>
nvmlReturn_t of_machine(const char* function, Body body) noexcept {
  auto work = [&] {
    const auto here = machine();
    return here == nullptr ? NVML_ERROR_UNINITIALIZED : body(*here);
  };
  return api::call_always<NvmlApi>(function, std::tuple(), work);
}

// The program's path, as its command line begins; empty where there is no such process.
std::string name_of_process(unsigned pid);

// With its end, where there is room for that.
nvmlReturn_t copy_text(std::string_view text, char* to, unsigned length);

// Of an instance; kNoInstance on a whole card.
inline unsigned number_of(std::int32_t instance) {
  return instance < 0 ? kNoInstance : static_cast<unsigned>(instance);
}

inline unsigned rounded(double value) { return static_cast<unsigned>(std::lround(value)); }
inline unsigned percent(double share) { return rounded(share * 100); }
inline unsigned milliwatts(double watts) { return rounded(watts * 1000); }

}  // namespace doppel::nvml

// Clients try what there is, and expect this answer: nobody is told.
template <>
inline nvmlReturn_t doppel::api::refuse<doppel::nvml::NvmlApi>(const char* /*function*/) {
  return nvml::machine() != nullptr ? NVML_ERROR_NOT_SUPPORTED : NVML_ERROR_UNINITIALIZED;
}
