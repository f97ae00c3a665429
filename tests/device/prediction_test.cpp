// SPDX-License-Identifier: Apache-2.0
// No launch takes less than what it does takes at least, whatever ran before it.
#include <numeric>

#include "device/run_recorder.h"
#include "fixture.h"
#include "prediction_kernels.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class Prediction : public DeviceTest, public ::testing::WithParamInterface<int> {
 protected:
  void SetUp() override { fresh(); }
  // As in a new process.
  void fresh() {
    start(testing::plain_options());
    device_ = &platform->device(GetParam());
    context = *device_->retain_primary();
    const std::vector<std::string> texts{testing::prediction_kernels()};
    auto program = Program::load(texts, platform->options());
    ASSERT_TRUE(program) << program.error().message;
    module = *context->load(*program);
    seen_us_ = 0;
  }
  // What the launch takes on the card.
  double time_us(const KernelWork& work) {
    EXPECT_TRUE(context->legacy()->launch(work));
    EXPECT_TRUE(context->synchronize());
    double sum = 0;
    for (const KernelRecord& kernel : kernels()) sum += kernel.time_us;
    const double taken = sum - seen_us_;
    seen_us_ = sum;
    return taken;
  }
  std::vector<KernelRecord> kernels() const {
    const std::vector<RunRecord> records = platform->recorder().records({device_}, 0);
    return records.empty() ? std::vector<KernelRecord>{} : records.front().kernels;
  }
  double clock_mhz() const { return card().clocks.max_mhz; }
  const card::Card& card() const { return device_->card(); }

  Device* device_ = nullptr;

 private:
  double seen_us_ = 0;
};

// Blocks of 256 threads for so many threads.
Dim3 blocks_for(std::uint32_t threads) { return {threads / 256}; }

constexpr std::uint32_t kWords = 1 << 24;  // 64 MiB
constexpr std::uint32_t kThreads = 1 << 20;

TEST_P(Prediction, ALaunchIsNotGivenTheTimeOfOtherArguments) {
  // A stride, and how many words behind an allocation's begin the array is.
  using Layout = std::pair<std::uint32_t, std::uint32_t>;
  const std::vector<Layout> layouts{{1, 0},  {2, 0}, {2, 0}, {4, 0}, {4, 0}, {8, 0}, {2, 0},
                                    {16, 0}, {1, 0}, {2, 0}, {4, 0}, {1, 8}, {8, 0}, {16, 0},
                                    {1, 16}, {3, 0}, {3, 0}, {1, 4}, {2, 8}, {1, 0}};
  const auto launch = [&](float* from, float* to, const Layout& layout) {
    return time_us(
        work("strided", blocks_for(kThreads), {256}, from + layout.second, to, kWords - 1, layout.first));
  };
  std::map<Layout, std::vector<double>> times;
  auto* from = allocate<float>(kWords + 16);
  auto* to = allocate<float>(kThreads);
  for (const Layout& layout : layouts) {
    times[layout].push_back(launch(from, to, layout));
    // A long way of other memory between: L2 is the same for each.
    ASSERT_TRUE(context->legacy()->enqueue(MemsetWork{number(from), 0, 0, 4, kWords, 1}));
  }
  for (const auto& [layout, list] : times) {
    fresh();
    auto* other_from = allocate<float>(kWords + 16);
    auto* other_to = allocate<float>(kThreads);
    ASSERT_TRUE(context->legacy()->enqueue(MemsetWork{number(other_from), 0, 0, 4, kWords, 1}));
    const double alone = launch(other_from, other_to, layout);
    for (std::size_t i = layout == layouts.front() ? 1 : 0; i < list.size(); ++i)
      EXPECT_NEAR(list[i], alone, 0.01 * alone) << "stride " << layout.first << ", place " << layout.second;
  }
  const auto first = [&](std::uint32_t stride) { return times.at(Layout{stride, 0}).front(); };
  EXPECT_GT(first(8), 1.15 * first(4));
  EXPECT_GT(first(4), 1.1 * times.at(Layout{1, 0}).back());
}

