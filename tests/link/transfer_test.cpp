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

TEST(Transfer, FromCardToCardNvLinkIsFaster) {
  EXPECT_LT(peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::NvLink),
            peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Pcie));
}

TEST(Transfer, FromCardToCardTheSlowerLinkDecides) {
  EXPECT_EQ(peer_copy_us(a6000(), blackwell(), kGigabyte, PeerWay::Pcie),
            peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Pcie));
  EXPECT_LT(peer_copy_us(blackwell(), blackwell(), kGigabyte, PeerWay::Pcie),
            0.6 * peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Pcie));
}

// Rates of long copies from card to card as they were measured (the card files have the sources): over
// NVLink between two RTX A6000, over PCI Express 4.0 between such, and 5.0 between RTX PRO 6000.
TEST(Transfer, FromCardToCardTheMeasuredRatesHold) {
  const auto gigabytes_per_second = [](const card::Card& card, std::uint64_t bytes, PeerWay way) {
    return static_cast<double>(bytes) / peer_copy_us(card, card, {bytes}, way) / 1000;
  };
  EXPECT_NEAR(gigabytes_per_second(a6000(), 536'870'912, PeerWay::NvLink), 52.8, 0.2);
  EXPECT_NEAR(gigabytes_per_second(a6000(), 67'108'864, PeerWay::NvLink), 52.3, 0.6);
  EXPECT_NEAR(gigabytes_per_second(a6000(), 536'870'912, PeerWay::Pcie), 26.34, 0.1);
  EXPECT_NEAR(gigabytes_per_second(blackwell(), 160'000'000, PeerWay::Pcie), 56.57, 0.2);
}

// Long copies overlap their two ways part by part, short ones go one after the other.
TEST(Transfer, ThroughTheHostACopyGoesTwice) {
  const double direct = peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Pcie);
  const double staged = peer_copy_us(a6000(), a6000(), kGigabyte, PeerWay::Staged);
  EXPECT_LT(staged, 1.06 * direct);
  const Box small{65536};
  EXPECT_DOUBLE_EQ(peer_copy_us(a6000(), a6000(), small, PeerWay::Staged),
                   host_copy_us(a6000(), small, Direction::DeviceToHost, HostMemory::Pinned) +
                       host_copy_us(a6000(), small, Direction::HostToDevice, HostMemory::Pinned));
}

TEST(Transfer, ACopyUsesTheLinksThatItGoesOver) {
  const double us = peer_copy_us(a6000(), blackwell(), kGigabyte, PeerWay::Staged);
  const auto uses = peer_copy_uses(a6000(), 0, blackwell(), 1, kGigabyte, PeerWay::Staged, us);
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
