// SPDX-License-Identifier: Apache-2.0
#include "link/transfer.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::link {
namespace {

constexpr std::uint64_t kGigabyte = 1000000000;

TEST(Transfer, PinnedCopiesReachTheMeasuredShareOfTheLink) {
  const card::Card a6000 = card::find_card("rtx-a6000").value();
  const double us = host_copy_us(a6000, kGigabyte, Direction::HostToDevice, HostMemory::Pinned);
  EXPECT_NEAR(1e6 / us, 27.8, 0.1);  // GB/s: 31.5 x 0.883
  EXPECT_GT(host_copy_us(a6000, kGigabyte, Direction::HostToDevice, HostMemory::Pageable), 2 * us);
}

TEST(Transfer, ASmallCopyIsItsLatency) {
  const card::Card a6000 = card::find_card("rtx-a6000").value();
  EXPECT_NEAR(host_copy_us(a6000, 4, Direction::DeviceToHost, HostMemory::Pinned), a6000.pcie.latency_us,
              0.01);
  EXPECT_EQ(host_copy_us(a6000, 0, Direction::DeviceToHost, HostMemory::Pinned), a6000.pcie.latency_us);
}

TEST(Transfer, TheNewerLinkIsTwiceAsFast) {
  const card::Card a6000 = card::find_card("rtx-a6000").value();
  const card::Card blackwell = card::find_card("rtx-pro-5000-blackwell").value();
  const double ratio = host_copy_us(a6000, kGigabyte, Direction::HostToDevice, HostMemory::Pinned) /
                       host_copy_us(blackwell, kGigabyte, Direction::HostToDevice, HostMemory::Pinned);
  EXPECT_NEAR(ratio, 2.0, 0.01);
}

TEST(Transfer, ADeviceCopyReadsAndWrites) {
  const card::Card blackwell = card::find_card("rtx-pro-5000-blackwell").value();
  // Measured on the card: 1,099 GB/s read plus written.
  EXPECT_NEAR(2e6 / device_copy_us(blackwell, kGigabyte), 1099, 3);
}

TEST(Transfer, OnlyPairsOfOneModelAreJoined) {
  const card::Card a6000 = card::find_card("rtx-a6000").value();
  const card::Card blackwell = card::find_card("rtx-pro-5000-blackwell").value();
  EXPECT_TRUE(joined_by_nvlink(a6000, a6000));
  EXPECT_FALSE(joined_by_nvlink(blackwell, blackwell));
  EXPECT_FALSE(joined_by_nvlink(a6000, blackwell));
  EXPECT_LT(peer_copy_us(a6000, a6000, kGigabyte), peer_copy_us(a6000, blackwell, kGigabyte));
}

}  // namespace
}  // namespace doppel::link
