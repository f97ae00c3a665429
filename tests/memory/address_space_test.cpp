// SPDX-License-Identifier: Apache-2.0
#include "memory/address_space.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "memory/host_memory.h"

namespace doppel::memory {
namespace {

constexpr std::uint64_t kCapacity = std::uint64_t{48} << 30;

std::unique_ptr<AddressSpace> make(std::uint64_t capacity = kCapacity) {
  auto space = AddressSpace::create(0, capacity);
  EXPECT_TRUE(space) << space.error().message;
  return std::move(*space);
}

// Whether the byte can be read, without a signal: the kernel reads it for us, or says that it cannot.
bool readable(std::uint64_t address) {
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const bool read = write(ends[1], reinterpret_cast<const void*>(address), 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return read;
}

TEST(AddressSpace, MemoryIsUsableAndZero) {
  const auto space = make();
  const auto address = space->allocate(1000, 256, AllocationKind::Device);
  ASSERT_TRUE(address);
  EXPECT_EQ(*address % 256, 0u);
  auto* bytes = reinterpret_cast<unsigned char*>(*address);
  EXPECT_EQ(bytes[0], 0);
  std::memset(bytes, 7, 1000);
  EXPECT_EQ(bytes[999], 7);
  EXPECT_EQ(space->used(), 1000u);
  ASSERT_TRUE(space->free(*address));
  EXPECT_EQ(space->used(), 0u);
  EXPECT_EQ(space->peak(), 1000u);
}

TEST(AddressSpace, AddressesRepeat) {
  std::uint64_t first = 0;
  {
    const auto space = make();
    first = *space->allocate(5000, 256, AllocationKind::Device) - space->base();
  }
  const auto space = make();
  EXPECT_EQ(*space->allocate(5000, 256, AllocationKind::Device) - space->base(), first);
}

constexpr std::uint64_t kCardPage = std::uint64_t{2} << 20;

TEST(AddressSpace, ACardsPageCanBeTouchedAroundAnAllocation) {
  const auto space = make();
  const auto address = space->allocate(4096, 256, AllocationKind::Device);
  const auto other = space->allocate(4096, 256, AllocationKind::Device);
  ASSERT_TRUE(address && other);
  const std::uint64_t page = *address / kCardPage * kCardPage;
  EXPECT_TRUE(readable(*address + 4096));
  EXPECT_TRUE(readable(page));
  EXPECT_TRUE(readable(page + kCardPage - 1));
  EXPECT_FALSE(readable(page - 1));
  EXPECT_FALSE(readable(page + kCardPage));
  EXPECT_TRUE(readable(*other));
}

TEST(AddressSpace, APageStaysWhileAnythingInItIsAllocated) {
  const auto space = make();
  const auto first = space->allocate(4096, 256, AllocationKind::Device);
  const auto second = space->allocate(4096, 256, AllocationKind::Device);
  ASSERT_TRUE(first && second);
  ASSERT_EQ(*first / kCardPage, *second / kCardPage);
  auto* byte = reinterpret_cast<unsigned char*>(*first);
  *byte = 1;
  ASSERT_TRUE(space->free(*first));
  EXPECT_TRUE(readable(*first));
  EXPECT_EQ(*byte, 0);
  EXPECT_TRUE(readable(*second));
  ASSERT_TRUE(space->free(*second));
  EXPECT_FALSE(readable(*first));
  EXPECT_FALSE(readable(*second));
}

TEST(AddressSpace, ALargeAllocationTakesAllItsPagesWithIt) {
  const auto space = make();
  const auto large = space->allocate(3 * kCardPage + 8192, 256, AllocationKind::Device);
  ASSERT_TRUE(large);
  EXPECT_TRUE(readable(*large));
  EXPECT_TRUE(readable(*large + 3 * kCardPage + 8191));
  ASSERT_TRUE(space->free(*large));
  for (std::uint64_t page = 0; page <= 3; ++page) EXPECT_FALSE(readable(*large + page * kCardPage));
}

TEST(AddressSpace, NothingCanBeTouchedAroundTheRange) {
  const auto space = make();
  EXPECT_FALSE(readable(space->base()));
  EXPECT_FALSE(readable(space->base() - 1));
  EXPECT_FALSE(readable(space->base() - kMarginBytes));
  EXPECT_FALSE(readable(space->base() + kRangeBytes));
  EXPECT_FALSE(readable(space->base() + kRangeBytes + kMarginBytes - 1));
}

TEST(AddressSpace, FreedMemoryCannotBeTouchedAndIsNotReusedAtOnce) {
  const auto space = make();
  const auto address = space->allocate(4096, 256, AllocationKind::Device);
  ASSERT_TRUE(space->free(*address));
  EXPECT_FALSE(readable(*address));
  EXPECT_NE(*space->allocate(4096, 256, AllocationKind::Device), *address);
  EXPECT_NE(space->describe(*address + 8).find("freed before"), std::string::npos)
      << space->describe(*address + 8);
}

TEST(AddressSpace, WrongFreesAreExplained) {
  const auto space = make();
  const auto address = space->allocate(4096, 256, AllocationKind::Device);
  auto inside = space->free(*address + 16);
  ASSERT_FALSE(inside);
  EXPECT_EQ(inside.error().kind, Error::Kind::NotFound);
  EXPECT_NE(inside.error().message.find("inside of allocation"), std::string::npos);
  ASSERT_TRUE(space->free(*address));
  auto twice = space->free(*address);
  ASSERT_FALSE(twice);
  EXPECT_NE(twice.error().message.find("freed before"), std::string::npos);
  EXPECT_FALSE(space->free(0x1234));
}

TEST(AddressSpace, CapacityIsTheCards) {
  const auto space = make(1 << 20);
  auto refused = space->allocate(2 << 20, 256, AllocationKind::Device);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::OutOfMemory);
  EXPECT_TRUE(space->allocate(1 << 20, 256, AllocationKind::Device));
  EXPECT_FALSE(space->allocate(1, 256, AllocationKind::Device));
  EXPECT_FALSE(space->allocate(0, 256, AllocationKind::Device));
}

TEST(AddressSpace, MoreThanTheHostHasIsRefused) {
  const auto space = make(std::uint64_t{1} << 60);
  const std::uint64_t available = read_host_memory().available;
  auto refused = space->allocate(available + (std::uint64_t{1} << 30), 256, AllocationKind::Device);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Error::Kind::OutOfMemory);
  EXPECT_NE(refused.error().message.find("can give"), std::string::npos) << refused.error().message;
}

TEST(AddressSpace, UntouchedMemoryCostsNothing) {
  const auto space = make();
  const std::uint64_t before = resident_bytes();
  const auto address = space->allocate(std::uint64_t{1} << 30, 256, AllocationKind::Device);
  ASSERT_TRUE(address);
  EXPECT_LT(resident_bytes(), before + (std::uint64_t{16} << 20));
}

TEST(AddressSpace, ManySmallAllocationsFallBackToSharedChunks) {
  const auto space = make();
  std::vector<std::uint64_t> addresses;
  for (int i = 0; i < 40000; ++i) {
    const auto address = space->allocate(300, 256, AllocationKind::Device);
    ASSERT_TRUE(address) << i << ": " << address.error().message;
    *reinterpret_cast<int*>(*address) = i;
    addresses.push_back(*address);
  }
  for (int i = 0; i < 40000; ++i) ASSERT_EQ(*reinterpret_cast<int*>(addresses[i]), i);
  for (const std::uint64_t address : addresses) ASSERT_TRUE(space->free(address));
  EXPECT_EQ(space->used(), 0u);
}

TEST(AddressSpace, FindsAndDescribes) {
  const auto space = make();
  const auto address = space->allocate(1000, 256, AllocationKind::Symbol, "table");
  const auto found = space->find(*address + 999);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->address, *address);
  EXPECT_EQ(found->label, "table");
  EXPECT_FALSE(space->find(*address + 1000));
  EXPECT_NE(space->describe(*address + 1004).find("4 bytes after the end of the 1000-byte allocation"),
            std::string::npos)
      << space->describe(*address + 1004);
  EXPECT_NE(space->describe(*address - 4).find("4 bytes before"), std::string::npos);
  EXPECT_TRUE(space->contains(*address));
  EXPECT_FALSE(space->contains(reinterpret_cast<std::uint64_t>(&found)));
}

