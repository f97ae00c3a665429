// SPDX-License-Identifier: Apache-2.0
// A second C interface over src/api/common, with result codes of its own.
#include "gauge.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

namespace {

void* find(const char* name, int version) {
  void* function = nullptr;
  const GaugeResult result = gaugeFind(name, version, &function);
  EXPECT_EQ(result == GAUGE_FINE, function != nullptr);
  return function;
}

TEST(Gauge, RefusesUntilItIsInUse) {
  GaugeSensor sensor = nullptr;
  EXPECT_EQ(gaugeAdd(&sensor, 1.5), GAUGE_CLOSED);
  EXPECT_EQ(gaugeOpen(), GAUGE_FINE);
  EXPECT_EQ(gaugeAdd(&sensor, 1.5), GAUGE_FINE);
  EXPECT_EQ(gaugeClose(), GAUGE_FINE);
  EXPECT_EQ(gaugeAdd(&sensor, 1.5), GAUGE_CLOSED);
}

TEST(Gauge, HandlesBecomeObjectsAndErrorsCodes) {
  ASSERT_EQ(gaugeOpen(), GAUGE_FINE);
  GaugeSensor sensor = nullptr;
  double value = 0;
  ASSERT_EQ(gaugeAdd(&sensor, 1.5), GAUGE_FINE);
  EXPECT_EQ(gaugeRead_v2(sensor, &value), GAUGE_FINE);
  EXPECT_EQ(value, 1.5);
  EXPECT_EQ(gaugeRemove(sensor), GAUGE_FINE);
  EXPECT_EQ(gaugeRead_v2(sensor, &value), GAUGE_INVALID);
  EXPECT_EQ(gaugeRemove(sensor), GAUGE_INVALID);
}

TEST(Gauge, ExceptionsBecomeCodes) {
  ASSERT_EQ(gaugeOpen(), GAUGE_FINE);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(gaugeExhaust(), GAUGE_NO_MEMORY);
  EXPECT_EQ(gaugeBreak(), GAUGE_UNKNOWN);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("gaugeBreak: it broke"), std::string::npos);
}

TEST(Gauge, WhatIsNotThereYetSaysSoOnce) {
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(gaugeCalibrate(), GAUGE_REFUSED);
  EXPECT_EQ(gaugeCalibrate(), GAUGE_REFUSED);
  const std::string words = ::testing::internal::GetCapturedStderr();
  const std::size_t first = words.find("gaugeCalibrate is not supported yet");
  EXPECT_NE(first, std::string::npos);
  EXPECT_EQ(words.find("gaugeCalibrate", first + 1), std::string::npos);
}

TEST(Gauge, VersionChoosesTheForm) {
  ASSERT_EQ(gaugeOpen(), GAUGE_FINE);
  EXPECT_EQ(find("gaugeRead", 2000), reinterpret_cast<void*>(gaugeRead));
  EXPECT_EQ(find("gaugeRead", 2010), reinterpret_cast<void*>(gaugeRead_v2));
  EXPECT_EQ(find("gaugeCalibrate", 3000), reinterpret_cast<void*>(gaugeCalibrate));
  EXPECT_EQ(find("gaugeCalibrate", 2010), nullptr);
  EXPECT_EQ(find("gaugeWeigh", 3000), nullptr);
}

}  // namespace
