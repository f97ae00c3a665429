// SPDX-License-Identifier: Apache-2.0
#include "device/shared_resource.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace doppel::device {
namespace {

TEST(SharedResource, WholeSharesTakeTurns) {
  SharedResource engine;
  EXPECT_EQ(engine.take(10, 5, 1), 10);
  EXPECT_EQ(engine.take(10, 5, 1), 15);
  EXPECT_EQ(engine.take(0, 4, 1), 0);
  EXPECT_EQ(engine.take(0, 6, 1), 4);
  EXPECT_EQ(engine.take(0, 1, 1), 20);
  EXPECT_EQ(engine.take(3, 0, 1), 3) << "no time takes no room";
}

TEST(SharedResource, PartsShareUpToTheWhole) {
  SharedResource sms;
  EXPECT_EQ(sms.take(0, 10, 0.5), 0);
  EXPECT_EQ(sms.take(0, 20, 0.5), 0);
  EXPECT_EQ(sms.take(0, 5, 0.5), 10) << "when the first has ended";
  EXPECT_EQ(sms.take(0, 5, 0.6), 20) << "half is taken until then";
  EXPECT_EQ(sms.take(0, 5, 0.4), 15) << "beside the second, in front of the fourth";
}

TEST(SharedResource, GapsAreFilledWhereTheyAreLongEnough) {
  SharedResource engine;
  EXPECT_EQ(engine.take(0, 10, 1), 0);
  EXPECT_EQ(engine.take(15, 10, 1), 15);
  EXPECT_EQ(engine.take(0, 6, 1), 25) << "the gap has 5";
  EXPECT_EQ(engine.take(0, 5, 1), 10);
}

TEST(SharedResource, AnyNumberInTurnStaysInOrder) {
  SharedResource engine;
  for (int i = 0; i < 100000; ++i) ASSERT_EQ(engine.take(0, 2, 1), 2 * i);
  // Apart from each other, and far ahead: what comes after finds its place in front all the same.
  SharedResource sms;
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(sms.take(3 * i, 2, 0.5), 3 * i);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(sms.take(3 * i, 2, 0.5), 3 * i);
  EXPECT_EQ(sms.take(0, 1, 1), 2) << "the first gap";
}

TEST(SharedResource, WhatIsForgottenChangesNothingBehindIt) {
  SharedResource kept;
  SharedResource forgetful;
  for (int i = 0; i < 3000; ++i) {
    const double duration = 1.5 + i % 7;
    const double share = 0.3 + 0.1 * (i % 3);
    forgetful.forget_before(i);
    ASSERT_EQ(forgetful.take(i, duration, share), kept.take(i, duration, share)) << i;
  }
}

}  // namespace
}  // namespace doppel::device
