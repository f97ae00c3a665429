// SPDX-License-Identifier: Apache-2.0
// What CUDA_VISIBLE_DEVICES makes of a machine's cards.
#include "device/visible_devices.h"

#include <gtest/gtest.h>

#include "card/uuid.h"

namespace doppel::device {
namespace {

Uuid uuid(std::uint8_t first) { return {first, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}; }

class Visible : public ::testing::Test {
 protected:
  using List = std::vector<VisibleDevice>;
  List seen(const std::optional<std::string>& variable) const { return visible_devices(cards, variable); }
  static VisibleDevice card(std::size_t number) { return {number, std::nullopt}; }
  static VisibleDevice mig(std::size_t number, std::size_t device) { return {number, device}; }
  // Two plain cards, and one that may be divided.
  std::vector<CardOffer> cards{{uuid(0xA0), false, {}}, {uuid(0xA1), false, {}}, {uuid(0xB0), false, {}}};
  void divide() {
    cards[2].mig = true;
    cards[2].devices = {{{1, 0}, uuid(0xC1)}, {{2, 0}, uuid(0xC2)}};
  }
};

TEST_F(Visible, WithoutTheVariableAllAre) {
  EXPECT_EQ(seen(std::nullopt), (List{card(0), card(1), card(2)}));
}

TEST_F(Visible, NumbersChooseAndOrder) {
  EXPECT_EQ(seen("1"), List{card(1)});
  EXPECT_EQ(seen("2,0"), (List{card(2), card(0)}));
  EXPECT_EQ(seen(" 1 , 0 "), (List{card(1), card(0)}));
  EXPECT_EQ(seen("1gpu,2x"), (List{card(1), card(2)}));
}

TEST_F(Visible, TheFirstThatNamesNothingEndsTheList) {
  EXPECT_EQ(seen("0,7,1"), List{card(0)});
  EXPECT_EQ(seen("0,-1,1"), List{card(0)});
  EXPECT_EQ(seen("0,,1"), List{card(0)});
  EXPECT_EQ(seen("0,GPU-a1"), List{card(0)});
  for (const char* nothing : {"", "-1", "none", "NoDevFiles", "3", ",0", "99999999999999999999"})
    EXPECT_EQ(seen(nothing), List{}) << nothing;
}

TEST_F(Visible, OneThatIsNamedTwiceEmptiesIt) {
  EXPECT_EQ(seen("0,1,0"), List{});
  EXPECT_EQ(seen("GPU-a1,GPU-a101"), List{});
}

TEST_F(Visible, UuidsNameCardsByAsMuchAsIsUnique) {
  EXPECT_EQ(seen("GPU-b0"), List{card(2)});
  EXPECT_EQ(seen(card::uuid_text("GPU", uuid(0xA1)) + ",GPU-a0"), (List{card(1), card(0)}));
  EXPECT_EQ(seen("GPU-a"), List{});  // two of them
  EXPECT_EQ(seen("GPU-ff"), List{});
}

TEST_F(Visible, OfMigDevicesOneIsSeen) {
  divide();
  EXPECT_EQ(seen(std::nullopt), List{mig(2, 0)});
  EXPECT_EQ(seen("2"), List{mig(2, 0)});
  EXPECT_EQ(seen("GPU-b0"), List{mig(2, 0)});
  EXPECT_EQ(seen("0,1"), (List{card(0), card(1)}));
  EXPECT_EQ(seen("0,2"), List{mig(2, 0)});
  EXPECT_EQ(seen("MIG-c2"), List{mig(2, 1)});
  EXPECT_EQ(seen(card::uuid_text("MIG", uuid(0xC1))), List{mig(2, 0)});
  EXPECT_EQ(seen("MIG-c2,MIG-c1"), List{mig(2, 1)});
  EXPECT_EQ(seen("MIG-c2,MIG-c2"), List{});
}

TEST_F(Visible, MigDevicesThatAreNotThereAreNotSeen) {
  EXPECT_EQ(seen("MIG-c1"), List{});
  divide();
  for (const char* nothing : {"MIG-", "MIG-c", "MIG-ff", "MIG-b0", "MIG-c1x"})
    EXPECT_EQ(seen(nothing), List{}) << nothing;
}

TEST_F(Visible, TheOldFormNamesInstancesByNumber) {
  divide();
  const std::string gpu = "MIG-" + card::uuid_text("GPU", uuid(0xB0));
  EXPECT_EQ(seen(gpu + "/2/0"), List{mig(2, 1)});
  EXPECT_EQ(seen("MIG-GPU-b0/1/0"), List{mig(2, 0)});
  for (const char* wrong : {"", "/", "/2", "/2/1", "/3/0", "/x/0", "/2/"})
    EXPECT_EQ(seen(gpu + wrong), List{}) << wrong;
  EXPECT_EQ(seen("MIG-GPU-a0/2/0"), List{});
}

TEST_F(Visible, ACardInMigModeWithoutInstancesIsNotThere) {
  cards[2].mig = true;
  EXPECT_EQ(seen(std::nullopt), (List{card(0), card(1)}));
  EXPECT_EQ(seen("2"), List{});
  EXPECT_EQ(seen("2,1"), List{card(1)});
}

}  // namespace
}  // namespace doppel::device
