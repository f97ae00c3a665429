// SPDX-License-Identifier: Apache-2.0
#include "card/uuid.h"

#include <fmt/format.h>

#include <string>

namespace doppel::card {
namespace {

// FNV-1a, 64 bits.
std::uint64_t hash(const std::string& text) {
  std::uint64_t value = 0xcbf29ce484222325ULL;
  for (const char letter : text) value = (value ^ static_cast<std::uint8_t>(letter)) * 0x100000001b3ULL;
  return value;
}

std::array<std::uint8_t, 16> uuid_of(const std::string& seed) {
  const std::array<std::uint64_t, 2> halves = {hash(seed), hash(seed + "/low")};
  std::array<std::uint8_t, 16> uuid{};
  for (std::size_t i = 0; i < 16; ++i)
    uuid[i] = static_cast<std::uint8_t>(halves[i / 8] >> (8 * (7 - i % 8)));
  uuid[6] = (uuid[6] & 0x0F) | 0x80;  // RFC 9562: version 8
  uuid[8] = (uuid[8] & 0x3F) | 0x80;  // and its variant
  return uuid;
}

}  // namespace

std::array<std::uint8_t, 16> device_uuid(const Card& card, int ordinal) {
  return device_uuid(card.id, ordinal);
}

std::array<std::uint8_t, 16> device_uuid(const std::string& card_id, int ordinal) {
  return uuid_of("doppel/" + card_id + "/" + std::to_string(ordinal));
}

std::array<std::uint8_t, 16> partition_uuid(const std::string& card_id, int ordinal, int gpu_instance,
                                            int compute_instance) {
  return uuid_of(fmt::format("doppel/{}/{}/mig/{}/{}", card_id, ordinal, gpu_instance, compute_instance));
}

std::string uuid_text(const std::string& prefix, const std::array<std::uint8_t, 16>& uuid) {
  std::string text = prefix + "-";
  for (std::size_t i = 0; i < uuid.size(); ++i) {
    text += fmt::format("{:02x}", uuid[i]);
    if (i == 3 || i == 5 || i == 7 || i == 9) text += '-';
  }
  return text;
}

}  // namespace doppel::card