TEST_P(Prediction, AGatherReadsEachSectorThatItTouches) {
  std::vector<double> by_range;
  for (const std::uint32_t range : {1u << 16, 1u << 20, kWords * 8}) {
    fresh();
    auto* from = allocate<float>(std::size_t{kWords} * 8);
    auto* index = allocate<std::uint32_t>(kThreads);
    auto* to = allocate<float>(kThreads);
    std::uint32_t state = 1;
    for (std::uint32_t i = 0; i < kThreads; ++i) {
      state ^= state << 13, state ^= state >> 17, state ^= state << 5;
      index[i] = state % range;
    }
    double time = 0;
    for (int i = 0; i < 3; ++i) time = time_us(work("gather", blocks_for(kThreads), {256}, from, index, to));
    by_range.push_back(time);
    if (std::size_t{range} * 4 < static_cast<std::size_t>(card().l2.bytes) * 4) continue;
    const double sectors = kThreads * (1 - static_cast<double>(card().l2.bytes) / (4.0 * range));
    EXPECT_GT(time, sectors * 32 / card().memory.peak_bytes_per_second() * 1e6);
  }
  EXPECT_LT(by_range[0], by_range[1]);
  EXPECT_LT(by_range[1], by_range[2]);
}

TEST_P(Prediction, ALaunchWithTheSameArgumentsMayGoToOtherAddresses) {
  auto* from = allocate<float>(std::size_t{kWords} * 8);
  auto* index = allocate<std::uint32_t>(kThreads);
  auto* to = allocate<float>(kThreads);
  const auto launch = [&](std::uint32_t step) {
    for (std::uint32_t i = 0; i < kThreads; ++i) index[i] = i * step % (kWords * 8);
    return time_us(work("gather", blocks_for(kThreads), {256}, from, index, to));
  };
  launch(1);
  const double near = launch(1), far = launch(64);
  EXPECT_GT(far, 3 * near);
  EXPECT_NEAR(launch(64), far, 0.05 * far);
  EXPECT_LT(launch(1), 0.5 * far);
  EXPECT_GT(launch(64), 3 * near);
}

TEST_P(Prediction, ALaunchTakesAtLeastItsLongestBlock) {
  constexpr std::uint32_t kMost = 448;
  auto* turns = allocate<std::uint32_t>(kMost);
  auto* to = allocate<float>(kMost * 128);
  for (const std::uint32_t longest : {200u, 4000u, 16000u}) {
    turns[0] = longest;
    (void)time_us(work("chain", {1}, {128}, turns, to));
    const double alone = time_us(work("chain", {1}, {128}, turns, to));
    for (const int uneven : {0, 1, 2, 3}) {
      for (std::uint32_t block = 0; block < kMost; ++block) {
        turns[block] = uneven == 0   ? longest
                       : uneven == 1 ? longest - block % 4 * (longest / 8)
                       : uneven == 2 ? (block % 64 == 37 ? longest : longest / 10)
                                     : longest / (1 + (block + 1) % 5);
      }
      for (const std::uint32_t grid : {40u, 84u, 100u, 168u, 448u}) {
        EXPECT_GE(time_us(work("chain", {grid}, {128}, turns, to)), 0.995 * alone)
            << grid << " blocks, uneven " << uneven << ", " << longest << " turns";
      }
    }
  }
}

