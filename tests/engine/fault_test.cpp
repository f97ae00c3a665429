// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <csetjmp>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "fake_module.h"
#include "memory/address_space.h"

namespace doppel::engine {
namespace {

using testing::data_of;
using testing::FakeLaunch;

struct FaultTarget {
  std::uint64_t address = 0;
  int before = 0, after = 0;
};

void store_through(jit::WarpContext* context) {
  auto& data = data_of<FaultTarget>(context);
  ++data.before;
  for (int lane = 0; lane < 32; ++lane) context->access_addresses[lane] = data.address - 20 + 4 * lane;
  *reinterpret_cast<volatile int*>(data.address) = 1;
  ++data.after;
}

constexpr std::uint64_t kFaultPage = std::uint64_t{2} << 20;

TEST(Fault, AWildStoreEndsTheLaunchOnly) {
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  const auto allocation = (*memory)->allocate(4096, 256, memory::AllocationKind::Device);
  Engine engine(1);
  for (int repeat = 0; repeat < 3; ++repeat) {
    FaultTarget data{*allocation + kFaultPage};
    FakeLaunch fake(store_through, {5}, {64}, &data);
    fake.launch.memory = memory->get();
    const auto outcome = engine.run(fake.launch);
    ASSERT_TRUE(outcome);
    ASSERT_TRUE(outcome->fault);
    EXPECT_EQ(outcome->fault->kind, Fault::Kind::IllegalAddress);
    EXPECT_EQ(outcome->fault->kernel, "kernel");
    EXPECT_EQ(outcome->fault->address, *allocation + kFaultPage);
    EXPECT_TRUE(outcome->fault->thread_known);
    EXPECT_EQ(outcome->fault->thread, (Dim3{5, 0, 0}));
    EXPECT_NE(outcome->fault->allocation.find("2093056 bytes after the end of the 4096-byte allocation"),
              std::string::npos)
        << outcome->fault->allocation;
    EXPECT_NE(describe(*outcome->fault).find("illegal address"), std::string::npos);
    EXPECT_EQ(data.before, 1);
    EXPECT_EQ(data.after, 0);
    *reinterpret_cast<int*>(*allocation) = 3;
  }
}

void wild_shared(jit::WarpContext* context) {
  auto& data = data_of<FaultTarget>(context);
  auto* at = context->shared + data.address;
  for (auto& address : context->access_addresses) address = reinterpret_cast<std::uint64_t>(at);
  *reinterpret_cast<volatile int*>(at) = 1;
}

TEST(Fault, SharedMemoryHasBounds) {
  FaultTarget data{std::uint64_t{100} << 20};
  FakeLaunch fake(wild_shared, {1}, {32}, &data);
  fake.launch.config.dynamic_shared_bytes = 8192;
  Engine engine(1);
  const auto outcome = engine.run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->space, "shared");
  EXPECT_NE(outcome->fault->allocation.find("8192 bytes of shared memory"), std::string::npos);
  data.address = 8188;
  EXPECT_FALSE(engine.run(fake.launch)->fault);
  // A later launch with less must not see more.
  FakeLaunch smaller(wild_shared, {1}, {32}, &data);
  smaller.launch.config.dynamic_shared_bytes = 1024;
  EXPECT_TRUE(engine.run(smaller.launch)->fault);
}

int deeper(volatile char* above, int depth) {
  volatile char frame[1024];
  frame[0] = above[0];
  return depth < (1 << 20) ? deeper(frame, depth + 1) + frame[0] : 0;
}
void overflow(jit::WarpContext*) {
  volatile char start[1] = {0};
  deeper(start, 0);
}

TEST(Fault, StackOverflowIsNamed) {
  FaultTarget data;
  FakeLaunch fake(overflow, {1}, {32}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::StackOverflow);
}

void trap_here(jit::WarpContext* context) { context->callbacks->trap(context, 0x10, 0, 0); }

TEST(Fault, TrapNamesTheThread) {
  FaultTarget data;
  FakeLaunch fake(trap_here, {2, 3}, {16, 4}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::Trap);
  EXPECT_EQ(outcome->fault->thread, (Dim3{4, 0, 0}));
}

void fail_assertion(jit::WarpContext* context) {
  std::uint64_t message[32], file[32], function[32], size[32];
  std::uint32_t line[32];
  for (int lane = 0; lane < 32; ++lane) {
    message[lane] = reinterpret_cast<std::uint64_t>("gtid < N");
    file[lane] = reinterpret_cast<std::uint64_t>("test.cu");
    function[lane] = reinterpret_cast<std::uint64_t>("void f()");
    line[lane] = 19;
    size[lane] = 1;
  }
  const void* arguments[] = {message, file, line, function, size};
  context->callbacks->call(context, 3u << 30, static_cast<std::uint32_t>(jit::RuntimeFunction::Assertfail),
                           arguments, nullptr);
}

TEST(Fault, AssertionsSpeakAsOnTheCard) {
  FaultTarget data;
  FakeLaunch fake(fail_assertion, {1}, {32}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::Assert);
  EXPECT_EQ(outcome->fault->message,
            "test.cu:19: void f(): block: [0,0,0], thread: [30,0,0] Assertion `gtid < N` failed.\n"
            "test.cu:19: void f(): block: [0,0,0], thread: [31,0,0] Assertion `gtid < N` failed.");
}

sigjmp_buf jump;
void own_handler(int) { siglongjmp(jump, 1); }

TEST(Fault, TheProgramsOwnHandlerStillWorks) {
  struct sigaction own{}, old{};
  own.sa_handler = own_handler;
  sigaction(SIGSEGV, &own, &old);
  auto memory = memory::AddressSpace::create(0, std::uint64_t{1} << 32);
  FaultTarget data{(*memory)->base()};
  FakeLaunch fake(store_through, {1}, {32}, &data);
  const auto outcome = Engine(1).run(fake.launch);
  ASSERT_TRUE(outcome && outcome->fault);
  EXPECT_EQ(outcome->fault->kind, Fault::Kind::IllegalAddress);
  bool caught = false;
  if (sigsetjmp(jump, 1) == 0) {
    *reinterpret_cast<volatile int*>((*memory)->base()) = 1;
  } else {
    caught = true;
  }
  EXPECT_TRUE(caught);
  sigaction(SIGSEGV, &old, nullptr);
}

}  // namespace
}  // namespace doppel::engine
