// SPDX-License-Identifier: Apache-2.0
// A platform of one or two doubles, with a context on the first.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "device/context.h"
#include "device/device.h"
#include "device/event.h"
#include "device/host_clock.h"
#include "device/module.h"
#include "device/platform.h"
#include "device/stream.h"

namespace doppel::device {

inline constexpr std::uint64_t kMiB = 1 << 20;

namespace testing {

inline Options plain_options() {
  Options options;
  options.cards = {"rtx-a6000", "rtx-pro-5000-blackwell"};
  options.host_threads = 2;
  return options;
}

// y[i] += a * x[i] for i < n; a loop of `turns` makes it long.
inline constexpr const char* kSaxpy = R"(
.version 7.0
.target sm_80
.address_size 64
.global .align 4 .u32 calls;
.global .align 8 .u64 pointer = generic(calls);
.const .align 4 .f32 half = 0f3F000000;
.visible .entry saxpy(.param .u64 x, .param .u64 y, .param .f32 a, .param .u32 n)
{
  .reg .pred %p<2>;
  .reg .b32 %r<8>;
  .reg .b64 %rd<8>;
  .reg .f32 %f<8>;
  ld.param.u64 %rd1, [x];
  ld.param.u64 %rd2, [y];
  ld.param.f32 %f1, [a];
  ld.param.u32 %r1, [n];
  mov.u32 %r2, %ctaid.x;
  mov.u32 %r3, %ntid.x;
  mov.u32 %r4, %tid.x;
  mad.lo.s32 %r5, %r2, %r3, %r4;
  setp.ge.u32 %p1, %r5, %r1;
  @%p1 bra done;
  mul.wide.u32 %rd3, %r5, 4;
  add.s64 %rd4, %rd1, %rd3;
  add.s64 %rd5, %rd2, %rd3;
  ld.global.f32 %f2, [%rd4];
  ld.global.f32 %f3, [%rd5];
  fma.rn.f32 %f4, %f1, %f2, %f3;
  st.global.f32 [%rd5], %f4;
done:
  ret;
}
.visible .entry count()
{
  .reg .b64 %rd<3>;
  ld.global.u64 %rd1, [pointer];
  red.add.u32 [%rd1], 1;
  ret;
}
.visible .entry wild(.param .u64 at)
{
  .reg .b64 %rd<3>;
  .reg .b32 %r<2>;
  ld.param.u64 %rd1, [at];
  mov.u32 %r1, 1;
  st.global.u32 [%rd1], %r1;
  ret;
}
.visible .entry wait_for(.param .u64 flag)
{
  .reg .b64 %rd<3>;
  .reg .b32 %r<2>;
  .reg .pred %p<2>;
  ld.param.u64 %rd1, [flag];
again:
  ld.volatile.global.u32 %r1, [%rd1];
  setp.eq.u32 %p1, %r1, 0;
  @%p1 bra again;
  ret;
}
)";

class DeviceTest : public ::testing::Test {
 protected:
  void SetUp() override { start(plain_options()); }
  void start(Options options) {
    context.reset();
    module.reset();
    platform.reset();
    auto made = Platform::create(std::move(options));
    ASSERT_TRUE(made) << made.error().message;
    platform = std::move(*made);
    auto primary = platform->device(0).retain_primary();
    ASSERT_TRUE(primary);
    context = *primary;
  }
  void TearDown() override {
    module.reset();
    context.reset();
    platform.reset();
  }
  std::shared_ptr<Kernel> kernel(const char* name) {
    if (module == nullptr) {
      const std::vector<std::string> texts{kSaxpy};
      auto program = Program::load(texts, platform->options());
      EXPECT_TRUE(program) << program.error().message;
      auto loaded = context->load(*program);
      EXPECT_TRUE(loaded) << loaded.error().message;
      module = *loaded;
    }
    auto found = module->kernel(name);
    EXPECT_TRUE(found) << found.error().message;
    return *found;
  }
  // Parameters by value, in order.
  template <typename... Values>
  KernelWork work(const char* name, Dim3 grid, Dim3 block, Values... values) {
    const auto of = kernel(name);
    void* pointers[] = {static_cast<void*>(&values)..., nullptr};
    return {of, {.grid = grid, .block = block}, *of->pack(pointers)};
  }
  template <typename T>
  T* allocate(std::size_t count) {
    const auto address = context->allocate(count * sizeof(T));
    EXPECT_TRUE(address) << address.error().message;
    return reinterpret_cast<T*>(*address);
  }
  static std::uint64_t number(const void* pointer) { return reinterpret_cast<std::uint64_t>(pointer); }

  std::unique_ptr<Platform> platform;
  std::shared_ptr<Context> context;
  std::shared_ptr<Module> module;
};

}  // namespace testing
}  // namespace doppel::device
