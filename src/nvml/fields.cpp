// SPDX-License-Identifier: Apache-2.0
// nvmlDeviceGetFieldValues: many values by number.
#include <sys/syscall.h>
#include <time.h>  // NOLINT(modernize-deprecated-headers): POSIX has more than <ctime>
#include <unistd.h>

#include "nvml/nvml_api.h"

namespace doppel::nvml {
namespace {

enum Field : unsigned {
  EccNow = 1,
  EccPending = 2,
  LastEccCount = 28,
  Energy = 83,
  LinkSpeed0 = 84,
  LinkSpeed5 = 89,
  LinkSpeed = 90,
  Links = 91,
  PcieReplays = 94,
  RemappedCorrected = 142,
  RemappedUncorrected = 143,
  RemapPending = 144,
  RemappedFailure = 145,
  PowerAverage = 185,
  PowerNow = 186,
  PowerLeast = 187,
  PowerMost = 188,
  PowerDefault = 189,
  PowerLimit = 190,
  MigWithoutReset = 184,
  EnergyAgain = 191,
  PowerAsked = 192,
  MigAskedInAnyMode = 199,
};

void set(nvmlFieldValue_t& field, unsigned value) {
  field.valueType = NVML_VALUE_TYPE_UNSIGNED_INT;
  field.value.uiVal = value;
  field.nvmlReturn = NVML_SUCCESS;
}
void set(nvmlFieldValue_t& field, unsigned long long value) {
  field.valueType = NVML_VALUE_TYPE_UNSIGNED_LONG_LONG;
  field.value.ullVal = value;
  field.nvmlReturn = NVML_SUCCESS;
}

// In MB/s, each way; nothing of a link that the card has not.
void set_link_speed(nvmlFieldValue_t& field, const Card& card, unsigned link) {
  constexpr double kMega = 1e6;
  if (link < static_cast<unsigned>(card.card().nvlink.links))
    set(field, rounded(card.card().nvlink.bytes_per_second_per_link / kMega));
}

// Of the board alone: its chip and its memory are not told apart (module and memory are other scopes).
bool is_of_board(const nvmlFieldValue_t& field) { return field.scopeId == NVML_POWER_SCOPE_GPU; }

// Errors since the last reset, then in all: of all places, of the L1 and L2 caches, memory, registers,
// textures, of one bit and of two each; only memory has some.
unsigned long long errors_of(const node::EccState& ecc, unsigned id) {
  switch (id) {
    case 3:
    case 11:
      return ecc.since_reset.corrected;
    case 4:
    case 12:
      return ecc.since_reset.uncorrectable;
    case 5:
    case 22:
      return ecc.in_all.corrected;
    case 6:
    case 23:
      return ecc.in_all.uncorrectable;
    default:
      return 0;
  }
}

void answer_ecc(nvmlFieldValue_t& field, const Card& card) {
  const auto ecc = card.ecc().state();
  if (!ecc || !ecc->supported) return;
  switch (field.fieldId) {
    case EccNow:
      return set(field, ecc->on ? 1U : 0U);
    case EccPending:
      return set(field, ecc->pending ? 1U : 0U);
    case RemappedCorrected:
      return set(field, 0U);
    case RemappedUncorrected:
      return set(field, unsigned{ecc->remapped_rows});
    case RemapPending:
      return set(field, ecc->remap_pending ? 1U : 0U);
    case RemappedFailure:
      return set(field, ecc->remap_failed ? 1U : 0U);
    default:
      if (ecc->on) set(field, errors_of(*ecc, field.fieldId));
  }
}

void answer(nvmlFieldValue_t& field, const Card& card, const node::CardState& state) {
  constexpr double kMillijoules = 1000;
  if ((field.fieldId >= EccNow && field.fieldId <= LastEccCount) ||
      (field.fieldId >= RemappedCorrected && field.fieldId <= RemappedFailure))
    return answer_ecc(field, card);
  if (field.fieldId >= PowerAverage && field.fieldId <= PowerAsked && field.fieldId != EnergyAgain &&
      !is_of_board(field))
    return;
  switch (field.fieldId) {
    case Energy:
    case EnergyAgain:
      return set(field, static_cast<unsigned long long>(state.energy_j * kMillijoules));
    case LinkSpeed:
      return set_link_speed(field, card, 0);
    case Links:
      if (card.card().nvlink.links > 0) set(field, static_cast<unsigned>(card.card().nvlink.links));
      return;
    case MigWithoutReset:
    case MigAskedInAnyMode:
      if (!card.card().partitions.empty()) set(field, 1U);
      return;
    case PcieReplays:
      return set(field, 0U);
    case PowerAverage:
    case PowerNow:
      return set(field, milliwatts(state.watts));
    case PowerLeast:
      if (state.min_limit_w > 0) set(field, milliwatts(state.min_limit_w));
      return;
    case PowerMost:
      return set(field, milliwatts(state.max_limit_w));
    case PowerDefault:
      return set(field, milliwatts(state.default_limit_w));
    case PowerLimit:
    case PowerAsked:
      return set(field, milliwatts(state.limit_w));
    default:
      break;
  }
  if (field.fieldId >= LinkSpeed0 && field.fieldId <= LinkSpeed5)
    return set_link_speed(field, card, field.fieldId - LinkSpeed0);
}

}  // namespace
}  // namespace doppel::nvml

extern "C" {
using namespace doppel::nvml;

nvmlReturn_t nvmlDeviceGetFieldValues(nvmlDevice_t device, int count, nvmlFieldValue_t* values) {
  return of_state(
      __func__, device,
      [&](const Card& card, const doppel::node::CardState& state) {
        if (count <= 0) return NVML_ERROR_INVALID_ARGUMENT;
        timespec now{};
        syscall(SYS_clock_gettime, CLOCK_REALTIME, &now);
        for (nvmlFieldValue_t& each : std::span(values, static_cast<std::size_t>(count))) {
          each.timestamp = now.tv_sec * 1'000'000LL + now.tv_nsec / 1000;
          each.latencyUsec = 0;
          each.nvmlReturn = NVML_ERROR_NOT_SUPPORTED;
          answer(each, card, state);
        }
        return NVML_SUCCESS;
      },
      values);
}

}  // extern "C"
