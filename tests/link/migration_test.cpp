// SPDX-License-Identifier: Apache-2.0
#include "link/migration.h"

#include <gtest/gtest.h>

#include "card/load_card.h"

namespace doppel::link {
namespace {

constexpr double kBytes = 32 << 20;

TEST(Migration, WhatIsPrefetchedComesAsACopyDoes) {
  const card::Card card = card::find_card("rtx-a6000").value();
  const Box box{32 << 20};
  for (const Direction direction : {Direction::HostToDevice, Direction::DeviceToHost}) {
    EXPECT_NEAR(migration_us(card, kBytes, direction, Cause::Prefetch) + card.pcie.latency_us,
                host_copy_us(card, box, direction, HostMemory::Pinned), 1e-6);
  }
}

TEST(Migration, WhatIsWaitedForComesMoreSlowlyAndKeepsTheLinkNoLonger) {
  const card::Card card = card::find_card("rtx-a6000").value();
  const double on_link = migration_on_link_us(card, kBytes, Direction::HostToDevice);
  EXPECT_NEAR(migration_us(card, kBytes, Direction::HostToDevice, Cause::Fault),
              on_link / card.managed.fault_efficiency, 1e-6);
  EXPECT_GE(on_link, kBytes / card.pcie.peak_bytes_per_second() * 1e6);
}

// A line is a packet with its header, and a read no faster than its round trips.
TEST(Migration, LinesTakeNoLessThanACopy) {
  const card::Card card = card::find_card("rtx-a6000").value();
  for (const Direction direction : {Direction::HostToDevice, Direction::DeviceToHost})
    EXPECT_GT(lines_on_link_us(card, kBytes, direction), migration_on_link_us(card, kBytes, direction));
}

}  // namespace
}  // namespace doppel::link
