// SPDX-License-Identifier: Apache-2.0
#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class ContextTest : public DeviceTest {};

TEST_F(ContextTest, ThePrimaryIsCounted) {
  Device& device = platform->device(0);
  EXPECT_EQ(*device.retain_primary(), context);
  EXPECT_TRUE(device.release_primary());
  EXPECT_TRUE(device.primary_active());
  EXPECT_TRUE(device.release_primary());
  EXPECT_FALSE(device.primary_active());
  EXPECT_EQ(device.release_primary().error().kind, Error::Kind::InvalidContext);
  EXPECT_EQ(context->check().error().kind, Error::Kind::InvalidContext);
}

TEST_F(ContextTest, DestroyingFreesItsMemory) {
  allocate<int>(1000);
  EXPECT_GT(platform->device(0).memory().used(), 0u);
  context->destroy();
  EXPECT_EQ(platform->device(0).memory().used(), 0u);
}

TEST_F(ContextTest, LimitsAreKept) {
  EXPECT_EQ(context->limit(Limit::StackSize), 1024u);
  EXPECT_TRUE(context->set_limit(Limit::MallocHeapSize, 64 << 20));
  EXPECT_EQ(context->limit(Limit::MallocHeapSize), 64u << 20);
  EXPECT_FALSE(context->set_limit(Limit::StackSize, std::uint64_t{1} << 40));
}

TEST_F(ContextTest, PeersAreEnabledOnce) {
  const auto other = *platform->device(1).retain_primary();
  EXPECT_TRUE(platform->device(0).can_access_peer(platform->device(1)));
  EXPECT_TRUE(context->enable_peer(*other));
  EXPECT_EQ(context->enable_peer(*other).error().kind, Error::Kind::AlreadyDone);
  EXPECT_TRUE(context->disable_peer(*other));
  EXPECT_EQ(context->disable_peer(*other).error().kind, Error::Kind::NotEnabled);
  EXPECT_EQ(context->enable_peer(*context).error().kind, Error::Kind::InvalidContext);
}

TEST_F(ContextTest, ACardHasEightPeersAtMost) {
#ifdef DOPPEL_TSAN
  GTEST_SKIP() << "ThreadSanitizer leaves no room for the addresses of ten cards";
#endif
  Options options = testing::plain_options();
  options.cards.assign(10, "rtx-a6000");
  start(options);
  for (int i = 1; i <= 8; ++i) EXPECT_TRUE(context->enable_peer(**platform->device(i).retain_primary())) << i;
  const auto ninth = *platform->device(9).retain_primary();
  EXPECT_EQ(context->enable_peer(*ninth).error().kind, Error::Kind::LimitExceeded);
  EXPECT_TRUE(context->disable_peer(**platform->device(1).retain_primary()));
  EXPECT_TRUE(context->enable_peer(*ninth));
}

TEST_F(ContextTest, DevicesAreToldApart) {
  EXPECT_NE(platform->device(0).uuid(), platform->device(1).uuid());
  EXPECT_NE(platform->device(0).pci().bus, platform->device(1).pci().bus);
}

TEST(PlatformTest, UnknownCardsAreNamed) {
  Options options;
  options.cards = {"rtx-a600"};
  const auto made = Platform::create(options);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message.find("rtx-a6000"), std::string::npos) << made.error().message;
}

}  // namespace
}  // namespace doppel::device
