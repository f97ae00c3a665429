// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "errors.h"

namespace doppel::truth {
namespace {

Row row(double measured, double predicted, const char* unit) { return {"", measured, predicted, unit, ""}; }

TEST(TruthErrors, OfATimeAndOfARateAreTheTimes) {
  EXPECT_DOUBLE_EQ(error_percent(row(10, 15, "us")), 50);
  EXPECT_DOUBLE_EQ(error_percent(row(10, 5, "us")), 50);
  EXPECT_DOUBLE_EQ(error_percent(row(100, 50, "GB/s")), 100);  // twice the time
  EXPECT_DOUBLE_EQ(error_percent(row(100, 200, "MLUPS")), 50);
  EXPECT_TRUE(std::isinf(error_percent(row(0, 1, "us"))));
}

TEST(TruthErrors, PercentileIsTheNearestRank) {
  EXPECT_EQ(percentile({}, 0.9), 0);
  EXPECT_EQ(percentile({7}, 0.9), 7);
  EXPECT_EQ(percentile({10, 1, 2, 3, 4, 5, 6, 7, 8, 9}, 0.9), 9);
}

TEST(TruthErrors, RankCorrelationSharesRanksOfEqualValues) {
  EXPECT_DOUBLE_EQ(rank_correlation({row(1, 10, "us"), row(2, 20, "us"), row(3, 25, "us")}), 1);
  EXPECT_DOUBLE_EQ(rank_correlation({row(1, 3, "us"), row(2, 2, "us"), row(3, 1, "us")}), -1);
  EXPECT_NEAR(rank_correlation({row(1, 1, "us"), row(2, 2, "us"), row(2, 3, "us")}), std::sqrt(0.75), 1e-12);
}

TEST(TruthErrors, BandQuotesOnlyTheSetsThatJudge) {
  const auto band = nlohmann::json::parse(error_band({{"a", "streams", Role::Fitted, {"x"}, {1, 1}},
                                                      {"b", "products", Role::Fitted, {"x"}, {2}},
                                                      {"c", "stencils", Role::Judging, {"y"}, {10, 20}},
                                                      {"d", "gathers", Role::Judging, {"y"}, {60}}}));
  EXPECT_EQ(band["mean_percent"], 30);
  EXPECT_EQ(band["p90_percent"], 60);
  EXPECT_EQ(band["measurements"], 3);
  EXPECT_EQ(band["kinds"].size(), 2);
  EXPECT_EQ(band["kinds"]["stencils"]["mean_percent"], 15);
  EXPECT_EQ(band["sets"]["a"]["role"], "fitted");
  EXPECT_EQ(band["cards"], (std::vector<std::string>{"x", "y"}));
}

}  // namespace
}  // namespace doppel::truth
