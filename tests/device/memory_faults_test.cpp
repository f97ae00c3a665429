// SPDX-License-Identifier: Apache-2.0
// Errors planted through the node: who finds them, and what it makes of a context.
#include "device/memory_faults.h"

#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "fixture.h"
#include "node/ecc.h"
#include "node/process_life.h"

namespace doppel::device {
namespace {

using node::ErrorFate;
using node::wall_ns;

constexpr std::uint32_t kValues = 1 << 16;

class MemoryErrors : public testing::DeviceTest {
 protected:
  MemoryErrors() {
    std::string name = ::testing::TempDir() + "doppel-ecc-XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    folder = name;
    auto opened = node::Node::open((folder / "node").string());
    EXPECT_TRUE(opened);
    if (opened) shared = *opened;
  }
  ~MemoryErrors() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder, ignored);
  }
  void SetUp() override { start_with("rtx-pro-5000-blackwell"); }
  void start_with(const std::string& card, int cards = 1) {
    Options asked = testing::plain_options();
    asked.cards.assign(static_cast<std::size_t>(cards), card);
    asked.node = (folder / "node").string();
    start(asked);
    x = allocate<float>(kValues);
    y = allocate<float>(kValues);
    std::fill_n(x, kValues, 1.0F);
    std::fill_n(y, kValues, 1.0F);
  }
  node::Ecc ecc(int card = 0) { return {shared, card}; }
  std::uint64_t plant(int bits, const void* address, std::uint64_t at_launch = 0) {
    const auto made = ecc().plant(
        {.pid = getpid(), .bits = bits, .address = number(address), .seed = 3, .at_launch = at_launch},
        wall_ns());
    EXPECT_TRUE(made) << made.error().message;
    return made ? *made : 0;
  }
  ErrorFate fate_of(std::uint64_t error) {
    const auto errors = ecc().errors();
    EXPECT_TRUE(errors);
    for (const node::ErrorEntry& each : errors.value_or(std::vector<node::ErrorEntry>{})) {
      if (each.number == error) return each.fate;
    }
    return ErrorFate::Lost;
  }
  void saxpy(Context& on) {
    EXPECT_TRUE(
        on.legacy()->launch(work("saxpy", {kValues / 256}, {256}, number(x), number(y), 2.0F, kValues)));
  }
  std::filesystem::path folder;
  std::shared_ptr<node::Node> shared;
  float *x = nullptr, *y = nullptr;
};

TEST_F(MemoryErrors, OfOneBitAreCorrectedAndCounted) {
  const std::uint64_t error = plant(1, x + 777);
  EXPECT_EQ(fate_of(error), ErrorFate::Waiting);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(fate_of(error), ErrorFate::Corrected);
  EXPECT_EQ(ecc().state()->since_reset.corrected, 1U);
  EXPECT_EQ(y[777], 3.0F);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(ecc().state()->since_reset.corrected, 1U);
}

TEST_F(MemoryErrors, OfTwoBitsEndTheContextThatReadsThem) {
  const std::uint64_t error = plant(2, x + 5);
  const auto other = platform->device(0).create_context(0);
  ASSERT_TRUE(other);
  saxpy(*context);
  EXPECT_EQ(context->synchronize().error().kind, Error::Kind::DeviceFault);
  ASSERT_TRUE(context->fault());
  EXPECT_EQ(context->fault()->kind, engine::Fault::Kind::UncorrectableMemory);
  EXPECT_EQ(context->fault()->kernel, "saxpy");
  EXPECT_FALSE(context->fault()->is_store);
  EXPECT_NE(context->fault()->ptx_line, 0U);
  EXPECT_EQ(fate_of(error), ErrorFate::Uncorrectable);
  EXPECT_EQ(ecc().state()->since_reset.uncorrectable, 1U);
  EXPECT_TRUE(ecc().state()->remap_pending);
  EXPECT_FALSE(context->allocate(16));
  EXPECT_TRUE((*other)->synchronize());  // lives on
  EXPECT_TRUE((*other)->allocate(16));
}

TEST_F(MemoryErrors, NobodyFindsWhatNobodyReads) {
  auto* const aside = allocate<float>(kValues);
  const std::uint64_t error = plant(2, aside);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(fate_of(error), ErrorFate::Planted);
  ASSERT_TRUE(context->free(number(aside)));
  EXPECT_EQ(fate_of(error), ErrorFate::Freed);
}

TEST_F(MemoryErrors, AreGoneWhereAllIsWrittenOver) {
  const std::uint64_t error = plant(2, y + 40);
  ASSERT_TRUE(context->legacy()->enqueue(MemsetWork{number(y), 0, 0, 1, kValues * sizeof(float)}));
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(fate_of(error), ErrorFate::Overwritten);
}

