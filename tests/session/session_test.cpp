// SPDX-License-Identifier: Apache-2.0
#include "doppel/session.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <numeric>

namespace doppel {
namespace {

// out[i] = in[i] * factor + bias, bias in constant memory; the last thread of the grid counts a launch.
constexpr const char* kPtx = R"(
.version 8.0
.target sm_86
.address_size 64
.global .align 4 .u32 launches = 5;
.visible .entry scale(.param .u64 in, .param .u64 out, .param .u32 factor)
{
  .reg .pred %p<2>; .reg .b32 %r<8>; .reg .b64 %rd<8>;
  ld.param.u64 %rd1, [in]; ld.param.u64 %rd2, [out]; ld.param.u32 %r1, [factor];
  mov.u32 %r2, %ctaid.x; mov.u32 %r3, %ntid.x; mov.u32 %r4, %tid.x; mad.lo.u32 %r5, %r2, %r3, %r4;
  mul.wide.u32 %rd3, %r5, 4; add.s64 %rd4, %rd1, %rd3; add.s64 %rd5, %rd2, %rd3;
  ld.global.u32 %r6, [%rd4];
  mul.lo.u32 %r7, %r6, %r1;
  st.global.u32 [%rd5], %r7;
  setp.ne.u32 %p1, %r5, 0;
  @%p1 bra END;
  ld.global.u32 %r6, [launches]; add.u32 %r6, %r6, 1; st.global.u32 [launches], %r6;
END:
  ret;
}
.visible .entry wild(.param .u64 p)
{
  .reg .b64 %rd<3>;
  mov.u64 %rd1, 64; ld.global.u64 %rd2, [%rd1];
  ret;
}
.visible .entry later() { wgmma.fence.sync.aligned; ret; }
)";

struct Fixture : ::testing::Test {
  static constexpr std::uint32_t kBlocks = 4096;
  Session session{Card::find("rtx-a6000")};
  Module module = session.load(kPtx);
  Buffer in = session.allocate(std::size_t{kBlocks} * 256 * 4);
  Buffer out = session.allocate(std::size_t{kBlocks} * 256 * 4);
  Launch launch{"scale", {kBlocks}, {256}, {in, out, 3U}};

