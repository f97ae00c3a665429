// SPDX-License-Identifier: Apache-2.0
// Where pages of managed memory lie (src/device/residence.h): each number follows from the rule in its test's
// name.
#include "device/residence.h"

#include <gtest/gtest.h>

namespace doppel::device {
namespace {

constexpr std::uint64_t kPage = std::uint64_t{64} << 10;
constexpr std::uint64_t kBegin = std::uint64_t{1} << 40;
constexpr std::uint64_t kPages = 32;
constexpr double kAllBytes = kPages * kPage;

class ResidenceTest : public ::testing::Test {
 protected:
  static constexpr std::uint64_t kEnd = kBegin + kPages * kPage;
  std::optional<Residence::Area> find(std::uint64_t address) const {
    if (address >= kEnd) return std::nullopt;
    return Residence::Area{kBegin, kEnd, serial_, with_host_};
  }
  Migration read(int card, std::uint64_t begin = kBegin, std::uint64_t end = kEnd) {
    const Residence::Access access{begin, end, false};
    return residence_.touch(card, {&access, 1});
  }
  Migration write(int card, std::uint64_t begin = kBegin, std::uint64_t end = kEnd) {
    const Residence::Access access{begin, end, true};
    return residence_.touch(card, {&access, 1});
  }
  Migration by_host() { return residence_.touch_by_host(kBegin, kEnd); }
  void advise(Advice advice, int place, bool set = true) {
    residence_.advise(kBegin, kEnd, advice, set, place);
  }

