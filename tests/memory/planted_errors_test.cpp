// SPDX-License-Identifier: Apache-2.0
#include "memory/planted_errors.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace doppel::memory {
namespace {

using Fate = PlantedErrors::Fate;

class PlantedErrorsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    errors.listen([this](const PlantedError& error, Fate fate) { told.emplace_back(error.serial, fate); });
  }
  static constexpr std::uint64_t kAt = 0x10000;
  PlantedErrors errors;
  std::vector<std::pair<std::uint64_t, Fate>> told;
};

TEST_F(PlantedErrorsTest, OneBitIsCorrectedOnce) {
  errors.plant({1, kAt + 40, 1});
  EXPECT_TRUE(errors.any());
  EXPECT_FALSE(errors.read(kAt, 32));  // the granule before
  EXPECT_FALSE(errors.read(kAt + 64, 4));
  EXPECT_TRUE(told.empty());
  // Any byte that its check bits stand for.
  EXPECT_FALSE(errors.read(kAt + 60, 1));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], std::pair(std::uint64_t{1}, Fate::Corrected));
  EXPECT_FALSE(errors.any());
  EXPECT_FALSE(errors.read(kAt + 40, 1));
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(PlantedErrorsTest, TwoBitsStayAndAreToldOnce) {
  errors.plant({7, kAt, 2});
  for (int i = 0; i < 3; ++i) {
    const auto found = errors.read(kAt - 4, 8);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->serial, 7U);
  }
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0], std::pair(std::uint64_t{7}, Fate::Uncorrectable));
  // Memory that is given back takes it along, and nobody hears of it again.
  errors.forget(kAt, 4096);
  EXPECT_FALSE(errors.any());
  EXPECT_EQ(told.size(), 1U);
}

TEST_F(PlantedErrorsTest, TwoErrorsOfOneBitInOneGranuleAreOneOfTwo) {
  errors.plant({1, kAt, 1});
  errors.plant({2, kAt + 31, 1});
  EXPECT_TRUE(errors.read(kAt + 8, 4));
  EXPECT_TRUE(errors.any());
}

TEST_F(PlantedErrorsTest, WhatIsWrittenAsAWholeIsGone) {
  errors.plant({1, kAt + 5, 2});
  errors.write(kAt, 16);
  errors.write(kAt + 20, 12);
  EXPECT_TRUE(errors.read(kAt, 1));
  errors.write(kAt + 10, 12);
  EXPECT_FALSE(errors.read(kAt, 32));
  ASSERT_EQ(told.size(), 2U);
  EXPECT_EQ(told[1], std::pair(std::uint64_t{1}, Fate::Overwritten));
}

TEST_F(PlantedErrorsTest, FreedMemoryTellsOfIt) {
  errors.plant({3, kAt + 100, 1});
  errors.forget(kAt, 100);
  EXPECT_TRUE(errors.any());
  errors.forget(kAt + 100, 1);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].second, Fate::Freed);
}

TEST_F(PlantedErrorsTest, LargeAccessesFindAll) {
  for (std::uint64_t i = 0; i < 20; ++i) errors.plant({i + 1, kAt + i * 1000, 1});
  EXPECT_FALSE(errors.read(kAt, 20'000));
  EXPECT_EQ(told.size(), 20U);
  EXPECT_FALSE(errors.any());
}

}  // namespace
}  // namespace doppel::memory
