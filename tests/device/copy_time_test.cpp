// SPDX-License-Identifier: Apache-2.0
// What copies, fills and accesses of the host's memory take, through streams.
#include <algorithm>
#include <utility>

#include "device/execute.h"
#include "device/run_recorder.h"
#include "device/scheduler.h"
#include "fixture.h"
#include "prediction_kernels.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class CopyTime : public DeviceTest {
 protected:
  void use(int ordinal) { context = *platform->device(ordinal).retain_primary(); }
  void start_with(std::vector<std::string> cards, bool nvlink = false) {
    Options options = testing::plain_options();
    options.cards = std::move(cards);
    options.nvlink = nvlink;
    start(options);
  }
  RunRecord record() { return platform->recorder().records({&context->device()}, 0).front(); }
  double copies_us(const std::string& kind) {
    for (const CopyRecord& copy : record().copies) {
      if (copy.kind == kind) return copy.time_us;
    }
    return 0;
  }
  double kernels_us() {
    double sum = 0;
    for (const KernelRecord& kernel : record().kernels) sum += kernel.time_us;
    return sum;
  }
  // Of one copy.
  double time_of(const CopyWork& work, const std::string& kind) {
    const double before = copies_us(kind);
    EXPECT_TRUE(context->legacy()->enqueue(work));
    EXPECT_TRUE(context->synchronize());
    return copies_us(kind) - before;
  }
  void copy(void* to, const void* from, std::uint64_t bytes) {
    ASSERT_TRUE(context->legacy()->enqueue(CopyWork{{number(to)}, {number(from)}, bytes}));
  }
};

// 32 MiB of traffic against 48 MiB, both in the L2 of the newer card.
TEST_F(CopyTime, ACopyInL2IsNoSlowerThanAKernel) {
  use(1);
  constexpr std::uint32_t kWords = 4 * kMiB;
  auto* x = allocate<float>(kWords);
  auto* y = allocate<float>(kWords);
  const auto launch = [&] {
    ASSERT_TRUE(context->legacy()->launch(work("saxpy", {kWords / 256}, {256}, x, y, 0.5f, kWords)));
  };
  launch();
  ASSERT_TRUE(context->synchronize());
  const double cold_us = kernels_us();
  launch();
  ASSERT_TRUE(context->synchronize());
  const double kernel_us = kernels_us() - cold_us;
  copy(y, x, sizeof(float) * kWords);
  ASSERT_TRUE(context->synchronize());
  EXPECT_LE(copies_us("device to device"), kernel_us);
  ASSERT_TRUE(context->legacy()->enqueue(MemsetWork{number(y), 0, 0, 1, sizeof(float) * kWords}));
  ASSERT_TRUE(context->synchronize());
  EXPECT_LE(copies_us("fill"), copies_us("device to device"));
}

// More than the older card's L2 holds.
TEST_F(CopyTime, ALongCopyTakesWhatDramTakes) {
  auto* x = allocate<char>(512 * kMiB);
  copy(x + 256 * kMiB, x, 256 * kMiB);
  ASSERT_TRUE(context->synchronize());
  const card::Card& card = context->device().card();
  const double us = 512.0 * kMiB / (card.memory.peak_bytes_per_second() * card.memory.copy_efficiency) * 1e6;
  EXPECT_NEAR(copies_us("device to device"), us, 0.02 * us);
}

TEST_F(CopyTime, RowsWithGapsCostMoreThanTheirBytes) {
  auto* x = allocate<char>(64 * kMiB);
  auto* y = allocate<char>(64 * kMiB);
  const auto pinned = context->allocate_host(64 * kMiB).value();
  const CopyWork rows{{number(y), 512}, {number(x), 512}, 4, 131072};
  // 64 bytes of each row are read: 8 MiB at 768 GB/s.
  EXPECT_GT(time_of(rows, "device to device"), 10.9);
  CopyWork down = rows;
  down.source.address = pinned;
  const double over_bus = time_of(down, "host to device");
  EXPECT_GT(over_bus, 120);
  // Without gaps on either side it is one copy.
  CopyWork plain = down;
  plain.source.pitch = plain.destination.pitch = 4;
  EXPECT_LT(time_of(plain, "host to device"), over_bus / 5);
}

TEST_F(CopyTime, AFillOfPinnedMemoryGoesOverTheBus) {
  const auto pinned = context->allocate_host(16 * kMiB).value();
  ASSERT_TRUE(context->legacy()->enqueue(MemsetWork{pinned, 0, 0, 1, 16 * kMiB}));
  ASSERT_TRUE(context->synchronize());
  const double us = 16.0 * kMiB / context->device().card().pcie.to_host_bytes_per_second() * 1e6;
  EXPECT_GT(copies_us("fill"), us);
}

