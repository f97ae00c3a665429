// SPDX-License-Identifier: Apache-2.0
// The place of a card in a machine: what its slot takes, and what it shares with other cards.
#pragma once

#include "card/card.h"

namespace doppel::card {

// The highest generation of PCI Express that a slot may have here: what no card of ours goes beyond.
inline constexpr int kHighestSlotGeneration = 5;

struct Slot {
  int pcie_generation = 0;  // 0: as high as the card's
  int pcie_lanes = 0;       // 0: as many as the card's
  int numa_node = 0;
  int host_bridge = 0;   // of that node
  int pcie_switch = -1;  // below that bridge; -1: none

  friend bool operator==(const Slot&, const Slot&) = default;
};

// The card's link runs at the generation and the lanes that both have. What is sustained of a link's peak is
// the same share at each generation, as nobody has published it by generation for these cards.
void put_in_slot(Card& card, const Slot& slot);

}  // namespace doppel::card
