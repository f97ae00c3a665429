// SPDX-License-Identifier: Apache-2.0
#include "card/nvlink_pairs.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::card {
namespace {

using Pairs = std::vector<std::pair<std::size_t, std::size_t>>;

std::vector<Card> cards(const std::vector<std::string>& names) {
  std::vector<Card> all;
  for (const std::string& name : names) {
    auto card = load_card(std::string(DOPPEL_SOURCE_DIR) + "/cards/" + name + ".toml");
    EXPECT_TRUE(card) << card.error().message;
    all.push_back(std::move(*card));
  }
  return all;
}

std::string refusal(const std::vector<std::string>& names) {
  const auto pairs = nvlink_pairs(cards(names));
  EXPECT_FALSE(pairs);
  return pairs ? "" : pairs.error().message;
}

TEST(NvLinkPairs, AreOfOneModelInTheirOrder) {
  EXPECT_EQ(*nvlink_pairs(cards({"rtx-a6000", "rtx-a6000"})), (Pairs{{0, 1}}));
  EXPECT_EQ(*nvlink_pairs(cards({"rtx-a6000", "a40", "rtx-a6000", "a40", "rtx-a6000"})),
            (Pairs{{0, 2}, {1, 3}}));
}

TEST(NvLinkPairs, RefuseACardWithoutNvLinkByItsName) {
  EXPECT_EQ(refusal({"rtx-pro-5000-blackwell", "rtx-pro-5000-blackwell"}),
            "NVIDIA RTX PRO 5000 Blackwell has no NVLink");
  EXPECT_EQ(refusal({"rtx-a6000", "rtx-a6000", "rtx-pro-5000-blackwell"}),
            "NVIDIA RTX PRO 5000 Blackwell has no NVLink");
}

TEST(NvLinkPairs, NeedTwo) {
  EXPECT_EQ(refusal({"rtx-a6000"}),
            "an NVLink bridge joins two cards of one model, and there is one NVIDIA RTX A6000");
  EXPECT_EQ(refusal({"a40", "rtx-a6000"}),
            "an NVLink bridge joins two cards of one model, and there is one NVIDIA A40");
}

}  // namespace
}  // namespace doppel::card
