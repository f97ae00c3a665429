// SPDX-License-Identifier: Apache-2.0
#include "card/slot.h"

#include <algorithm>
#include <array>

namespace doppel::card {
namespace {

// PCI Express Base Specification: transfers a second and lane, and the bits of them that are the sender's, of
// generation 1 to 5.
struct Generation {
  double gigatransfers_per_second, encoding_efficiency;
};
constexpr double kOld = 8.0 / 10, kNew = 128.0 / 130;
constexpr std::array<Generation, kHighestSlotGeneration> kGenerations = {
    {{2.5, kOld}, {5, kOld}, {8, kNew}, {16, kNew}, {32, kNew}}};

}  // namespace

void put_in_slot(Card& card, const Slot& slot) {
  Pcie& pcie = card.pcie;
  if (slot.pcie_lanes > 0) pcie.lanes = std::min(pcie.lanes, slot.pcie_lanes);
  if (slot.pcie_generation == 0 || slot.pcie_generation >= pcie.generation) return;
  pcie.generation = slot.pcie_generation;
  const Generation& slower = kGenerations.at(static_cast<std::size_t>(slot.pcie_generation) - 1);
  pcie.gigatransfers_per_second = slower.gigatransfers_per_second;
  pcie.encoding_efficiency = slower.encoding_efficiency;
}

}  // namespace doppel::card
