// SPDX-License-Identifier: Apache-2.0
#include "link/transfer.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::link {
namespace {

constexpr Box kGigabyte{1000000000};

card::Card a6000() { return card::find_card("rtx-a6000").value(); }
card::Card blackwell() { return card::find_card("rtx-pro-5000-blackwell").value(); }

TEST(Transfer, PinnedCopiesReachTheMeasuredShareOfTheLink) {
  const double us = host_copy_us(a6000(), kGigabyte, Direction::HostToDevice, HostMemory::Pinned);
  EXPECT_NEAR(1e6 / us, 27.8, 0.1);  // GB/s: 31.5 x 0.883
  EXPECT_GT(host_copy_us(a6000(), kGigabyte, Direction::HostToDevice, HostMemory::Pageable), 2 * us);
}

TEST(Transfer, ASmallCopyIsItsLatency) {
  const card::Card card = a6000();
  EXPECT_NEAR(host_copy_us(card, {4}, Direction::DeviceToHost, HostMemory::Pinned), card.pcie.latency_us,
              0.01);
  EXPECT_EQ(host_copy_us(card, {0}, Direction::DeviceToHost, HostMemory::Pinned), card.pcie.latency_us);
}

TEST(Transfer, TheNewerLinkIsTwiceAsFast) {
  const double ratio = host_copy_us(a6000(), kGigabyte, Direction::HostToDevice, HostMemory::Pinned) /
                       host_copy_us(blackwell(), kGigabyte, Direction::HostToDevice, HostMemory::Pinned);
  EXPECT_NEAR(ratio, 2.0, 0.01);
}

// Each row is a packet of its own at least, and to read it a request.
TEST(Transfer, ShortRowsCostATransactionEach) {
  for (const card::Card& card : {a6000(), blackwell()}) {
    const double down = host_copy_us(card, {4, 65536}, Direction::HostToDevice, HostMemory::Pinned);
    EXPECT_GT(down, 60) << card.id;
    EXPECT_LT(down, 300) << card.id;
    const double plain = host_copy_us(card, {4 * 65536}, Direction::HostToDevice, HostMemory::Pinned);
    EXPECT_GT(down, 5 * plain) << card.id;
    const double up = host_copy_us(card, {4, 65536}, Direction::DeviceToHost, HostMemory::Pinned);
    const double wire_bytes = 65536.0 * (4 + card.pcie.write_header_bytes);
    EXPECT_GT(up, wire_bytes / card.pcie.peak_bytes_per_second() * 1e6) << card.id;
  }
}

TEST(Transfer, LongRowsCostWhatPlainCopiesDo) {
  for (const Direction direction : {Direction::HostToDevice, Direction::DeviceToHost}) {
    const double rows = host_copy_us(a6000(), {16384, 4096}, direction, HostMemory::Pinned);
    EXPECT_NEAR(rows, host_copy_us(a6000(), {16384 * 4096}, direction, HostMemory::Pinned), 1e-6 * rows);
    EXPECT_GE(host_copy_us(a6000(), {16384, 4096}, direction, HostMemory::Pageable), 2 * rows);
  }
}

TEST(Transfer, OnlyPairsOfOneModelAreJoined) {
  EXPECT_TRUE(joined_by_nvlink(a6000(), a6000()));
  EXPECT_FALSE(joined_by_nvlink(blackwell(), blackwell()));
  EXPECT_FALSE(joined_by_nvlink(a6000(), blackwell()));
  EXPECT_LT(peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::NvLink),
            peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Pcie));
}

TEST(Transfer, FromCardToCardTheSlowerLinkDecides) {
  const double slow = host_copy_us(a6000(), kGigabyte, Direction::DeviceToHost, HostMemory::Pinned);
  EXPECT_EQ(peer_copy_us(a6000(), blackwell(), kGigabyte, PeerWay::Pcie), slow);
}

// Long copies overlap their two ways part by part, short ones go one after the other.
TEST(Transfer, ThroughTheHostACopyGoesTwice) {
  const double direct = peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Pcie);
  const double staged = peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Staged);
  EXPECT_GT(staged, direct);
  EXPECT_LT(staged, 1.01 * direct);
  const Box small{65536};
  EXPECT_DOUBLE_EQ(peer_copy_us(a6000(), a6000(), small, PeerWay::Staged),
                   host_copy_us(a6000(), small, Direction::DeviceToHost, HostMemory::Pinned) +
                       host_copy_us(a6000(), small, Direction::HostToDevice, HostMemory::Pinned));
}

TEST(Transfer, ACopyUsesTheLinksThatItGoesOver) {
  const double us = peer_copy_us(a6000(), blackwell(), kGigabyte, PeerWay::Pcie);
  const auto uses = peer_copy_uses(a6000(), 0, blackwell(), 1, kGigabyte, PeerWay::Pcie, us);
  ASSERT_EQ(uses.size(), 2u);
  EXPECT_EQ(uses[0].card, 0);
  EXPECT_EQ(uses[0].channel, Channel::PcieToHost);
  EXPECT_NEAR(uses[0].share, 1, 0.001);
  EXPECT_EQ(uses[1].card, 1);
  EXPECT_EQ(uses[1].channel, Channel::PcieToDevice);
  EXPECT_NEAR(uses[1].share, 0.514, 0.001);  // 0.908 / 0.883 of half of the newer link
}

}  // namespace
}  // namespace doppel::link
