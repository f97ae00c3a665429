// SPDX-License-Identifier: Apache-2.0
#include <cstring>

#include "device/memory_pool.h"
#include "device/virtual_memory.h"
#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class Memory : public DeviceTest {};

TEST_F(Memory, CopiesOfAllShapes) {
  auto* device = allocate<char>(64);
  std::vector<char> host(64);
  for (int i = 0; i < 64; ++i) host[i] = static_cast<char>(i);
  const auto stream = context->legacy();
  ASSERT_TRUE(stream->copy_and_wait({{number(device)}, {number(host.data())}, 64}));
  EXPECT_EQ(std::memcmp(device, host.data(), 64), 0);
  // A box of 4 bytes by 3 rows from a pitch of 8 to one of 5.
  std::vector<char> box(15, -1);
  CopyWork copy{{number(box.data()), 5}, {number(device) + 8, 8}, 4, 3};
  ASSERT_TRUE(stream->copy_and_wait(copy));
  EXPECT_EQ(box, (std::vector<char>{8, 9, 10, 11, -1, 16, 17, 18, 19, -1, 24, 25, 26, 27, -1}));
}

TEST_F(Memory, CopiesStayInsideOfAllocations) {
  auto* device = allocate<char>(64);
  std::vector<char> host(128);
  const auto answer = context->legacy()->copy_and_wait({{number(device)}, {number(host.data())}, 65});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Error::Kind::InvalidArgument);
  EXPECT_NE(answer.error().message.find("1 bytes behind"), std::string::npos) << answer.error().message;
  EXPECT_FALSE(context->legacy()->copy_and_wait({{0}, {number(host.data())}, 4}));
}

TEST_F(Memory, Fills) {
  auto* words = allocate<std::uint32_t>(10);
  const auto stream = context->legacy();
  ASSERT_TRUE(stream->memset_and_wait({number(words), 0, 0xdeadbeef, 4, 10}));
  ASSERT_TRUE(stream->memset_and_wait({number(words), 20, 0x1234, 2, 2, 2}));
  ASSERT_TRUE(stream->synchronize());
  EXPECT_EQ(words[0], 0x12341234u);
  EXPECT_EQ(words[1], 0xdeadbeefu);
  EXPECT_EQ(words[5], 0x12341234u);
  EXPECT_FALSE(stream->memset_and_wait({number(words) + 1, 0, 0, 4, 1}));
}

TEST_F(Memory, AddressesAreClassified) {
  int own = 0;
  EXPECT_EQ(platform->classify(number(&own)).kind, PointerInfo::Kind::PageableHost);
  const PointerInfo info = platform->classify(number(allocate<int>(4)) + 4);
  EXPECT_EQ(info.kind, PointerInfo::Kind::Device);
  EXPECT_EQ(info.device, &platform->device(0));
  EXPECT_EQ(info.context, context.get());
  EXPECT_EQ(platform->classify(*context->allocate_host(16)).kind, PointerInfo::Kind::PinnedHost);
  EXPECT_EQ(platform->classify(*context->allocate_managed(16)).kind, PointerInfo::Kind::Managed);
}

TEST_F(Memory, FreeingTwiceIsAnError) {
  const auto address = number(allocate<int>(4));
  EXPECT_TRUE(context->free(address));
  EXPECT_FALSE(context->free(address));
}

TEST_F(Memory, StreamOrderedMemoryIsCounted) {
  const auto stream = *context->create_stream({});
  const auto address = stream->allocate(1 << 20);
  ASSERT_TRUE(address);
  const auto pool = platform->device(0).default_pool();
  EXPECT_EQ(pool->usage().used, 1u << 20);
  ASSERT_TRUE(stream->enqueue(Work{MemsetWork{*address, 0, 1, 1, 1 << 20}}));
  ASSERT_TRUE(stream->free(*address));
  ASSERT_TRUE(stream->synchronize());
  EXPECT_EQ(pool->usage().used, 0u);
  EXPECT_EQ(pool->usage().used_high, 1u << 20);
}

TEST_F(Memory, VirtualMemoryMapsTheSameTwice) {
  constexpr std::uint64_t kBytes = PhysicalMemory::granularity();
  Device& device = platform->device(0);
  VirtualMemory& space = device.virtual_memory();
  const auto memory = PhysicalMemory::create(device, kBytes);
  ASSERT_TRUE(memory);
  EXPECT_EQ(device.memory().used(), kBytes);
  const auto range = space.reserve(2 * kBytes, 0, 0);
  ASSERT_TRUE(range);
  ASSERT_TRUE(space.map(*range, kBytes, 0, *memory));
  ASSERT_TRUE(space.map(*range + kBytes, kBytes, 0, *memory));
  EXPECT_FALSE(space.map(*range, kBytes, 0, *memory));
  ASSERT_TRUE(space.set_access(*range, 2 * kBytes, MemoryAccess::ReadWrite));
  *reinterpret_cast<int*>(*range) = 5;
  EXPECT_EQ(*reinterpret_cast<int*>(*range + kBytes), 5);
  EXPECT_FALSE(space.release(*range, 2 * kBytes));
  EXPECT_TRUE(space.unmap(*range, 2 * kBytes));
  EXPECT_TRUE(space.release(*range, 2 * kBytes));
}

TEST_F(Memory, MoreThanTheCardHasIsRefused) {
  std::uint64_t free_bytes = 0, total = 0;
  context->memory_info(free_bytes, total);
  EXPECT_EQ(free_bytes, total);
  EXPECT_EQ(context->allocate(total + 1).error().kind, Error::Kind::OutOfMemory);
}

}  // namespace
}  // namespace doppel::device