TEST(AddressSpace, HostMemoryIsApartFromTheCards) {
  const auto space = make(1 << 20);
  const auto pinned = space->allocate_host(4 << 20);
  ASSERT_TRUE(pinned);
  EXPECT_EQ(space->used(), 0u);
  EXPECT_GE(*pinned - space->base(), kHostWindowOffset);
  *reinterpret_cast<int*>(*pinned) = 5;
  EXPECT_FALSE(space->free(*pinned));
  EXPECT_TRUE(space->free_host(*pinned));
  int own[64] = {};
  const auto address = reinterpret_cast<std::uint64_t>(own);
  ASSERT_TRUE(space->register_host(address, sizeof own));
  auto again = space->register_host(address + 4, 4);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, Error::Kind::AlreadyDone);
  EXPECT_EQ(space->find(address + 8)->kind, AllocationKind::HostRegistered);
  EXPECT_TRUE(space->unregister_host(address));
  EXPECT_EQ(space->unregister_host(address).error().kind, Error::Kind::NotEnabled);
}

TEST(AddressSpace, TwoSpacesHaveTheirOwnRanges) {
  const auto first = make();
  auto second = AddressSpace::create(1, kCapacity);
  ASSERT_TRUE(second);
  EXPECT_FALSE(first->contains((*second)->base()));
}

}  // namespace
}  // namespace doppel::memory
