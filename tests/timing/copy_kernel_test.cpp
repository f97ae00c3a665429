// SPDX-License-Identifier: Apache-2.0
#include "timing/copy_kernel.h"

#include <gtest/gtest.h>

#include <string>

#include "card/load_card.h"

namespace doppel::timing {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;

Rows whole(std::uint64_t begin, std::uint64_t bytes) { return {begin, bytes, bytes}; }
Rows rows(std::uint64_t begin, std::uint64_t width, std::uint64_t pitch, std::uint64_t count) {
  return {begin, width, pitch, count, pitch * count};
}

class CopyKernelTest : public ::testing::TestWithParam<std::string> {
 protected:
  CopyKernel copy(const Rows& destination, const Rows& source) {
    return predict_copy(card_, destination, source, l2_);
  }
  CopyKernel fill(const Rows& destination) { return predict_fill(card_, destination, l2_); }
  double peak() const { return card_.memory.peak_bytes_per_second(); }
  double l2_mib() const { return static_cast<double>(card_.l2.bytes) / kMiB; }

  card::Card card_ = card::find_card(GetParam()).value();
  L2History l2_{card_.l2.bytes, card_.l2.ways};
};

TEST_P(CopyKernelTest, ALongCopyMovesAtTheMeasuredRate) {
  for (int i = 0; i < 2; ++i) {
    const CopyKernel made = copy(whole(0, 2 * kGiB), whole(4 * kGiB, 2 * kGiB));
    // Of the first one, what L2 holds at its end has not been written yet.
    const double us = 4.0 * kGiB / (peak() * card_.memory.copy_efficiency) * 1e6;
    EXPECT_NEAR(made.time_us, us, (i == 0 ? 0.05 : 0.01) * us);
  }
}

TEST_P(CopyKernelTest, ALongFillWritesAtTheRateOfWrites) {
  fill(whole(0, 2 * kGiB));
  const double us = 2.0 * kGiB / (peak() * card_.memory.write_efficiency) * 1e6;
  EXPECT_NEAR(fill(whole(4 * kGiB, 2 * kGiB)).time_us, us, 0.01 * us);
}

TEST_P(CopyKernelTest, WhatL2HoldsDoesNotComeFromDram) {
  const auto bytes = static_cast<std::uint64_t>(card_.l2.bytes) / 6;
  copy(whole(kGiB, bytes), whole(0, bytes));
  const CopyKernel again = copy(whole(kGiB, bytes), whole(0, bytes));
  EXPECT_LT(again.dram_read_bytes + again.dram_write_bytes, 0.01 * static_cast<double>(bytes));
  EXPECT_EQ(again.l2_bytes, 2.0 * static_cast<double>(bytes));
  const double written_us =
      static_cast<double>(bytes) / card_.l2.write_bytes_per_cycle / card_.clocks.sustained_mhz;
  EXPECT_GT(again.time_us, card_.launch.start_us + written_us);
  EXPECT_LT(again.time_us, card_.launch.start_us + written_us + 1);
}

TEST_P(CopyKernelTest, AFillThatFitsIsWrittenToDramByWhatComesLater) {
  const auto bytes = static_cast<std::uint64_t>(card_.l2.bytes) / 2;
  EXPECT_EQ(fill(whole(0, bytes)).dram_write_bytes, 0);
  const CopyKernel later = fill(whole(kGiB, 2 * bytes));
  EXPECT_NEAR(later.dram_write_bytes, static_cast<double>(bytes), 0.1 * static_cast<double>(bytes));
}

TEST_P(CopyKernelTest, ShortRowsMoveWholeSectors) {
  const Rows source = rows(0, 4, 512, kMiB), destination = rows(kGiB, 4, 512, kMiB);
  const CopyKernel made = copy(destination, source);
  EXPECT_GE(made.dram_read_bytes + made.dram_write_bytes, 64.0 * kMiB);
  EXPECT_GT(made.time_us, 64.0 * kMiB / peak() * 1e6);
  l2_ = L2History(card_.l2.bytes, card_.l2.ways);
  EXPECT_GT(made.time_us, 5 * copy(whole(kGiB, 4 * kMiB), whole(0, 4 * kMiB)).time_us);
}

// A sector with a code of its own is read before a part of it is written.
TEST_P(CopyKernelTest, PartsOfSectorsAreReadFirstWhereEachHasACode) {
  const Rows destination = rows(0, 16, 64, 32 * kMiB);
  card_.memory.ecc = false;
  const CopyKernel masked = fill(destination);
  card_.memory.ecc = true;
  l2_ = L2History(card_.l2.bytes, card_.l2.ways);
  const CopyKernel read_first = fill(destination);
  EXPECT_EQ(masked.dram_read_bytes, 0);
  EXPECT_GT(masked.dram_write_bytes, 0);
  EXPECT_NEAR(read_first.dram_read_bytes, masked.dram_write_bytes, 1);
  EXPECT_GT(read_first.time_us, masked.time_us);
}

TEST_P(CopyKernelTest, SectorsAreCountedWhereRowsLie) {
  const auto count = [&](const Rows& what) { return sectors_of(card_, what); };
  EXPECT_EQ(count(whole(0, 4096)).bytes, 4096);
  EXPECT_EQ(count(whole(0, 4096)).partial_bytes, 0);
  EXPECT_EQ(count(whole(16, 4096)).bytes, 4096 + 32);
  EXPECT_EQ(count(whole(16, 4096)).partial_bytes, 64);
  // In the middle of a sector, and across two.
  EXPECT_EQ(count(rows(8, 16, 128, 10)).bytes, 320);
  EXPECT_EQ(count(rows(24, 16, 128, 10)).bytes, 640);
  EXPECT_EQ(count(rows(24, 16, 128, 10)).access_bytes, 10.0 * card_.memory.access_bytes);
  // Each row at another place: one in four of them crosses.
  EXPECT_EQ(count(rows(0, 16, 8 + 64, 1024)).bytes, 1024 * 1.25 * 32);
  // Rows of one sector count it once.
  EXPECT_EQ(count(rows(0, 4, 8, 1024)).bytes, 8192);
  EXPECT_EQ(count({0, 4, 512, 16, 8192, 4}).bytes, 64 * 32);
}

TEST_P(CopyKernelTest, ACopyAsksForWhatBoundsIt) {
  const auto rate = [](const CopyKernel& kernel, Rate which) {
    return kernel.grid.rates[static_cast<std::size_t>(which)];
  };
  const CopyKernel long_one = copy(whole(4 * kGiB, kGiB), whole(0, kGiB));
  EXPECT_GT(rate(long_one, Rate::Dram), 0.99);
  EXPECT_LT(rate(long_one, Rate::L2), 0.6);
  const std::uint64_t bytes = static_cast<std::uint64_t>(card_.l2.bytes) / 4;
  copy(whole(bytes, bytes), whole(0, bytes));
  const CopyKernel in_l2 = copy(whole(bytes, bytes), whole(0, bytes));
  EXPECT_LT(rate(in_l2, Rate::Dram), 0.05);
  EXPECT_GT(rate(in_l2, Rate::L2), 0.3);
  EXPECT_EQ(copy(whole(0, 64), whole(64, 64)).grid.blocks, 1u);
}

INSTANTIATE_TEST_SUITE_P(Cards, CopyKernelTest, ::testing::Values("rtx-a6000", "rtx-pro-5000-blackwell"),
                         [](const auto& each) { return each.param == "rtx-a6000" ? "Ampere" : "Blackwell"; });

}  // namespace
}  // namespace doppel::timing
