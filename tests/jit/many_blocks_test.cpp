// SPDX-License-Identifier: Apache-2.0
// A kernel of many blocks whose lanes run in any order, with many registers that live across them: they stay
// in memory, and the kernel does what the text says.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "jit/every_build.h"

namespace doppel::jit::many_blocks {
namespace {

constexpr std::uint32_t kThreads = 64;
constexpr std::uint32_t kRegisters = 40;
constexpr std::uint32_t kSteps = 50;

// r[i] = i + t, and u[i] = i the same in all threads. Then in each step the threads of which one bit is set
// change r[a]; one bit of another decides who exchanges r[b] with a neighbour, within the lanes that come (so
// that lanes wait for each other in divergent code); a uniform register is changed and added.
std::string text() {
  std::string body;
  for (std::uint32_t i = 0; i < kRegisters; ++i)
    body += fmt::format("  add.u32 %r{}, %t, {};\n  mov.u32 %u{}, {};\n", i, i, i, i);
  for (std::uint32_t step = 0; step < kSteps; ++step) {
    const std::uint32_t a = step * 7 % kRegisters, b = step * 11 % kRegisters, c = step * 13 % kRegisters;
    body += fmt::format(
        "  shr.u32 %x, %t, {};\n  and.b32 %x, %x, 1;\n  setp.eq.u32 %p, %x, 0;\n  @%p bra skip{};\n"
        "  mad.lo.u32 %r{}, %r{}, 5, %u{};\nskip{}:\n"
        "  and.b32 %x, %t, 2;\n  setp.ne.u32 %p, %x, 0;\n  @%p bra other{};\n"
        "  shfl.sync.bfly.b32 %r{}, %r{}, {}, 31, 0x33333333;\n  bra both{};\n"
        "other{}:\n"
        "  shfl.sync.bfly.b32 %x, %r{}, 1, 31, 0xcccccccc;\n  xor.b32 %r{}, %x, {};\n"
        "both{}:\n  add.u32 %u{}, %u{}, 3;\n",
        step % 5, step, a, b, c, step, step, b, b, step % 2 == 0 ? 1 : 4, step, step, a, b, step, step, c, c);
  }
  for (std::uint32_t i = 0; i < kRegisters; ++i)
    body += fmt::format("  add.u32 %x, %r{}, %u{};\n  st.global.u32 [%out+{}], %x;\n", i, i, 4 * i);
  return fmt::format(
      ".version 7.8\n.target sm_86\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n"
      "  .reg .b32 %t, %x;\n  .reg .b32 %r<{}>;\n  .reg .b32 %u<{}>;\n  .reg .b64 %a, %out;\n  .reg .pred "
      "%p;\n"
      "  ld.param.u64 %out, [p];\n  mov.u32 %t, %tid.x;\n  mul.wide.u32 %a, %t, {};\n  add.u64 %out, %out, "
      "%a;\n"
      "{}  ret;\n}}\n",
      kRegisters, kRegisters, 4 * kRegisters, body);
}

std::vector<std::uint32_t> expected() {
  std::vector<std::uint32_t> r(std::size_t{kThreads} * kRegisters), u(kRegisters);
  const auto at = [&](std::uint32_t t, std::uint32_t i) -> std::uint32_t& { return r[t * kRegisters + i]; };
  for (std::uint32_t i = 0; i < kRegisters; ++i) {
    u[i] = i;
    for (std::uint32_t t = 0; t < kThreads; ++t) at(t, i) = i + t;
  }
  for (std::uint32_t step = 0; step < kSteps; ++step) {
    const std::uint32_t a = step * 7 % kRegisters, b = step * 11 % kRegisters, c = step * 13 % kRegisters;
    for (std::uint32_t t = 0; t < kThreads; ++t) {
      if ((t >> step % 5 & 1) != 0) at(t, a) = at(t, b) * 5 + u[c];
    }
    const std::vector<std::uint32_t> before = r;
    for (std::uint32_t t = 0; t < kThreads; ++t) {
      if ((t & 2) == 0) {
        at(t, b) = before[(t ^ (step % 2 == 0 ? 1 : 4)) * kRegisters + b];
      } else {
        at(t, b) = before[(t ^ 1) * kRegisters + a] ^ step;
      }
    }
    u[c] += 3;
  }
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    for (std::uint32_t i = 0; i < kRegisters; ++i) at(t, i) += u[i];
  }
  return r;
}

TEST(ManyBlocks, DoTheSameInEveryBuildAndEffort) {
  jit_test::expect_in_every_build(text(), kThreads, expected());
}

}  // namespace
}  // namespace doppel::jit::many_blocks