TEST_F(MemoryErrors, AreFoundByCopies) {
  std::vector<float> back(kValues);
  const std::uint64_t one = plant(1, x + 100);
  const CopyWork copy{{number(back.data())}, {number(x)}, kValues * sizeof(float)};
  ASSERT_TRUE(context->legacy()->enqueue(copy));
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(fate_of(one), ErrorFate::Corrected);
  const std::uint64_t two = plant(2, x + 100);
  (void)context->legacy()->enqueue(copy);
  EXPECT_EQ(context->synchronize().error().kind, Error::Kind::DeviceFault);
  EXPECT_EQ(context->fault()->kind, engine::Fault::Kind::UncorrectableMemory);
  EXPECT_EQ(fate_of(two), ErrorFate::Uncorrectable);
}

TEST_F(MemoryErrors, EndWhoReadsThemFromAnotherCard) {
  start_with("rtx-pro-5000-blackwell", 2);
  const auto other = *platform->device(1).retain_primary();
  ASSERT_TRUE(other->enable_peer(*context));
  module = *other->load(*Program::load(std::vector<std::string>{testing::kSaxpy}, platform->options()));
  plant(2, x + 9);
  (void)context->legacy()->enqueue(MemsetWork{number(y), 0, 0, 1, 4});  // takes it up
  ASSERT_TRUE(context->synchronize());
  saxpy(*other);
  EXPECT_FALSE(other->synchronize());
  EXPECT_TRUE(context->synchronize());
}

TEST_F(MemoryErrors, ComeBeforeTheKernelThatIsNamed) {
  const std::uint64_t error = plant(2, x, 3);
  for (int i = 0; i < 2; ++i) {
    saxpy(*context);
    ASSERT_TRUE(context->synchronize());
  }
  EXPECT_EQ(fate_of(error), ErrorFate::Waiting);
  saxpy(*context);
  EXPECT_FALSE(context->synchronize());
}

TEST_F(MemoryErrors, AtRandomLieInWhatIsAllocated) {
  const auto made = ecc().plant({.pid = getpid(), .bits = 1, .seed = 42}, wall_ns());
  ASSERT_TRUE(made);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  const node::ErrorEntry error = ecc().errors()->back();
  const bool of_x = error.address - number(x) < kValues * 4, of_y = error.address - number(y) < kValues * 4;
  EXPECT_TRUE(of_x || of_y) << error.address;
  EXPECT_EQ(error.fate, ErrorFate::Corrected);
}

TEST_F(MemoryErrors, OutsideOfWhatIsAllocatedAreRefused) {
  int on_host = 0;
  const std::uint64_t outside = plant(2, x + 64 * kValues), host = plant(2, &on_host);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(fate_of(outside), ErrorFate::NoMemory);
  EXPECT_EQ(fate_of(host), ErrorFate::NoMemory);
}

// Nobody sees it but the program.
TEST_F(MemoryErrors, WithoutEccTurnTheData) {
  start_with("rtx-a6000");
  ASSERT_EQ(ecc(1).state()->on, false);
  const auto made = ecc(1).plant({.pid = getpid(), .bits = 1, .address = number(x), .seed = 3}, wall_ns());
  ASSERT_TRUE(made);
  float turned = 1.0F;
  std::uint32_t bits = 0;
  std::memcpy(&bits, &turned, 4);
  bits ^= 1U << 3;
  std::memcpy(&turned, &bits, 4);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(x[0], turned);
  EXPECT_EQ(y[0], 1.0F + 2.0F * turned);
  EXPECT_EQ(ecc(1).errors()->back().fate, ErrorFate::Turned);
  EXPECT_EQ(ecc(1).state()->in_all.corrected, 0U);
}

// GDDR7 corrects one bit itself.
TEST_F(MemoryErrors, OfOneBitAreCorrectedOnTheDieAnyhow) {
  context.reset();
  module.reset();
  platform.reset();
  ASSERT_TRUE(ecc().set_mode(false));
  ASSERT_TRUE(ecc().reset(wall_ns()));
  start_with("rtx-pro-5000-blackwell");
  EXPECT_FALSE(platform->device(0).card().memory.ecc);
  const std::uint64_t one = plant(1, x), two = plant(2, x + 64);
  saxpy(*context);
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(fate_of(one), ErrorFate::CorrectedOnDie);
  EXPECT_EQ(x[0], 1.0F);
  EXPECT_EQ(fate_of(two), ErrorFate::Turned);
  EXPECT_NE(x[64], 1.0F);
}

TEST_F(MemoryErrors, TheModeOfTheNodeIsTheCards) {
  start_with("rtx-a6000");
  const auto before = platform->device(0).card();
  EXPECT_FALSE(before.memory.ecc);
  context.reset();
  module.reset();
  platform.reset();
  ASSERT_TRUE(ecc(1).set_mode(true));
  ASSERT_TRUE(ecc(1).reset(wall_ns()));
  start_with("rtx-a6000");
  const card::Card& with = platform->device(0).card();
  EXPECT_TRUE(with.memory.ecc);
  EXPECT_NEAR(static_cast<double>(with.memory.bytes), 0.9375 * static_cast<double>(before.memory.bytes),
              1 << 17);
  EXPECT_EQ(platform->device(0).memory().capacity(), static_cast<std::uint64_t>(with.memory.bytes));
  EXPECT_NEAR(with.memory.read_efficiency, 0.9 * before.memory.read_efficiency, 1e-9);
}

}  // namespace
}  // namespace doppel::device
