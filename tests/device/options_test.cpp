// SPDX-License-Identifier: Apache-2.0
#include "device/options.h"

#include <gtest/gtest.h>

namespace doppel::device {
namespace {

TEST(Options, HaveDefaults) {
  const auto options = Options::from({{"HOME", "/home/someone"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->cards, std::vector<std::string>{"rtx-a6000"});
  EXPECT_EQ(options->depth, timing::Depth::Fast);
  EXPECT_EQ(options->driver_version, 13050);
  EXPECT_EQ(options->cache_directory, "/home/someone/.cache/doppel");
}

TEST(Options, AreReadFromVariables) {
  const auto options = Options::from({{"DOPPEL_CARDS", "a,b"},
                                      {"DOPPEL_CARD", "c"},
                                      {"DOPPEL_TIMING", "off"},
                                      {"DOPPEL_CHECK", "1"},
                                      {"DOPPEL_TIMEOUT_S", "2.5"},
                                      {"DOPPEL_CACHE", "off"},
                                      {"DOPPEL_CLOCK", "virtual"},
                                      {"DOPPEL_DRIVER_VERSION", "12.4"},
                                      {"DOPPEL_TIMELINE", "1"},
                                      {"DOPPEL_ECC", "0"},
                                      {"DOPPEL_POWER_LIMIT", "212.5"}});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->cards, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(options->depth, timing::Depth::Off);
  EXPECT_TRUE(options->check);
  EXPECT_TRUE(options->keep_timeline);
  EXPECT_EQ(options->driver_version, 12040);
  EXPECT_EQ(options->timeout_s, 2.5);
  EXPECT_TRUE(options->cache_directory.empty());
  EXPECT_TRUE(options->virtual_clock);
  EXPECT_EQ(options->ecc, false);
  EXPECT_EQ(options->power_limit_w, 212.5);
}

TEST(Options, ANodeIsNamedOrOff) {
  EXPECT_EQ(Options::from({})->node, "");
  EXPECT_EQ(Options::from({{"DOPPEL_NODE", "lab"}})->node, "lab");
  EXPECT_EQ(Options::from({{"DOPPEL_NODE", "off"}})->node, "");
}

TEST(Options, WrongValuesAreNamed) {
  const auto options = Options::from({{"DOPPEL_TIMING", "quick"}});
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().message, "DOPPEL_TIMING=quick: expected off, fast or full");
  EXPECT_FALSE(Options::from({{"DOPPEL_TIMEOUT_S", "soon"}}));
  EXPECT_FALSE(Options::from({{"DOPPEL_CHECK", "yes"}}));
  EXPECT_FALSE(Options::from({{"DOPPEL_ECC", "on"}}));
  for (const char* limit : {"0", "-5", "200 W", "much"})
    EXPECT_FALSE(Options::from({{"DOPPEL_POWER_LIMIT", limit}})) << limit;
  for (const char* version : {"13", "13.", "13.6", "10.2", "13.05", "13050", "-1.0", "13.-5", "x.y"})
    EXPECT_FALSE(Options::from({{"DOPPEL_DRIVER_VERSION", version}})) << version;
}

}  // namespace
}  // namespace doppel::device