  std::uint32_t launches() {
    std::uint32_t count = 0;
    session.read(session.variable(module, "launches"), &count, 4);
    return count;
  }
};

template <typename Body>
std::string failure_of(Failure::Kind kind, Body&& body) {
  try {
    body();
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), kind) << failure.what();
    return failure.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST_F(Fixture, ALaunchComputesAndIsPredicted) {
  std::vector<std::uint32_t> values(std::size_t{kBlocks} * 256);
  std::iota(values.begin(), values.end(), 0U);
  session.write(in, values.data(), in.bytes);
  const Prediction p = session.launch(module, launch);
  std::vector<std::uint32_t> results(values.size());
  session.read(out, results.data(), out.bytes);
  for (std::size_t i = 0; i < values.size(); ++i) ASSERT_EQ(results[i], 3 * values[i]);
  EXPECT_EQ(launches(), 6u);
  // 4 MiB are read, over 768 GB/s at best; no card takes ten times what all 8 MiB take.
  EXPECT_GT(p.time_us, 5);
  EXPECT_LT(p.time_us, 110);
  EXPECT_EQ(p.bound, "DRAM");
  EXPECT_GT(p.energy_j, 0);
  EXPECT_EQ(p.thread_instructions / (kBlocks * 256), 16u);
  double slots = 0;
  for (const Share& each : p.slots) slots += each.share;
  EXPECT_NEAR(slots, 1, 1e-9);
  ASSERT_FALSE(p.places.empty());
  EXPECT_EQ(nlohmann::json::parse(to_json(p)).at("bound"), "DRAM");
}

TEST_F(Fixture, ATraceRunsAFewBlocksAndIsPredictedOnAnyCard) {
  const Prediction whole = session.launch(module, launch);
  const std::uint32_t before = launches();
  session.write(out, std::vector<std::uint32_t>(out.bytes / 4, 9).data(), out.bytes);
  const Trace trace = session.trace(module, launch);
  EXPECT_EQ(launches(), before + 1);  // the first block is among those that run
  std::vector<std::uint32_t> results(out.bytes / 4);
  session.read(out, results.data(), out.bytes);
  EXPECT_GT(std::ranges::count(results, 9U), 4000 * 256) << "most blocks were to be left out";
  const Prediction here = trace.predict(session.card());
  EXPECT_NEAR(here.time_us, whole.time_us, 0.02 * whole.time_us);
  EXPECT_NEAR(static_cast<double>(here.thread_instructions), static_cast<double>(whole.thread_instructions),
              1e-3 * static_cast<double>(whole.thread_instructions));
  EXPECT_LT(trace.predict(Card::find("rtx-pro-5000-blackwell")).time_us, here.time_us);
}

TEST_F(Fixture, ACardIsChangedInMemory) {
  const Trace trace = session.trace(module, launch);
  const Card card = session.card();
  const double slow = trace.predict(card).time_us;
  const Card faster = card.with("memory.clock_mhz", 2 * card.number("memory.clock_mhz"));
  EXPECT_LT(trace.predict(faster).time_us, 0.7 * slow);
  EXPECT_EQ(trace.predict(card).time_us, slow);
  // What was measured of the card says nothing of the other.
  EXPECT_TRUE(trace.predict(card).band.has_value());
  EXPECT_FALSE(trace.predict(faster).band.has_value());
  EXPECT_NE(failure_of(Failure::Kind::NotFound, [&] { (void)card.number("memory.clock_mh"); })
                .find("memory.clock_mhz"),
            std::string::npos);
  failure_of(Failure::Kind::InvalidArgument, [&] { (void)card.with("sm_count", 0); });
  failure_of(Failure::Kind::InvalidArgument, [&] { (void)card.with("sm_count", 2.5); });
}

TEST_F(Fixture, ResourcesAreKnownBeforeALaunch) {
  const Resources plain = session.resources(module, "scale", {256});
  EXPECT_EQ(plain.registers, session.launch(module, launch).registers);
  EXPECT_EQ(plain.shared_bytes, 0u);
  EXPECT_EQ(plain.blocks_per_sm, 6u);  // 1536 threads an SM
  EXPECT_EQ(plain.occupancy, 1);
  EXPECT_EQ(plain.limit, "warps");
  const Resources shared = session.resources(module, "scale", {256}, 40 << 10);
  EXPECT_EQ(shared.shared_bytes, 40u << 10);
  EXPECT_EQ(shared.blocks_per_sm, 2u);
  EXPECT_EQ(shared.limit, "shared memory");
  EXPECT_EQ(session.resources(module, "scale", {256}, 101 << 10).blocks_per_sm, 0u);
  failure_of(Failure::Kind::NotFound, [&] { (void)session.resources(module, "none", {256}); });
}

TEST_F(Fixture, WhatIsWrongIsNamed) {
  EXPECT_NE(failure_of(Failure::Kind::NotFound, [&] { session.launch(module, {"scales", {1}, {1}, {}}); })
                .find("did you mean 'scale'"),
            std::string::npos);
  EXPECT_NE(failure_of(Failure::Kind::InvalidArgument,
                       [&] { session.launch(module, {"scale", {1}, {1}, {in, out}}); })
                .find("3 parameters, 2 are given"),
            std::string::npos);
  EXPECT_NE(failure_of(Failure::Kind::InvalidArgument,
                       [&] { session.launch(module, {"scale", {1}, {1}, {in, out, 3.0}}); })
                .find("parameter 2 of kernel 'scale' has 4 bytes, 8 are given"),
            std::string::npos);
  EXPECT_NE(failure_of(Failure::Kind::NotSupported, [&] { session.launch(module, {"later", {1}, {1}, {}}); })
                .find("wgmma.fence.sync.aligned"),
            std::string::npos);
  failure_of(Failure::Kind::InvalidArgument,
             [&] { session.launch(module, {"scale", {1}, {2048}, {in, out, 3U}}); });
  failure_of(Failure::Kind::InvalidInput, [&] { session.load("not PTX"); });
  failure_of(Failure::Kind::InvalidArgument, [&] { session.write(in, "", 1, in.bytes); });
  session.free(in);
  failure_of(Failure::Kind::InvalidArgument, [&] { session.write(in, "", 1); });
}

TEST_F(Fixture, AFaultIsThrownAndTheSessionGoesOn) {
  EXPECT_NE(failure_of(Failure::Kind::Fault, [&] { session.launch(module, {"wild", {1}, {1}, {in}}); })
                .find("wild"),
            std::string::npos);
  EXPECT_GT(session.launch(module, launch).time_us, 0);
}

TEST(Session, TwoAtOnceKeepApart) {
  Session one(Card::find("rtx-a6000"));
  Session other(Card::find("rtx-pro-5000-blackwell"));
  const Module module = one.load(kPtx);
  const Buffer buffer = one.allocate(1024);
  failure_of(Failure::Kind::InvalidArgument,
             [&] { other.launch(module, {"scale", {1}, {256}, {buffer, buffer, 1U}}); });
  failure_of(Failure::Kind::InvalidArgument, [&] { other.write(buffer, "", 1); });
  EXPECT_GT(one.launch(module, {"scale", {1}, {256}, {buffer, buffer, 1U}}).time_us, 0);
}

TEST(Session, WithoutTimingNothingIsPredicted) {
  SessionOptions options;
  options.timing = false;
  Session session(Card::find("rtx-a6000"), options);
  const Module module = session.load(kPtx);
  const Buffer buffer = session.allocate(1024);
  EXPECT_EQ(session.launch(module, {"scale", {1}, {256}, {buffer, buffer, 1U}}).time_us, 0);
  failure_of(Failure::Kind::InvalidArgument,
             [&] { session.trace(module, {"scale", {1}, {256}, {buffer, buffer, 1U}}); });
}

}  // namespace
}  // namespace doppel
