// SPDX-License-Identifier: Apache-2.0
// bench-on-card WORK [SIZE]: repeats one kernel on the card and prints how long the host took, as one JSON
// line. Works: matmul-tiled, matmul-naive, gemm-f16, gemm-bf16, gemm-tf32 (each also with -random behind it),
// gemm-s8, mandelbrot, saxpy, gather, launches, vector-add, and those of turned_image.h. The first repeat
// (compilation) is not counted. The time of gemm is the processor's.
#include "on_card.h"

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <string>

#include "kernels.h"
#include "repeats.h"

namespace {

using bench::report;
using doppel::host::Buffer;

void matmul(const doppel::host::Card& card, const doppel::host::Module& module, const char* kernel_name,
            int n) {
  const std::size_t count = static_cast<std::size_t>(n) * static_cast<std::size_t>(n);
  std::vector<float> a(count);
  std::vector<float> b(count);
  for (std::size_t i = 0; i < count; ++i) {
    a[i] = static_cast<float>(i * 7 % 5) - 2;
    b[i] = static_cast<float>(i * 3 % 7) - 3;
  }
  const Buffer<float> on_card_a{std::span<const float>(a)};
  const Buffer<float> on_card_b{std::span<const float>(b)};
  const Buffer<float> c(count);
  const auto blocks = static_cast<unsigned>(n) / 16;
  const auto repeat = [&] {
    doppel::host::launch(module.kernel(kernel_name), {blocks, blocks}, {16, 16}, on_card_a.address(),
                         on_card_b.address(), c.address(), n);
    card.synchronize();
  };
  repeat();
  const std::vector<float> result = c.download();
  float expected = 0;  // the last element; small whole numbers, so exact
  for (std::size_t k = 0; k < static_cast<std::size_t>(n); ++k) {
    expected += a[count - static_cast<std::size_t>(n) + k] *
                b[k * static_cast<std::size_t>(n) + static_cast<std::size_t>(n) - 1];
  }
  report(kernel_name, 2.0 * n * n * n * 1e-9, "GFLOP/s", result.back() == expected, repeat);
}

// An element of a type as the tensor cores take it.
struct Element {
  const char* work;
  const char* kernel;
  std::size_t bytes;
  int fraction_bits;
  bool whole;  // a number of 8 bits, else the upper bytes of a float, or f16
  std::uint32_t (*bits)(float value);
};

std::uint32_t bits_of(float value) {
  std::uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  return bits;
}

// Of a number that f16 has, and that is no subnormal.
std::uint32_t half_bits(float value) {
  const std::uint32_t bits = bits_of(value);
  if (value == 0) return 0;
  return (bits >> 16 & 0x8000U) | ((bits >> 13 & 0x3ffffU) - ((127U - 15U) << 10U));
}

constexpr Element kElements[] = {
    {"gemm-f16", "gemm_f16_f32", 2, 10, false, half_bits},
    {"gemm-bf16", "gemm_bf16", 2, 7, false, [](float value) { return bits_of(value) >> 16U; }},
    {"gemm-tf32", "gemm_tf32", 4, 10, false, bits_of},
    {"gemm-s8", "gemm_s8", 1, 0, true,
     [](float value) { return static_cast<std::uint32_t>(static_cast<int>(value * 8)); }},
};

// Numbers in no order: of -2 to 2 with three bits behind the point, whose sums are exact; or as they come, of
// -1 to 1, with so many bits of fraction.
float few_bits(std::size_t i) {
  return static_cast<float>(static_cast<int>(i * 2654435761U >> 11U & 31U) - 16) / 8;
}
float as_it_comes(std::size_t i, int fraction_bits) {
  std::uint64_t mixed = (i + 1) * 0x9e3779b97f4a7c15;
  mixed = (mixed ^ mixed >> 30U) * 0xbf58476d1ce4e5b9;
  mixed ^= mixed >> 27U;
  const auto number = static_cast<float>(static_cast<int>(mixed & 0xffffffU) - 0x800000) / 0x800000;
  const std::uint32_t cut = bits_of(number) & ~((1U << (23U - static_cast<unsigned>(fraction_bits))) - 1U);
  float kept = 0;
  std::memcpy(&kept, &cut, sizeof kept);
  return std::fabs(kept) < 0x1p-14F ? 0 : kept;
}

// On the tensor cores, n by n by n: A row after row, B column after column, C of float or whole numbers.
void gemm(const doppel::host::Card& card, const Element& element, const char* work, bool random, int n) {
  const auto some_number = [&](std::size_t i) {
    return random ? as_it_comes(i, element.fraction_bits) : few_bits(i);
  };
  const auto width = static_cast<std::size_t>(n);
  const doppel::host::Module module(bench::kGemmPtx);
  std::vector<unsigned char> a(width * width * element.bytes);
  std::vector<unsigned char> b(a.size());
  for (std::size_t i = 0; i < width * width; ++i) {
    const std::uint32_t of_a = element.bits(some_number(i));
    const std::uint32_t of_b = element.bits(some_number(i + 7 * width * width));
    std::memcpy(&a[i * element.bytes], &of_a, element.bytes);
    std::memcpy(&b[i * element.bytes], &of_b, element.bytes);
  }
  const Buffer<unsigned char> on_card_a{std::span<const unsigned char>(a)};
  const Buffer<unsigned char> on_card_b{std::span<const unsigned char>(b)};
  const Buffer<std::uint32_t> c(width * width);
  const auto blocks = static_cast<unsigned>(n) / 128;
  const int row_bytes = n * static_cast<int>(element.bytes);
  const auto repeat = [&] {
    doppel::host::launch(module.kernel(element.kernel), {blocks, blocks}, {128}, on_card_a.address(),
                         on_card_b.address(), c.address(), n, row_bytes);
    card.synchronize();
  };
  repeat();
  const std::vector<std::uint32_t> result = c.download();
  double expected = 0;  // the last element; of few bits, exactly
  const std::size_t row = width * (width - 1);
  for (std::size_t k = 0; k < width; ++k) {
    expected += static_cast<double>(some_number(row + k)) *
                static_cast<double>(some_number(row + k + 7 * width * width));
  }
  float last = 0;
  std::memcpy(&last, &result.back(), sizeof last);
  const bool correct = element.whole ? static_cast<int>(result.back()) == static_cast<int>(expected * 64)
                                     : std::fabs(static_cast<double>(last) - expected) <= (random ? 1e-3 : 0);
  report(work, 2.0 * n * n * n * 1e-9, "GFLOP/s", correct, repeat, bench::Clock::Processor);
}

void mandelbrot(const doppel::host::Card& card, const doppel::host::Module& module, int size) {
  constexpr int kLimit = 256;
  const auto count = static_cast<std::size_t>(size) * static_cast<std::size_t>(size);
  const Buffer<unsigned> steps(count);
  const auto repeat = [&] {
    doppel::host::launch(module.kernel("mandelbrot"),
                         {static_cast<unsigned>(size) / 32, static_cast<unsigned>(size) / 8}, {32, 8},
                         steps.address(), size, kLimit);
    card.synchronize();
  };
  repeat();
  double total = 0;
  for (const unsigned one : steps.download()) total += one;
  report("mandelbrot", total * 1e-9, "Giteration/s", total > 0, repeat);
}

void saxpy(const doppel::host::Card& card, const doppel::host::Module& module, unsigned count) {
  const std::vector<float> ones(count, 1.0F);
  const Buffer<float> x{std::span<const float>(ones)};
  const Buffer<float> y{std::span<const float>(ones)};
  const auto repeat = [&] {
    doppel::host::launch(module.kernel("saxpy"), {(count + 255) / 256}, {256}, y.address(), x.address(), 0.5F,
                         count);
    card.synchronize();
  };
  repeat();
  report("saxpy", 3.0 * sizeof(float) * count * 1e-9, "GB/s", y.download().back() == 1.5F, repeat);
}

// From a table that the host's caches hold, in an order without one.
void gather(const doppel::host::Card& card, const doppel::host::Module& module, unsigned count) {
  constexpr unsigned kTable = 1U << 14U;
  std::vector<float> table(kTable);
  for (unsigned i = 0; i < kTable; ++i) table[i] = static_cast<float>(i);
  std::vector<unsigned> order(count);
  for (unsigned i = 0; i < count; ++i) order[i] = i * 2654435761U >> 18U;
  const Buffer<float> x{std::span<const float>(table)};
  const Buffer<unsigned> index{std::span<const unsigned>(order)};
  const Buffer<float> y(count);
  const auto repeat = [&] {
    doppel::host::launch(module.kernel("gather"), {(count + 255) / 256}, {256}, y.address(), x.address(),
                         index.address(), count);
    card.synchronize();
  };
  repeat();
  const std::vector<float> got = y.download();
  bool correct = true;
  for (unsigned i = 0; i < count; ++i) correct = correct && got[i] == static_cast<float>(order[i]);
  report("gather", count * 1e-9, "Gelement/s", correct, repeat);
}

// Kilobytes of this process in memory, from /proc.
long resident_kilobytes() {
  long pages = 0;
  long total = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  if (std::fscanf(file, "%ld %ld", &total, &pages) != 2) pages = 0;
  std::fclose(file);
  return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

void launches(const doppel::host::Card& card, const doppel::host::Module& module, int count) {
  const CUfunction nothing = module.kernel("nothing");
  const auto launch_many = [&](int times) {
    for (int i = 0; i < times; ++i) doppel::host::launch(nothing, {1}, {32});
    card.synchronize();
  };
  launch_many(count / 10);
  const long before = resident_kilobytes();
  const double seconds = bench::host_seconds([&] { launch_many(count); });
  std::printf(
      "{\"work\":\"launches\",\"seconds\":%.6g,\"rate\":%.6g,\"unit\":\"launches/"
      "s\",\"grown_kb\":%ld,\"correct\":true}\n",
      seconds, count / seconds, resident_kilobytes() - before);
}

// The whole of a small program: for the time a process takes from start to end.
void vector_add(const doppel::host::Module& module) {
  constexpr unsigned kCount = 50000;
  const std::vector<float> ones(kCount, 1.0F);
  const Buffer<float> x{std::span<const float>(ones)};
  const Buffer<float> y{std::span<const float>(ones)};
  doppel::host::launch(module.kernel("saxpy"), {(kCount + 255) / 256}, {256}, y.address(), x.address(), 1.0F,
                       kCount);
  const bool correct = y.download().back() == 2.0F;
  std::printf("{\"work\":\"vector-add\",\"correct\":%s}\n", correct ? "true" : "false");
}

void run(const char* work, int size) {
  const doppel::host::Card card;
  const doppel::host::Module module(bench::kKernelsPtx);
  if (std::strcmp(work, "matmul-tiled") == 0)
    return matmul(card, module, "matmul_tiled", size > 0 ? size : 512);
  if (std::strcmp(work, "matmul-naive") == 0)
    return matmul(card, module, "matmul_naive", size > 0 ? size : 512);
  for (const Element& element : kElements) {
    const std::string random = std::string(element.work) + "-random";
    if (std::strcmp(work, element.work) == 0) return gemm(card, element, work, false, size > 0 ? size : 1024);
    if (!element.whole && work == random) return gemm(card, element, work, true, size > 0 ? size : 1024);
  }
  if (std::strcmp(work, "mandelbrot") == 0) return mandelbrot(card, module, size > 0 ? size : 1024);
  if (std::strcmp(work, "saxpy") == 0)
    return saxpy(card, module, size > 0 ? static_cast<unsigned>(size) : 1U << 24U);
  if (std::strcmp(work, "gather") == 0)
    return gather(card, module, size > 0 ? static_cast<unsigned>(size) : 1U << 20U);
  if (const bench::Turn* how = bench::find_turn(work)) {
    const doppel::host::Module turns(bench::kTurnedKernelsPtx);
    return bench::turn(card, turns, *how, size > 0 ? size : 1024);
  }
  if (std::strcmp(work, "launches") == 0) return launches(card, module, size > 0 ? size : 10000);
  if (std::strcmp(work, "vector-add") == 0) return vector_add(module);
  throw std::runtime_error(std::string("no work is named '") + work + "'");
}

}  // namespace

void bench::report(const char* work, double amount, const char* unit, bool correct,
                   const std::function<void()>& repeat, Clock clock) {
  const auto seconds = [&] {
    return clock == Clock::Host ? host_seconds(repeat) : processor_seconds(repeat);
  };
  const double first = seconds();
  const double best = smallest_seconds(seconds);
  std::printf(
      "{\"work\":\"%s\",\"seconds\":%.6g,\"first_seconds\":%.6g,\"rate\":%.6g,\"unit\":\"%s\",\"correct\":%s}"
      "\n",
      work, best, first, amount / best, unit, correct ? "true" : "false");
}

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: bench-on-card "
                 "matmul-tiled|matmul-naive|gemm-f16[-random]|gemm-bf16[-random]|gemm-tf32[-random]|gemm-s8|"
                 "mandelbrot|saxpy|gather|launches|"
                 "vector-add|turn-... "
                 "[SIZE]\n");
    return 2;
  }
  try {
    run(argv[1], argc > 2 ? std::atoi(argv[2]) : 0);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench-on-card: %s\n", error.what());
    return 1;
  }
}
