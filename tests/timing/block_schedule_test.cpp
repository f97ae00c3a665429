// SPDX-License-Identifier: Apache-2.0
#include "timing/block_schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

namespace doppel::timing {
namespace {

TEST(BlockSchedule, ABlockAloneGoesAtItsOwnPace) {
  EXPECT_DOUBLE_EQ(makespan({100}, 84, 4, {2, 4}), 50);
  // One on each SM: as long as the longest.
  EXPECT_DOUBLE_EQ(makespan({100, 300, 50}, 84, 4, {2, 4}), 150);
}

TEST(BlockSchedule, BlocksOnAnSmShareWhatItCanDo) {
  // Two fit at full pace, four at half.
  EXPECT_DOUBLE_EQ(makespan({100, 100}, 1, 4, {2, 4}), 50);
  EXPECT_DOUBLE_EQ(makespan({100, 100, 100, 100}, 1, 4, {2, 4}), 100);
  // A longer one goes faster when the others have ended.
  EXPECT_DOUBLE_EQ(makespan({100, 100, 100, 200}, 1, 4, {2, 4}), 150);
}

TEST(BlockSchedule, WhoComesLateTakesTheFirstPlaceThatFallsFree) {
  // Places of SM 0 and 1: 100 and 300; then 200 where 100 was.
  EXPECT_DOUBLE_EQ(makespan({100, 300, 200}, 2, 1, {1, 1}), 300);
  EXPECT_DOUBLE_EQ(makespan({100, 300, 200, 10}, 2, 1, {1, 1}), 310);
}

TEST(BlockSchedule, NeverLessThanTheLongestBlockOrAllTheWork) {
  std::vector<double> work;
  std::uint32_t state = 1;
  for (int i = 0; i < 500; ++i) {
    state ^= state << 13, state ^= state >> 17, state ^= state << 5;
    work.push_back(10 + state % 1000);
  }
  const double sum = std::accumulate(work.begin(), work.end(), 0.0);
  const double longest = *std::ranges::max_element(work);
  for (int sms : {1, 7, 84}) {
    for (int places : {1, 3, 16}) {
      const double time = makespan(work, sms, places, {1.5, 4});
      EXPECT_GE(time, longest / 1.5);
      EXPECT_GE(time, sum / 4 / sms * 0.999);
      EXPECT_LE(time, sum / std::min(4.0, 1.5 * places) / sms + longest * std::max(1.0, places / 4.0));
    }
  }
}

}  // namespace
}  // namespace doppel::timing
