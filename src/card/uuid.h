// SPDX-License-Identifier: Apache-2.0
// The identity that a double reports for itself.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "card/card.h"

namespace doppel::card {

// A version-8 (custom) UUID made from the card's id and its number among the process's devices: the same on
// every host and in every process, and never that of a real card.
std::array<std::uint8_t, 16> device_uuid(const Card& card, int ordinal);
std::array<std::uint8_t, 16> device_uuid(const std::string& card_id, int ordinal);
// Of a compute instance (MIG) by the numbers of its GPU instance and its own: another one with the same
// numbers on the same card has it, too.
std::array<std::uint8_t, 16> partition_uuid(const std::string& card_id, int ordinal, int gpu_instance,
                                            int compute_instance);
// "GPU-00112233-4455-...", "MIG-..."
std::string uuid_text(const std::string& prefix, const std::array<std::uint8_t, 16>& uuid);

}  // namespace doppel::card
