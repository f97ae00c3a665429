// SPDX-License-Identifier: Apache-2.0
#include <thread>

#include "fixture.h"

namespace doppel::device {
namespace {

using testing::DeviceTest;

class Launch : public DeviceTest {};

TEST_F(Launch, ComputesWhatTheKernelSays) {
  constexpr std::uint32_t kCount = 1000;
  auto* x = allocate<float>(kCount);
  auto* y = allocate<float>(kCount);
  for (std::uint32_t i = 0; i < kCount; ++i) {
    x[i] = static_cast<float>(i);
    y[i] = 1;
  }
  const auto stream = context->legacy();
  ASSERT_TRUE(stream->launch(work("saxpy", {4}, {256}, x, y, 2.0f, kCount)));
  ASSERT_TRUE(stream->synchronize());
  for (std::uint32_t i = 0; i < kCount; ++i) ASSERT_EQ(y[i], 2.0f * static_cast<float>(i) + 1);
}

TEST_F(Launch, VariablesHaveTheirValuesAndAddresses) {
  (void)kernel("count");
  const auto calls = module->global("calls");
  const auto half = module->global("half");
  ASSERT_TRUE(calls && half);
  EXPECT_EQ(calls->bytes, 4u);
  EXPECT_EQ(*reinterpret_cast<float*>(half->address), 0.5f);
  ASSERT_TRUE(context->legacy()->launch(work("count", {3}, {64})));
  ASSERT_TRUE(context->synchronize());
  EXPECT_EQ(*reinterpret_cast<std::uint32_t*>(calls->address), 192u);
  const auto missing = module->global("cals");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("'calls'"), std::string::npos);
}

TEST_F(Launch, LimitsOfTheCardAreKept) {
  auto* x = allocate<float>(1);
  const auto launch = [&](Dim3 grid, Dim3 block, std::uint32_t shared = 0, bool cooperative = false) {
    KernelWork each = work("saxpy", grid, block, x, x, 1.0f, 0u);
    each.config.dynamic_shared_bytes = shared;
    each.config.cooperative = cooperative;
    return context->legacy()->launch(each);
  };
  EXPECT_TRUE(launch({1}, {1024}));
  EXPECT_EQ(launch({1}, {1025}).error().kind, Error::Kind::InvalidArgument);
  EXPECT_FALSE(launch({1}, {1, 1, 65}));
  EXPECT_FALSE(launch({0}, {32}));
  EXPECT_FALSE(launch({1, 65536}, {32}));
  EXPECT_TRUE(launch({1}, {32}, 48 << 10));
  EXPECT_FALSE(launch({1}, {32}, (48 << 10) + 1));
  EXPECT_TRUE(kernel("saxpy")->set_max_dynamic_shared_bytes(99 << 10));
  EXPECT_TRUE(launch({1}, {32}, 99 << 10));
  EXPECT_FALSE(kernel("saxpy")->set_max_dynamic_shared_bytes((99 << 10) + 1));
  EXPECT_EQ(launch({1u << 20}, {32}, 0, true).error().kind, Error::Kind::CooperativeTooLarge);
}

TEST_F(Launch, AFaultPoisonsItsContextOnly) {
  auto* kept = allocate<int>(4);
  kept[0] = 42;
  auto other = platform->device(1).retain_primary();
  ASSERT_TRUE(other);
  ASSERT_TRUE(context->legacy()->launch(work("wild", {1}, {32}, std::uint64_t{16})));
  const auto answer = context->synchronize();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().kind, Error::Kind::DeviceFault);
  ASSERT_TRUE(context->fault());
  EXPECT_EQ(context->fault()->kind, engine::Fault::Kind::IllegalAddress);
  EXPECT_EQ(context->fault()->kernel, "wild");
  EXPECT_NE(context->fault()->ptx_line, 0u);
  EXPECT_EQ(context->fault()->address, 16u);
  EXPECT_TRUE(context->fault()->function.empty());
  EXPECT_FALSE(context->allocate(4));
  EXPECT_TRUE((*other)->allocate(4));
  EXPECT_TRUE((*other)->synchronize());
  EXPECT_EQ(kept[0], 42);
  // A reset gives a context that works.
  module.reset();
  context.reset();
  ASSERT_TRUE(platform->device(0).reset_primary());
  EXPECT_TRUE((*platform->device(0).retain_primary())->allocate(4));
}

