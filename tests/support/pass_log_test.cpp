// SPDX-License-Identifier: Apache-2.0
#include "support/pass_log.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace doppel {
namespace {

namespace fs = std::filesystem;

class PassLogTest : public ::testing::Test {
 protected:
  PassLogTest() : folder_(fs::path(testing::TempDir()) / "pass_log") { fs::remove_all(folder_); }
  ~PassLogTest() override { fs::remove_all(folder_); }
  std::string read(const std::string& name) const {
    std::ifstream in(folder_ / name);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
  }
  fs::path folder_;
};

TEST_F(PassLogTest, AWishIsForAPassAndAPartOfAKernelsName) {
  PassLog log;
  EXPECT_FALSE(log.wants("lanes", "step"));
  ASSERT_TRUE(log.ask("lanes:step,schedule", folder_));
  EXPECT_TRUE(log.wants("lanes", "first_step_of_two"));
  EXPECT_FALSE(log.wants("lanes", "fill"));
  EXPECT_TRUE(log.wants("schedule", "fill"));
  EXPECT_FALSE(log.wants("emit", "step"));
}

TEST_F(PassLogTest, AnUnknownPassIsNamedWithThoseThereAre) {
  const auto wrong = PassLog().ask("lanes,nope", folder_);
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().message.find("no pass 'nope'"), std::string::npos) << wrong.error().message;
  EXPECT_NE(wrong.error().message.find("schedule"), std::string::npos) << wrong.error().message;
  // One that leaves nothing to see.
  EXPECT_FALSE(PassLog().ask("object", folder_));
}

TEST_F(PassLogTest, OneFileAKernelAndVariantBegunAnewByEachProcess) {
  {
    PassLog log;
    ASSERT_TRUE(log.ask("all", folder_));
    log.dump("ir", "f<int>", "linear", "old\n");
  }
  PassLog log;
  ASSERT_TRUE(log.ask("all", folder_));
  log.dump("ir", "f<int>", "linear", "one\n");
  log.dump("lanes", "f<int>", "linear", "two");
  EXPECT_EQ(read("f_int_.linear.txt"),
            "==== f<int>: linear after ir ====\none\n==== f<int>: linear after lanes ====\ntwo\n");
}

TEST_F(PassLogTest, TimesStandInTheOrderOfThePasses) {
  PassLog log;
  log.add_time("schedule", 1);
  log.add_time("read", 2);
  log.add_time("schedule", 3);
  const auto times = log.times();
  ASSERT_EQ(times.size(), 2u);
  EXPECT_EQ(times[0].pass, "read");
  EXPECT_EQ(times[1].pass, "schedule");
  EXPECT_EQ(times[1].seconds, 4);
  EXPECT_EQ(times[1].runs, 2u);
}

}  // namespace
}  // namespace doppel
