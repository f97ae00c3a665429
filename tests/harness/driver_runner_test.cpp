// SPDX-License-Identifier: Apache-2.0
// The driver as a machine of the tests, held against our own libcuda.so.1.
#include "harness/driver_runner.h"

#include <gtest/gtest.h>

#include "frontend/ptx/parse.h"

namespace doppel::harness {
namespace {

// The kernel adds 7 to its word, and ends with a trap where that gives 7.
const char* const kAddSeven = R"(
.version 7.8
.target sm_86
.address_size 64
.visible .entry add_seven(.param .u64 word, .param .u32 unused)
{
  .reg .u64 %a;
  .reg .u32 %v;
  .reg .pred %p;
  ld.param.u64 %a, [word];
  ld.global.u32 %v, [%a];
  add.u32 %v, %v, 7;
  setp.eq.u32 %p, %v, 7;
  @%p trap;
  st.global.u32 [%a], %v;
  ret;
}
)";

LaunchCase launch_of(std::byte first) {
  auto module = ptx::parse(kAddSeven);
  LaunchCase launch;
  launch.module = std::make_shared<const ptx::Module>(std::move(*module));
  launch.kernel = "add_seven";
  launch.arguments = {BufferArgument{0}, std::vector<std::byte>(4)};
  launch.buffers = {{first, std::byte{0}, std::byte{0}, std::byte{0}}};
  launch.text = kAddSeven;
  return launch;
}

class DriverRunnerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("DOPPEL_CARD_PATH", DOPPEL_SOURCE_DIR "/cards", 1);
    setenv("DOPPEL_CARD", "rtx-a6000", 1);
  }
  std::unique_ptr<DriverRunner> driver_ = make_driver_runner(DOPPEL_LIBCUDA);
};

TEST_F(DriverRunnerTest, DescribesItsCard) {
  const auto card = driver_->card();
  ASSERT_TRUE(card) << card.error().message;
  EXPECT_EQ(card->name, "NVIDIA RTX A6000");
  EXPECT_EQ(card->capability, 86U);
}

TEST_F(DriverRunnerTest, LeavesWhatTheReferenceLeaves) {
  const LaunchCase launch = launch_of(std::byte{5});
  const auto want = run_on_reference(launch);
  const auto got = driver_->run(launch);
  ASSERT_TRUE(want) << want.error().message;
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, *want);
  EXPECT_EQ((*got)[0][0], std::byte{12});
}

TEST_F(DriverRunnerTest, RunsOnAfterAFault) {
  const auto fault = driver_->run(launch_of(std::byte{0}));
  ASSERT_FALSE(fault);
  EXPECT_EQ(fault.error().kind, Error::Kind::DeviceFault);
  const auto after = driver_->run(launch_of(std::byte{1}));
  ASSERT_TRUE(after) << after.error().message;
  EXPECT_EQ((*after)[0][0], std::byte{8});
}

TEST_F(DriverRunnerTest, PassesOnTheLogOfARefusal) {
  const std::string text = ".version 7.8\n.target sm_86\n.address_size 64\n.entry k() { nonsense; }\n";
  for (int attempt = 0; attempt < 2; ++attempt) {
    const auto loaded = driver_->load(text);
    ASSERT_FALSE(loaded);
    EXPECT_NE(loaded.error().message.find("nonsense"), std::string::npos) << loaded.error().message;
  }
  EXPECT_TRUE(driver_->load(kAddSeven));
}

TEST(DriverRunner, NamesALibraryThatIsNotThere) {
  const auto card = make_driver_runner("/nowhere/libcuda.so.1")->card();
  ASSERT_FALSE(card);
  EXPECT_NE(card.error().message.find("/nowhere/libcuda.so.1"), std::string::npos) << card.error().message;
}

}  // namespace
}  // namespace doppel::harness