TEST_F(Launch, AKernelMayWaitForTheHost) {
  const auto pinned = context->allocate_host(4096);
  ASSERT_TRUE(pinned);
  auto* flag = reinterpret_cast<volatile std::uint32_t*>(*pinned);
  *flag = 0;
  const auto waiting = context->create_stream({.non_blocking = true});
  const auto other = context->create_stream({.non_blocking = true});
  ASSERT_TRUE((*waiting)->launch(work("wait_for", {1}, {32}, *pinned)));
  auto* y = allocate<float>(32);
  ASSERT_TRUE((*other)->launch(work("saxpy", {1}, {32}, y, y, 1.0f, 32u)));
  // Its place on the timeline must not wait for the launch before it.
  ASSERT_TRUE((*other)->synchronize());
  EXPECT_EQ((*waiting)->query().error().kind, Error::Kind::NotReady);
  *flag = 1;
  EXPECT_TRUE((*waiting)->synchronize());
}

TEST_F(Launch, TheSameLaunchTakesTheSameTime) {
  auto* y = allocate<float>(1 << 16);
  const auto measure = [&] {
    const auto start = *context->create_event({});
    const auto end = *context->create_event({});
    const auto stream = context->legacy();
    EXPECT_TRUE(stream->record(start));
    for (int i = 0; i < 20; ++i)
      EXPECT_TRUE(stream->launch(work("saxpy", {256}, {256}, y, y, 1.0f, 1u << 16)));
    EXPECT_TRUE(stream->record(end));
    EXPECT_TRUE(end->synchronize());
    return *Event::elapsed_ms(*start, *end);
  };
  EXPECT_GT(measure(), 0);
}

TEST_F(Launch, ATimeOutEndsAKernelWithoutEnd) {
  Options options = testing::plain_options();
  options.timeout_s = 0.01;
  start(options);
  auto* flag = allocate<std::uint32_t>(1);
  ASSERT_TRUE(context->legacy()->launch(work("wait_for", {1}, {32}, flag)));
  EXPECT_FALSE(context->synchronize());
  EXPECT_EQ(context->fault()->kind, engine::Fault::Kind::Cancelled);
  EXPECT_NE(context->fault()->message.find("time-out"), std::string::npos);
}

TEST_F(Launch, ATimeOutCountsFromTheStart) {
  Options options = testing::plain_options();
  options.timeout_s = 1e-6;
  start(options);
  std::atomic<bool> compiling{false}, running{false};
  const Platform::Watch first(*platform, compiling);
  Platform::Watch second(*platform, running);
  second.starts();
  while (!running) std::this_thread::yield();
  EXPECT_FALSE(compiling);
}

TEST_F(Launch, RefusedModulesSayWhy) {
  const std::vector<std::string> malformed{
      ".version 7.0\n.target sm_80\n.address_size 64\n.entry k() { bogus; }\n"};
  const auto program = Program::load(malformed, platform->options());
  ASSERT_FALSE(program);
  EXPECT_NE(program.error().message.find("4:"), std::string::npos) << program.error().message;
}

TEST_F(Launch, ParametersAreLaidOutAndChecked) {
  const auto saxpy = kernel("saxpy");
  ASSERT_EQ(saxpy->parameters().size(), 4u);
  EXPECT_EQ(saxpy->parameters()[2].offset, 16u);
  EXPECT_EQ(saxpy->parameters()[3].offset, 20u);
  const char few[8] = {};
  EXPECT_FALSE(saxpy->pack(few, sizeof few));
  EXPECT_FALSE(saxpy->pack(static_cast<void* const*>(nullptr)));
  EXPECT_GT(saxpy->attributes().registers, 0u);
  EXPECT_EQ(saxpy->attributes().ptx_version, 80);
  EXPECT_EQ(saxpy->attributes().binary_version, 86);
  EXPECT_GT(*saxpy->max_active_blocks(256, 0), 0);
}

}  // namespace
}  // namespace doppel::device
