// SPDX-License-Identifier: Apache-2.0
#include "card/ecc.h"

#include <algorithm>

namespace doppel::card {
namespace {

std::int64_t scaled(std::int64_t bytes, double factor) {
  constexpr std::int64_t kPage = std::int64_t{1} << 16;
  return static_cast<std::int64_t>(static_cast<double>(bytes) * factor) / kPage * kPage;
}

}  // namespace

bool has_ecc(const Card& card) { return card.ecc.memory_share > 0; }

Memory memory_with_ecc(const Card& card, bool on) {
  Memory memory = card.memory;
  if (on == memory.ecc || !has_ecc(card)) return memory;
  const double bytes = on ? card.ecc.memory_share : 1 / card.ecc.memory_share;
  const double rate = on ? card.ecc.bandwidth_share : 1 / card.ecc.bandwidth_share;
  memory.ecc = on;
  if (bytes != 1) {
    memory.bytes = scaled(memory.bytes, bytes);
    memory.board_bytes = scaled(memory.board_bytes, bytes);
  }
  for (double* const each : {&memory.read_efficiency, &memory.write_efficiency, &memory.copy_efficiency})
    *each = std::min(1.0, *each * rate);
  return memory;
}

}  // namespace doppel::card