class PeerTime : public CopyTime {
 protected:
  static constexpr std::uint64_t kBytes = 64 * kMiB;
  void SetUp() override {
    start_with({"rtx-a6000", "rtx-a6000"}, true);
    other = *platform->device(1).retain_primary();
    here = allocate<char>(2 * kBytes);
    there = reinterpret_cast<char*>(*other->allocate(2 * kBytes));
  }
  void TearDown() override {
    other.reset();
    CopyTime::TearDown();
  }
  // What a copy that is submitted to a context takes.
  Cost cost_of(const std::shared_ptr<Context>& submitter, const CopyWork& work) {
    return make_copy_operation(work, {.context = submitter})->run_inside();
  }
  // When copies end that are ready at the same time.
  std::vector<double> ends_of(const std::vector<std::pair<std::shared_ptr<Context>, Cost>>& copies) {
    std::vector<std::shared_ptr<Operation>> operations;
    for (const auto& [submitter, cost] : copies) {
      operations.push_back(std::make_shared<Operation>(submitter, [taken = cost] { return taken; }, 0));
      platform->scheduler().submit(operations.back(), {});
    }
    std::vector<double> ends;
    for (const auto& operation : operations) {
      platform->scheduler().wait_placed(*operation);
      ends.push_back(operation->end_us());
    }
    return ends;
  }
  double one_way_us(double bytes_per_second) const {
    return static_cast<double>(kBytes) / bytes_per_second * 1e6;
  }
  double pcie_us() { return one_way_us(context->device().card().pcie.to_device_bytes_per_second()); }

  std::shared_ptr<Context> other;
  char *here = nullptr, *there = nullptr;
};

TEST_F(PeerTime, WithoutAccessACopyGoesThroughTheHost) {
  copy(there, here, kBytes);
  ASSERT_TRUE(context->synchronize());
  EXPECT_GT(copies_us("peer (staged)"), pcie_us());
  ASSERT_TRUE(context->enable_peer(*other));
  copy(there, here, kBytes);
  ASSERT_TRUE(context->synchronize());
  const card::NvLink& nvlink = context->device().card().nvlink;
  const double direct = one_way_us(nvlink.peak_bytes_per_second() * nvlink.efficiency);
  EXPECT_NEAR(copies_us("peer"), direct + nvlink.latency_us, 1e-6 * direct);
}

TEST_F(PeerTime, BothDirectionsGoAtOnce) {
  ASSERT_TRUE(context->enable_peer(*other));
  ASSERT_TRUE(other->enable_peer(*context));
  const Cost out = cost_of(context, {{number(there)}, {number(here)}, kBytes});
  const Cost in = cost_of(other, {{number(here + kBytes)}, {number(there + kBytes)}, kBytes});
  // But for what comes back for the other one.
  const double beside = out.duration_us * (1 + context->device().card().nvlink.reverse_share);
  for (const double end : ends_of({{context, out}, {other, in}})) EXPECT_NEAR(end, beside, 2e-3 * beside);
  // Also where one card does both.
  const Cost fetched = cost_of(context, {{number(here + kBytes)}, {number(there + kBytes)}, kBytes});
  for (const double end : ends_of({{context, out}, {context, fetched}}))
    EXPECT_NEAR(end, 2 * beside, 4e-3 * beside);
}

// A copy to a peer over PCI Express and one to the host go the same way over the first card's link.
TEST_F(PeerTime, PeersAndTheHostShareTheUplink) {
  start_with({"rtx-pro-5000-blackwell", "rtx-pro-5000-blackwell"});
  other = *platform->device(1).retain_primary();
  here = allocate<char>(2 * kBytes);
  there = reinterpret_cast<char*>(*other->allocate(2 * kBytes));
  ASSERT_TRUE(context->enable_peer(*other));
  const auto pinned = context->allocate_host(kBytes).value();
  const Cost to_peer = cost_of(context, {{number(there)}, {number(here)}, kBytes});
  const Cost to_host = cost_of(context, {{pinned}, {number(here + kBytes)}, kBytes});
  const double up_us = one_way_us(context->device().card().pcie.to_host_bytes_per_second());
  const std::vector<double> ends = ends_of({{context, to_peer}, {context, to_host}});
  EXPECT_GT(*std::ranges::max_element(ends), 1.95 * up_us);
  // What comes back does not use it.
  const Cost from_host = cost_of(context, {{number(here)}, {pinned}, kBytes});
  const double now = *std::ranges::max_element(ends);
  EXPECT_DOUBLE_EQ(ends_of({{context, to_peer}, {context, from_host}}).back(), now + from_host.duration_us);
}