  std::uint64_t serial_ = 1;
  bool with_host_ = false;
  std::uint64_t contents_ = 1;
  std::uint64_t capacity_ = std::uint64_t{1} << 40;
  Residence residence_{[this](std::uint64_t address) { return find(address); },
                       [this](int) { return capacity_; },
                       [this](std::uint64_t, std::uint64_t) { return contents_; }};
};

TEST_F(ResidenceTest, WhatNobodyHasTouchedMovesNowhere) {
  const Migration first = read(0);
  EXPECT_TRUE(first.faulted);
  EXPECT_EQ(first.to_card, 0);
  EXPECT_FALSE(read(0).any());
  EXPECT_EQ(residence_.resident_bytes(0), kAllBytes);
}

TEST_F(ResidenceTest, ComesToTheCardOnce) {
  EXPECT_FALSE(by_host().any());
  EXPECT_EQ(read(0).to_card, kAllBytes);
  EXPECT_FALSE(read(0).any());
  EXPECT_FALSE(write(0).any());
}

TEST_F(ResidenceTest, BothSidesInTurnsMoveItEachTime) {
  by_host();
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(write(0).to_card, kAllBytes);
    EXPECT_EQ(by_host().to_host, kAllBytes);
    EXPECT_FALSE(by_host().any());
  }
}

TEST_F(ResidenceTest, OnlyThePagesThatAreTouchedMove) {
  by_host();
  EXPECT_EQ(read(0, kBegin + kPage + 4, kBegin + 2 * kPage + 4).to_card, 2 * kPage);
  EXPECT_EQ(read(0).to_card, kAllBytes - 2 * kPage);
}

TEST_F(ResidenceTest, RangesMayReachBeyondManagedMemory) {
  by_host();
  EXPECT_EQ(read(0, kBegin - (1 << 20), kEnd + (1 << 20)).to_card, kAllBytes);
}

TEST_F(ResidenceTest, WhatIsWrittenAsAWholeNeedNotCome) {
  by_host();
  const Residence::Access fill{kBegin, kEnd, true, true};
  EXPECT_EQ(residence_.touch(0, {&fill, 1}).to_card, 0);
  EXPECT_EQ(by_host().to_host, kAllBytes);
}

TEST_F(ResidenceTest, APrefetchMovesWhatIsNotThere) {
  by_host();
  EXPECT_EQ(residence_.prefetch(0, kBegin, kBegin + 4 * kPage).to_card, 4 * kPage);
  EXPECT_EQ(residence_.prefetch(0, kBegin, kEnd).to_card, kAllBytes - 4 * kPage);
  EXPECT_FALSE(read(0).any());
  EXPECT_EQ(residence_.prefetch(kHostPlace, kBegin, kEnd).to_host, kAllBytes);
  EXPECT_FALSE(by_host().any());
}

TEST_F(ResidenceTest, WhatIsMostlyReadIsCopied) {
  advise(Advice::ReadMostly, 0);
  by_host();
  EXPECT_EQ(read(0).to_card, kAllBytes);
  EXPECT_FALSE(by_host().any());
  EXPECT_FALSE(read(0).any());
  EXPECT_EQ(read(1).to_card, kAllBytes);
  // A write leaves one copy.
  EXPECT_FALSE(write(0).any());
  EXPECT_EQ(by_host().to_host, kAllBytes);
}

TEST_F(ResidenceTest, AWriteOfTheHostIsSeenByTheContents) {
  advise(Advice::ReadMostly, 0);
  by_host();
  read(0);
  contents_ = 2;
  EXPECT_FALSE(by_host().any());
  EXPECT_EQ(read(0).to_card, kAllBytes);
  EXPECT_FALSE(read(0).any());
}

// The program may be writing while the advice takes effect.
TEST_F(ResidenceTest, TheFirstTouchAfterTheAdviceCountsAsAWrite) {
  by_host();
  read(0);
  advise(Advice::ReadMostly, 0);
  EXPECT_EQ(by_host().to_host, kAllBytes);
  EXPECT_EQ(read(0).to_card, kAllBytes);
  EXPECT_FALSE(by_host().any());
  EXPECT_FALSE(read(0).any());
}

TEST_F(ResidenceTest, WhatIsMostlyReadIsCopiedByAPrefetchToo) {
  advise(Advice::ReadMostly, 0);
  by_host();
  EXPECT_EQ(residence_.prefetch(0, kBegin, kEnd).to_card, kAllBytes);
  EXPECT_FALSE(by_host().any());
}

TEST_F(ResidenceTest, WhatIsPreferredAtTheHostStays) {
  advise(Advice::PreferredLocation, kHostPlace);
  by_host();
  for (int i = 0; i < 2; ++i) {
    const Migration reads = read(0);
    EXPECT_EQ(reads.read_over_bus, kAllBytes);
    EXPECT_EQ(reads.to_card, 0);
    EXPECT_EQ(write(0).written_over_bus, kAllBytes);
  }
  EXPECT_FALSE(by_host().any());
}

TEST_F(ResidenceTest, WhatIsAccessedByTheCardStaysWithTheHost) {
  advise(Advice::AccessedBy, 0);
  by_host();
  EXPECT_EQ(read(0).read_over_bus, kAllBytes);
  advise(Advice::AccessedBy, 0, false);
  EXPECT_EQ(read(0).to_card, kAllBytes);
}

// Nor does the host reach the card's memory over PCI Express: its page comes.
TEST_F(ResidenceTest, WhatIsPreferredAtTheCardComesBackForTheHostAllTheSame) {
  advise(Advice::PreferredLocation, 0);
  by_host();
  EXPECT_EQ(read(0).to_card, kAllBytes);
  EXPECT_EQ(by_host().to_host, kAllBytes);
  EXPECT_EQ(read(0).to_card, kAllBytes);
}

TEST_F(ResidenceTest, AnotherCardTakesItOver) {
  by_host();
  read(0);
  EXPECT_EQ(write(1).to_card, kAllBytes);
  EXPECT_EQ(residence_.resident_bytes(0), 0u);
  EXPECT_EQ(residence_.resident_bytes(1), kAllBytes);
}

// Three quarters of it fit: what comes in takes the place of what was used longest ago, so that going through
// all of it in order finds nothing there.
TEST_F(ResidenceTest, AFullCardGivesBackWhatItUsedLongestAgo) {
  capacity_ = kPages * kPage * 3 / 4;
  by_host();
  const Migration first = read(0);
  EXPECT_EQ(first.to_card, kAllBytes);
  EXPECT_EQ(first.to_host, kAllBytes / 4);
  const Migration second = read(0);
  EXPECT_EQ(second.to_card, kAllBytes);
  EXPECT_EQ(second.to_host, kAllBytes);
  EXPECT_EQ(residence_.resident_bytes(0), capacity_);
  // The last three quarters are there.
  EXPECT_FALSE(read(0, kBegin + kPages * kPage / 4).any());
}

TEST_F(ResidenceTest, OtherMemoryAtTheAddressIsNewMemory) {
  by_host();
  read(0);
  serial_ = 2;
  EXPECT_EQ(read(0).to_card, 0);
  residence_.forget(kBegin);
  EXPECT_EQ(residence_.resident_bytes(0), 0u);
}

TEST_F(ResidenceTest, WhereNobodySeesTheHostItWroteBefore) {
  with_host_ = true;
  EXPECT_EQ(read(0).to_card, kAllBytes);
  EXPECT_FALSE(read(0).any());
}

}  // namespace
}  // namespace doppel::device
