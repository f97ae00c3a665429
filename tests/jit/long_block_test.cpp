// SPDX-License-Identifier: Apache-2.0
// Kernels of one long basic block: compiled in parts, with either effort and in every build, they do what the
// text says. Their accesses to local memory go lane by lane.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "jit/every_build.h"

namespace doppel::jit {
namespace {

constexpr std::uint32_t kThreads = 40;
constexpr std::uint32_t kSteps = 120;
constexpr std::uint32_t kCells = 16;

// a[i] = i; then in each step a[(t * (2 s + 1)) mod 16] += a[(t + 3 s) mod 16] * (s + 3) + t, and every fifth
// step only in threads whose number is odd.
std::string text() {
  std::string body;
  for (std::uint32_t cell = 0; cell < kCells; ++cell)
    body += fmt::format("  st.local.u32 [cells+{}], {};\n", 4 * cell, cell);
  for (std::uint32_t step = 0; step < kSteps; ++step) {
    const char* guard = step % 5 == 0 ? "@%odd " : "";
    body += fmt::format(
        "  mul.lo.u32 %i, %t, {};\n  and.b32 %i, %i, 15;\n  mul.wide.u32 %a, %i, 4;\n"
        "  add.u64 %a, %a, %cells;\n"
        "  add.u32 %j, %t, {};\n  and.b32 %j, %j, 15;\n  mul.wide.u32 %b, %j, 4;\n"
        "  add.u64 %b, %b, %cells;\n"
        "  ld.local.u32 %x, [%b];\n  ld.local.u32 %y, [%a];\n"
        "  mad.lo.u32 %y, %x, {}, %y;\n  add.u32 %y, %y, %t;\n  {}st.local.u32 [%a], %y;\n",
        2 * step + 1, 3 * step, step + 3, guard);
  }
  for (std::uint32_t cell = 0; cell < kCells; ++cell)
    body +=
        fmt::format("  ld.local.u32 %x, [cells+{}];\n  st.global.u32 [%out+{}], %x;\n", 4 * cell, 4 * cell);
  return fmt::format(
      ".version 7.8\n.target sm_86\n.address_size 64\n.visible .entry k(.param .u64 p)\n{{\n"
      "  .reg .b32 %t, %i, %j, %x, %y;\n  .reg .b64 %a, %b, %cells, %out;\n  .reg .pred %odd;\n"
      "  .local .align 8 .b8 cells[{}];\n"
      "  ld.param.u64 %out, [p];\n  mov.u32 %t, %tid.x;\n  mov.u64 %cells, cells;\n"
      "  mul.wide.u32 %a, %t, {};\n  add.u64 %out, %out, %a;\n"
      "  and.b32 %x, %t, 1;\n  setp.ne.u32 %odd, %x, 0;\n{}  ret;\n}}\n",
      4 * kCells, 4 * kCells, body);
}

std::vector<std::uint32_t> expected() {
  std::vector<std::uint32_t> all;
  for (std::uint32_t t = 0; t < kThreads; ++t) {
    std::array<std::uint32_t, kCells> cells{};
    for (std::uint32_t cell = 0; cell < kCells; ++cell) cells[cell] = cell;
    for (std::uint32_t step = 0; step < kSteps; ++step) {
      const std::uint32_t x = cells[(t + 3 * step) % kCells];
      std::uint32_t& y = cells[t * (2 * step + 1) % kCells];
      if (step % 5 != 0 || t % 2 == 1) y += x * (step + 3) + t;
    }
    all.insert(all.end(), cells.begin(), cells.end());
  }
  return all;
}

TEST(LongBlock, DoesTheSameInEveryBuildAndEffort) {
  jit_test::expect_in_every_build(text(), kThreads, expected());
}

}  // namespace
}  // namespace doppel::jit
