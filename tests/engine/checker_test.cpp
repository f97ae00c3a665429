// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <array>

#include "engine/access_checker.h"
#include "fake_module.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

TEST(SharedChecker, FindsReadsOfWhatNobodyWrote) {
  SharedChecker checker;
  checker.reset(64);
  EXPECT_FALSE(checker.access(0, 4, 0, 0, true, false));
  EXPECT_FALSE(checker.access(0, 4, 0, 0, false, false));
  EXPECT_TRUE(checker.holds_value(0, 4));
  EXPECT_TRUE(checker.holds_value(2, 4));
  EXPECT_FALSE(checker.holds_value(4, 4));
  // To read it is no error, but to change it is.
  EXPECT_FALSE(checker.access(4, 4, 0, 0, false, false));
  const auto finding = checker.access(4, 4, 0, 0, true, true);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, Fault::Kind::UninitializedShared);
}

TEST(SharedChecker, AStoreOfNoValueLeavesNone) {
  SharedChecker checker;
  checker.reset(8);
  EXPECT_FALSE(checker.access(0, 4, 0, 0, true, false));
  EXPECT_FALSE(checker.access(0, 4, 0, 0, true, false, /*defined=*/false));
  EXPECT_FALSE(checker.holds_value(0, 4));
}

TEST(SharedChecker, FindsRacesBetweenWarps) {
  SharedChecker checker;
  checker.reset(64);
  EXPECT_FALSE(checker.access(0, 4, 0, 0, true, false));
  EXPECT_EQ(checker.access(0, 4, 1, 0, false, false)->kind, Fault::Kind::SharedRace);
  EXPECT_FALSE(checker.access(0, 4, 1, 1, false, false));  // behind a barrier
  EXPECT_FALSE(checker.access(0, 4, 0, 1, false, false));
  EXPECT_EQ(checker.access(0, 4, 0, 1, true, false)->kind, Fault::Kind::SharedRace);
}

TEST(SharedChecker, FindsUsesOfWhatACopyIsStillToWrite) {
  SharedChecker checker;
  checker.reset(64);
  EXPECT_FALSE(checker.access(0, 16, 0, 0, true, false));
  checker.copy_begins(0, 16);
  const auto finding = checker.access(4, 4, 0, 0, false, false);
  ASSERT_TRUE(finding);
  EXPECT_EQ(finding->kind, Fault::Kind::SharedRace);
  EXPECT_NE(finding->message.find("cp.async.wait_group"), std::string::npos) << finding->message;
  EXPECT_FALSE(checker.access(16, 4, 0, 0, true, false)) << "beside it";
  checker.copy_ends(0, 16, 0, 1);
  EXPECT_FALSE(checker.access(4, 4, 0, 1, false, false));
  EXPECT_TRUE(checker.access(4, 4, 1, 1, false, false)) << "another warp needs a barrier behind the wait";
  EXPECT_FALSE(checker.access(4, 4, 1, 2, false, false));
}

TEST(SharedChecker, WhatACopyHasWrittenHoldsValues) {
  SharedChecker checker;
  checker.reset(32);
  checker.copy_begins(0, 16);
  checker.copy_ends(0, 16, 0, 0);
  EXPECT_TRUE(checker.holds_value(0, 16));
  EXPECT_FALSE(checker.holds_value(16, 16)) << "behind it";
  EXPECT_FALSE(checker.access(0, 4, 0, 0, false, true)) << "an atomic operation on it";
}

TEST(SharedChecker, AtomicsDoNotRaceWithEachOther) {
  SharedChecker checker;
  checker.reset(8);
  EXPECT_FALSE(checker.access(0, 4, 0, 0, true, false));
  EXPECT_FALSE(checker.access(0, 4, 1, 1, false, true));
  EXPECT_FALSE(checker.access(0, 4, 2, 1, false, true));
  EXPECT_TRUE(checker.access(0, 4, 3, 1, false, false));
}

struct Access {
  std::uint64_t address = 0;
  std::uint32_t bytes = 4;
};

void access(jit::WarpContext* context) {
  const auto& data = data_of<Access>(context);
  context->access_addresses[0] = data.address;
  context->access_width = 32;
  context->access_step = 4;
  std::uint32_t undefined = 0;
  context->callbacks->check_access(
      context, 0, 0, ~0u, data.bytes | jit::kAccessStore | 4u << jit::kAccessAlignShift, 1, &undefined);
}

TEST(Checker, FindsOutOfBoundsInsideOfAPage) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  const std::uint64_t start = *(*memory)->allocate(120, 256, memory::AllocationKind::Device);
  Access data{start};
  FakeLaunch fake(access, {1}, {32}, &data);
  fake.launch.memory = memory->get();
  fake.launch.check = true;
  Engine engine(1);
  const auto outcome = engine.run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::IllegalAddress);
  EXPECT_EQ(outcome->fault->thread, (Dim3{30, 0, 0}));
  EXPECT_NE(outcome->fault->allocation.find("0 bytes after the end of the 120-byte"), std::string::npos)
      << outcome->fault->allocation;
  data.address = start - 2;
  EXPECT_EQ(engine.run(fake.launch)->fault->kind, Fault::Kind::MisalignedAddress);
}

}  // namespace
}  // namespace doppel::engine
