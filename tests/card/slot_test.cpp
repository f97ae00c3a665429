// SPDX-License-Identifier: Apache-2.0
// The link of a card in a slot that takes less than the card could.
#include "card/slot.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::card {
namespace {

Card pro() { return *load_card(DOPPEL_SOURCE_DIR "/cards/rtx-pro-5000-blackwell.toml"); }

TEST(Slot, TakesTheCardAsItIsWhereItSaysNothing) {
  Card card = pro();
  put_in_slot(card, {});
  EXPECT_EQ(card.pcie.generation, 5);
  EXPECT_EQ(card.pcie.lanes, 16);
  EXPECT_EQ(card.pcie.peak_bytes_per_second(), pro().pcie.peak_bytes_per_second());
}

// 8 GT/s x 8 lanes x 128/130.
TEST(Slot, LowersGenerationAndLanes) {
  Card card = pro();
  put_in_slot(card, {.pcie_generation = 3, .pcie_lanes = 8});
  EXPECT_EQ(card.pcie.generation, 3);
  EXPECT_EQ(card.pcie.lanes, 8);
  EXPECT_NEAR(card.pcie.peak_bytes_per_second(), 7.877e9, 1e6);
}

// Generation 1 and 2 send ten bits for eight.
TEST(Slot, OldGenerationsHaveTheOldCode) {
  Card card = pro();
  put_in_slot(card, {.pcie_generation = 2});
  EXPECT_NEAR(card.pcie.peak_bytes_per_second(), 8e9, 1);
}

TEST(Slot, DoesNotRaiseWhatTheCardHas) {
  Card card = *load_card(DOPPEL_SOURCE_DIR "/cards/rtx-a6000.toml");
  const double peak = card.pcie.peak_bytes_per_second();
  put_in_slot(card, {.pcie_generation = 5, .pcie_lanes = 16});
  EXPECT_EQ(card.pcie.generation, 4);
  EXPECT_EQ(card.pcie.peak_bytes_per_second(), peak);
}

}  // namespace
}  // namespace doppel::card