TEST_P(Prediction, ASliceDoesOneAtomicACycleOnOneAddress) {
  auto* at = allocate<std::uint32_t>(1 << 20);
  auto* to = allocate<std::uint32_t>(1024);
  const auto cycles = [&](const char* name, std::uint32_t mask, std::uint32_t step) {
    double time = 0;
    for (int i = 0; i < 2; ++i) time = time_us(work(name, blocks_for(kThreads), {256}, at, to, mask, step));
    return time * clock_mhz();
  };
  for (const char* name : {"exch", "exch_used", "cas", "inc"}) {
    EXPECT_GE(cycles(name, 0, 1), kThreads) << name;
    // Four addresses in memory of four slices, or of fewer.
    EXPECT_GE(cycles(name, 3, 64), kThreads / 4.0) << name;
  }
  // One a warp.
  EXPECT_GE(cycles("add", 0, 1), kThreads / 32.0);
  EXPECT_GE(cycles("red_max", 0, 1), kThreads / 32.0);
  EXPECT_GE(cycles("add_used", 0, 1), kThreads / 32.0);
  EXPECT_LE(cycles("add", 0, 1), cycles("add_used", 0, 1));
  // A sector a cycle and slice.
  EXPECT_GE(cycles("add", 7, 1), kThreads / 32.0);
  EXPECT_GE(cycles("add", kThreads - 1, 1), kThreads / 8.0 / card().l2.slices);
  EXPECT_GE(cycles("add", 1023, 8), static_cast<double>(kThreads) / card().l2.slices);
  // Where they are spread, they run into each other no more than into the memory's rate.
  EXPECT_LT(cycles("add", kThreads - 1, 1), kThreads / 8.0);
}

TEST_P(Prediction, ReadingTheSameAgainGoesOnSmoothly) {
  const auto l2 = static_cast<double>(card().l2.bytes);
  for (const double part : {0.2, 1.1, 1.5}) {
    for (const bool filled : {false, true}) {
      fresh();
      const auto bytes = static_cast<std::uint32_t>(l2 * part) / 65536 * 65536;
      auto* from = allocate<std::byte>(bytes);
      auto* to = allocate<float>(1);
      std::vector<std::byte> host(bytes);
      if (filled) {
        ASSERT_TRUE(context->legacy()->enqueue(MemsetWork{number(from), 0, 0, 1, bytes, 1}));
      } else {
        ASSERT_TRUE(context->legacy()->enqueue(CopyWork{{number(from)}, {number(host.data())}, bytes}));
      }
      std::vector<double> times;
      for (int i = 0; i < 4; ++i)
        times.push_back(time_us(work("read", blocks_for(bytes / 16), {256}, from, to)));
      const double l2_us = bytes / card().l2.read_bytes_per_cycle / clock_mhz();
      const double dram_us = bytes / card().memory.peak_bytes_per_second() * 1e6;
      for (std::size_t i = 0; i < times.size(); ++i) {
        EXPECT_GE(times[i], l2_us) << part;
        if (part >= 1.5) {
          EXPECT_GE(times[i], dram_us) << part;
        }
        if (i == 0) continue;
        // What was written has to leave first; then each pass is like the one before.
        EXPECT_LE(times[i], 1.02 * times[i - 1]) << part << ", pass " << i;
        if (i > 1 || !filled) {
          EXPECT_GE(times[i], 0.9 * times[i - 1]) << part << ", pass " << i;
        }
      }
    }
  }
}

TEST_P(Prediction, LoopsAreSimulatedOnlyWhereSomethingChanges) {
  auto* a = allocate<std::uint32_t>(kThreads);
  auto* b = allocate<std::uint32_t>(kThreads);
  for (std::uint32_t i = 0; i < 200; ++i) {
    (void)time_us(work("scale", blocks_for(1 << 14), {256}, a, b, i));
    std::swap(a, b);
  }
  const std::vector<KernelRecord> all = kernels();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].calls, 200u);
  ASSERT_FALSE(all[0].simulated_calls.empty());
  EXPECT_EQ(all[0].simulated_calls[0], 1u);
  EXPECT_LE(all[0].simulated_calls.size(), 6u);
}

INSTANTIATE_TEST_SUITE_P(Cards, Prediction, ::testing::Values(0, 1), [](const auto& each) {
  return std::string(each.param == 0 ? "RtxA6000" : "RtxPro5000Blackwell");
});

}  // namespace
}  // namespace doppel::device
