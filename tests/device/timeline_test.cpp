#include "device/timeline.h"

#include "device/operation.h"
#include "device/scheduler.h"
#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class TimelineTest : public DeviceTest {
 protected:
  std::shared_ptr<Operation> submit(Cost cost, std::vector<std::shared_ptr<Operation>> dependencies = {},
                                    double at = 0) {
    auto operation = std::make_shared<Operation>(context, [cost] { return cost; }, at);
    platform->scheduler().submit(operation, std::move(dependencies));
    return operation;
  }
  double end_of(const std::shared_ptr<Operation>& operation) {
    platform->scheduler().wait_placed(*operation);
    return operation->end_us();
  }
};

TEST_F(TimelineTest, OrderFollowsDependencies) {
  const auto first = submit({Lane::Compute, 10});
  const auto second = submit({Lane::Compute, 5, 2}, {first});
  EXPECT_EQ(end_of(second), 17);
  EXPECT_EQ(end_of(first), 10);
}

TEST_F(TimelineTest, SmallKernelsShareTheCard) {
  const auto one = submit({Lane::Compute, 10, 0, 0.5});
  const auto two = submit({Lane::Compute, 10, 0, 0.5});
  const auto three = submit({Lane::Compute, 10, 0, 0.5});
  EXPECT_EQ(end_of(one), 10);
  EXPECT_EQ(end_of(two), 10);
  EXPECT_EQ(end_of(three), 20);
}

TEST_F(TimelineTest, DirectionsOfCopiesDoNotWaitForEachOther) {
  const auto down = submit({Lane::CopyToDevice, 10});
  const auto up = submit({Lane::CopyToHost, 10});
  const auto again = submit({Lane::CopyToDevice, 10});
  EXPECT_EQ(end_of(up), 10);
  EXPECT_EQ(end_of(again), 20);
  EXPECT_EQ(end_of(down), 10);
}

TEST_F(TimelineTest, GapsAreFilled) {
  const auto late = submit({Lane::CopyToDevice, 10}, {}, 100);
  const auto early = submit({Lane::CopyToDevice, 10}, {}, 0);
  EXPECT_EQ(end_of(early), 10);
  EXPECT_EQ(end_of(late), 110);
}

TEST_F(TimelineTest, TheHostWaits) {
  const auto stream = context->legacy();
  const double before = platform->clock().now_us();
  auto* data = allocate<char>(1 << 20);
  std::vector<char> host(1 << 20);
  ASSERT_TRUE(stream->copy_and_wait({{number(data)}, {number(host.data())}, 1 << 20}));
  // A MiB over PCI Express takes tens of microseconds of virtual time.
  EXPECT_GT(platform->clock().now_us(), before + 20);
}

}  // namespace
}  // namespace doppel::device
