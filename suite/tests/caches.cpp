// SPDX-License-Identifier: Apache-2.0
// Latency of the levels of memory, as walks of one thread from line to line, and the bandwidth of those that
// all SMs have. Rates are the difference of a long and a short run.
#include <algorithm>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kLineWords = 32;

unsigned next_line(unsigned line, unsigned lines) { return (line * 1664525U + 1013904223U) & (lines - 1); }

// Over 2^log2_lines lines of 128 bytes, each step to another one.
Result walk(unsigned log2_lines, const char* level) {
  constexpr unsigned kBrief = 512;
  constexpr unsigned kExtended = 2560;
  const unsigned lines = 1U << log2_lines;
  const host::Module module(kCachesPtx);
  const host::Buffer<unsigned> ring(std::size_t{lines} * kLineWords);
  const host::Buffer<unsigned> end(1);
  host::launch(module.kernel("make_ring"), {(lines + 255) / 256}, {256}, ring.address(), lines);
  const auto run = [&](unsigned steps) {
    return timed_us(
        [&] { host::launch(module.kernel("walk"), {1}, {1}, ring.address(), 0U, steps, end.address()); });
  };
  Result result;
  const double short_us = run(kBrief);
  const double long_us = run(kExtended);
  unsigned line = 0;
  for (unsigned i = 0; i < kExtended; ++i) line = next_line(line, lines);
  result.correct = end.download()[0] == line * kLineWords;
  result.time_us = long_us - short_us;
  result.value = (kExtended - kBrief) / result.time_us;
  result.unit = "loads/us";
  result.detail = std::string("lines of 128 bytes in ") + level + ", each load waits for the last";
  return result;
}

Result again(const host::Card& card, const char* kernel, unsigned bytes) {
  constexpr unsigned kThreads = 1024;
  constexpr unsigned kVectorBytes = 16;
  // The difference is long beside the microsecond to which events tell time.
  const unsigned brief = std::max(1U, (1U << 22U) / bytes);
  const unsigned extended = 3 * brief;
  const unsigned vectors = bytes / kVectorBytes;
  const host::Module module(kCachesPtx);
  const unsigned blocks = card.multiprocessors();
  const std::vector<float> ones(bytes / sizeof(float), 1.0F);
  const host::Buffer<float> data{std::span<const float>(ones)};
  const host::Buffer<float> out(std::size_t{blocks} * kThreads);
  const auto run = [&](unsigned turns) {
    return timed_us([&] {
      host::launch(module.kernel(kernel), {blocks}, {kThreads}, data.address(), vectors, turns,
                   out.address());
    });
  };
  Result result;
  const double short_us = run(brief);
  const double long_us = run(extended);
  const auto of_thread = static_cast<float>(vectors / kThreads * 4 * extended);
  const std::vector<float> sums = out.download();
  result.correct = std::ranges::all_of(sums, [&](float sum) { return sum == of_thread; });
  result.time_us = long_us - short_us;
  result.value = static_cast<double>(bytes) * (extended - brief) * blocks / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.kernel = kernel;
  result.detail = std::to_string(bytes >> 10U) + " KiB read again and again by every SM";
  return result;
}

Result shared(const host::Card& card) {
  constexpr unsigned kThreads = 256;
  constexpr unsigned kBrief = 64;
  constexpr unsigned kExtended = 1024;
  constexpr double kBytesOfTurn = 16.0 * 4 * kThreads;
  const host::Module module(kCachesPtx);
  const unsigned blocks = card.multiprocessors() * 4;
  const host::Buffer<float> out(std::size_t{blocks} * kThreads);
  const auto run = [&](unsigned turns) {
    return timed_us(
        [&] { host::launch(module.kernel("read_shared"), {blocks}, {kThreads}, turns, out.address()); });
  };
  Result result;
  const double short_us = run(kBrief);
  const double long_us = run(kExtended);
  const std::vector<float> sums = out.download();
  result.correct = std::ranges::all_of(sums, [](float sum) { return sum == 16.0F * kExtended; });
  result.time_us = long_us - short_us;
  result.value = kBytesOfTurn * (kExtended - kBrief) * blocks / result.time_us * 1e-3;
  result.unit = "GB/s";
  result.kernel = "read_shared";
  result.detail = "16 bytes a lane, side by side";
  return result;
}

constexpr std::array kTests{
    Test{"latency-l1", "loads one after another, out of L1",
         [](const host::Card&) { return walk(7, "16 KiB"); }},
    Test{"latency-l2", "loads one after another, out of L2",
         [](const host::Card&) { return walk(14, "2 MiB"); }},
    Test{"latency-memory", "loads one after another, out of memory",
         [](const host::Card&) { return walk(22, "512 MiB"); }},
    Test{"cache-shared", "bandwidth of shared memory", shared},
    Test{"cache-l1", "bandwidth of L1",
         [](const host::Card& card) { return again(card, "read_l1", 1U << 14U); }},
    Test{"cache-l2", "bandwidth of L2",
         [](const host::Card& card) { return again(card, "read_l2", 1U << 20U); }},
};

}  // namespace

std::span<const Test> cache_tests() { return kTests; }

}  // namespace doppel::suite
