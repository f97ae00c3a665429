// SPDX-License-Identifier: Apache-2.0
#include "device/host_part.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace doppel::device {
namespace {

namespace fs = std::filesystem;
using Tag = HostPart::Tag;

constexpr Tag kLaunch("cuLaunchKernel");
constexpr Tag kCopy("cuMemcpyDtoH_v2");
constexpr Tag kPoll("cuEventQuery");

class HostPartTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "doppel-host-part-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }
  std::unique_ptr<HostPart> open(const std::string& mode, const std::string& program = "app") {
    auto part = HostPart::create(mode + ":" + folder_.string(), program);
    EXPECT_TRUE(part) << part.error().message;
    return std::move(*part);
  }
  fs::path folder_;
};

TEST_F(HostPartTest, WhatWasRecordedIsReplayed) {
  auto first = open("record");
  auto* line = &first->add_line();
  EXPECT_EQ(line->take(kLaunch, 3), 3);
  EXPECT_EQ(line->take(kCopy, 5), 5);
  ASSERT_TRUE(first->write());
  auto second = open("replay");
  line = &second->add_line();
  EXPECT_EQ(line->take(kLaunch, 30), 3);
  EXPECT_EQ(line->take(kCopy, 50), 5);
  // It goes on for longer than the first run did.
  EXPECT_EQ(line->take(kCopy, 60), 60);
}

TEST_F(HostPartTest, ARunThatCallsOtherwiseMeasuresItsOwn) {
  auto first = open("record");
  auto* line = &first->add_line();
  for (const double us : {1, 2, 3}) line->take(kLaunch, us);
  ASSERT_TRUE(first->write());
  auto second = open("replay");
  line = &second->add_line();
  EXPECT_EQ(line->take(kLaunch, 10), 1);
  EXPECT_EQ(line->take(kCopy, 20), 20);
  EXPECT_EQ(line->take(kLaunch, 30), 30);
}

// A card that is slower is asked more often.
TEST_F(HostPartTest, PollsMayBeFewer) {
  auto first = open("record");
  auto* line = &first->add_line();
  line->take(kPoll, 0.5);
  line->take(kPoll, 0.25);
  line->take(kCopy, 7);
  ASSERT_TRUE(first->write());
  auto second = open("replay");
  line = &second->add_line();
  EXPECT_EQ(line->take(kPoll, 40), 0.5);
  EXPECT_EQ(line->take(kCopy, 70), 7);
}

TEST_F(HostPartTest, ProcessesOfOneProgramFollowEachOther) {
  for (const double us : {1, 2}) {
    auto part = open("record");
    part->add_line().take(kLaunch, us);
    ASSERT_TRUE(part->write());
  }
  EXPECT_EQ(open("replay", "other")->add_line().take(kLaunch, 9), 9);
  for (const double us : {1, 2, 9}) {
    auto part = open("replay");
    EXPECT_EQ(part->add_line().take(kLaunch, 9), us);
  }
}

TEST_F(HostPartTest, MorePollsTakeWhatTheLastOneTook) {
  auto first = open("record");
  auto* line = &first->add_line();
  line->take(kPoll, 0.5);
  line->take(kCopy, 7);
  ASSERT_TRUE(first->write());
  auto second = open("replay");
  line = &second->add_line();
  EXPECT_EQ(line->take(kPoll, 40), 0.5);
  EXPECT_EQ(line->take(kPoll, 40), 0.5);
  EXPECT_EQ(line->take(kCopy, 70), 7);
}

TEST_F(HostPartTest, ThreadsKeepTheirOwn) {
  auto first = open("record");
  auto* one = &first->add_line();
  auto* two = &first->add_line();
  one->take(kLaunch, 1);
  two->take(kLaunch, 2);
  ASSERT_TRUE(first->write());
  auto second = open("replay");
  one = &second->add_line();
  two = &second->add_line();
  EXPECT_EQ(two->take(kLaunch, 9), 2);
  EXPECT_EQ(one->take(kLaunch, 9), 1);
  EXPECT_EQ(second->add_line().take(kLaunch, 9), 9);
}

TEST_F(HostPartTest, WhatIsWrongIsSaid) {
  EXPECT_NE(HostPart::create("keep:/tmp", "app").error().message.find("keep:/tmp"), std::string::npos);
  EXPECT_NE(HostPart::create("record:/nowhere", "app").error().message.find("/nowhere"), std::string::npos);
  std::ofstream(folder_ / "app.0") << "half a count";
  const auto damaged = HostPart::create("replay:" + folder_.string(), "app");
  ASSERT_FALSE(damaged);
  EXPECT_NE(damaged.error().message.find("app.0 is damaged"), std::string::npos);
}

}  // namespace
}  // namespace doppel::device