// y += a * x with y in the card's memory or the host's.
class ZeroCopy : public CopyTime, public ::testing::WithParamInterface<int> {
 protected:
  static constexpr std::uint32_t kWords = 4 * kMiB;
  static constexpr double kBytes = sizeof(float) * kWords;
  KernelRecord last_kernel() {
    EXPECT_TRUE(context->synchronize());
    return record().kernels.back();
  }
  double time_of(const float* x, const float* y) {
    const double before = kernels_us();
    EXPECT_TRUE(context->legacy()->launch(work("saxpy", {kWords / 256}, {256}, x, y, 0.5f, kWords)));
    EXPECT_TRUE(context->synchronize());
    return kernels_us() - before;
  }
};

TEST_P(ZeroCopy, ReadsAndWritesTakeTheBus) {
  use(GetParam());
  const card::Pcie& pcie = context->device().card().pcie;
  auto* x = allocate<float>(kWords);
  auto* y = allocate<float>(kWords);
  auto* host = reinterpret_cast<float*>(context->allocate_host(sizeof(float) * kWords).value());
  const double on_card = time_of(x, y);
  const double read_us = kBytes / pcie.to_device_bytes_per_second() * 1e6;
  const double written_us = kBytes / pcie.to_host_bytes_per_second() * 1e6;
  // Packets of a line are shorter than a copy's: some more headers.
  const double read = time_of(host, y);
  EXPECT_GT(read, read_us);
  EXPECT_LT(read, 1.2 * read_us);
  EXPECT_GT(read, 5 * on_card);
  const double both = time_of(x, host);
  EXPECT_GT(both, std::max(read_us, written_us));
  EXPECT_LT(both, 1.3 * std::max(read_us, written_us));
  EXPECT_EQ(last_kernel().bound, "PCIe");
  // Nothing of it is in L2 for the next launch.
  EXPECT_NEAR(time_of(host, y), read, 0.01 * read);
  // And launches on memory of the card are not taken for such.
  EXPECT_LT(time_of(x, y), 1.05 * on_card);
}

// A grid of two waves of long blocks, of which the second one is not full: the bus is as slow for few blocks.
TEST_P(ZeroCopy, LongBlocksTakeTheBusToTheirEnd) {
  use(GetParam());
  const std::vector<std::string> texts{
      ".version 7.0\n.target sm_80\n.address_size 64\n" +
      testing::entry("sum", ".param .u64 from, .param .u64 to, .param .u32 step, .param .u32 turns", R"(
  ld.param.u64 %rd1, [from];
  ld.param.u64 %rd2, [to];
  ld.param.u32 %r5, [step];
  ld.param.u32 %r6, [turns];
  mul.wide.u32 %rd3, %r1, 4;
  add.s64 %rd1, %rd1, %rd3;
  mul.wide.u32 %rd4, %r5, 4;
  mov.f32 %f1, 0f00000000;
again:
  ld.global.f32 %f2, [%rd1];
  add.f32 %f1, %f1, %f2;
  add.s64 %rd1, %rd1, %rd4;
  sub.u32 %r6, %r6, 1;
  setp.ne.u32 %p1, %r6, 0;
  @%p1 bra again;
  setp.eq.f32 %p2, %f1, 0f71C9F2CA;
  @%p2 st.global.f32 [%rd2], %f1;
)")};
  module = *context->load(*Program::load(texts, platform->options()));
  constexpr std::uint32_t kBlocks = 1024, kThreads = 256 * kBlocks;
  auto* to = allocate<float>(1);
  auto* host = reinterpret_cast<float*>(context->allocate_host(sizeof(float) * kWords).value());
  ASSERT_TRUE(
      context->legacy()->launch(work("sum", {kBlocks}, {256}, host, to, kThreads, kWords / kThreads)));
  ASSERT_TRUE(context->synchronize());
  const double us = kBytes / context->device().card().pcie.to_device_bytes_per_second() * 1e6;
  EXPECT_GT(kernels_us(), us);
  EXPECT_LT(kernels_us(), 1.2 * us);
}

INSTANTIATE_TEST_SUITE_P(Cards, ZeroCopy, ::testing::Values(0, 1),
                         [](const auto& each) { return each.param == 0 ? "Ampere" : "Blackwell"; });

}  // namespace
}  // namespace doppel::device
