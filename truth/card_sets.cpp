// SPDX-License-Identifier: Apache-2.0
#include "card_sets.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "shapes.h"
#include "truth_kernels.h"

namespace doppel::truth {

namespace {

using host::Buffer;
using host::check;

constexpr double kBudgetUs = 60'000;  // for the repeats of one row, which still are three at least
constexpr int kMostRepeats = 21;

// A kernel and its launch with arguments of exactly the types of its parameters.
struct Launch {
  CUfunction kernel = nullptr;
  Dim3 grid, block;
  unsigned dynamic_shared_bytes = 0;

  template <class... Arguments>
  void operator()(Arguments... arguments) const {
    std::array<void*, sizeof...(Arguments)> pointers{static_cast<void*>(&arguments)...};
    check(cuLaunchKernel(kernel, grid.x, grid.y, grid.z, block.x, block.y, block.z, dynamic_shared_bytes,
                         nullptr, pointers.data(), nullptr),
          "cuLaunchKernel");
  }
};

// The median of the card's time for the work, after it has run twice.
template <class Work>
double median_us(const Bench& bench, const Work& work) {
  work();
  const double first = host::time_us(work);
  if (bench.trial) return first;
  const int repeats = std::clamp(static_cast<int>(kBudgetUs / first), 3, kMostRepeats);
  std::vector<double> times;
  for (int i = 0; i < repeats; ++i) {
    // Keeps the card at work while the host queues what is timed.
    if (first < 1000) work();
    times.push_back(host::time_us(work));
  }
  std::ranges::nth_element(times, times.begin() + repeats / 2);
  return times[static_cast<std::size_t>(repeats / 2)];
}

std::vector<Measurement> measure_sgemm(const Bench& bench) {
  const unsigned size = bench.trial ? 256 : kSgemmSize;
  const host::Module module(kSgemmStepsPtx);
  const std::size_t count = std::size_t{size} * size;
  Buffer<float> a(count), b(count), c(count);
  for (Buffer<float>* matrix : {&a, &b, &c}) matrix->clear();
  std::vector<Measurement> rows;
  for (std::size_t i = 0; i < kSgemmSteps.size(); ++i) {
    const SgemmStep& step = kSgemmSteps[i];
    const Launch launch{module.kernel(step.kernel), {size / step.tile, size / step.tile, 1}, step.block};
    const double us = median_us(
        bench, [&] { launch(a.address(), b.address(), c.address(), static_cast<int>(size), 2.0F, 0.5F); });
    rows.push_back({fmt::format("step {}", i + 1), 2.0 * size * size * size / us * 1e-3, "GFLOP/s"});
  }
  return rows;
}

// Dynamic shared memory that leaves room for no more than `blocks` blocks of 32 threads on an SM.
unsigned shared_bytes_for(const Bench& bench, CUfunction kernel, int blocks) {
  const int most = bench.card.attribute(CU_DEVICE_ATTRIBUTE_MAX_SHARED_MEMORY_PER_BLOCK_OPTIN);
  check(cuFuncSetAttribute(kernel, CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES, most),
        "cuFuncSetAttribute");
  for (int bytes = 1024; bytes <= most; bytes += 1024) {
    int resident = 0;
    check(cuOccupancyMaxActiveBlocksPerMultiprocessor(&resident, kernel, 32, static_cast<std::size_t>(bytes)),
          "cuOccupancyMaxActiveBlocksPerMultiprocessor");
    if (resident <= blocks) return static_cast<unsigned>(bytes);
  }
  return static_cast<unsigned>(most);
}

// Doubles an array: four of them have to fit.
unsigned stream_count(const Bench& bench) {
  if (bench.trial) return (1U << 16) + 2;
  std::size_t free = 0, total = 0;
  check(cuMemGetInfo(&free, &total), "cuMemGetInfo");
  return static_cast<unsigned>(std::min<std::size_t>(kStreamCount, free / 5 / sizeof(double)));
}

std::vector<Measurement> measure_stream(const Bench& bench) {
  struct Residence {
    int blocks_per_sm;
    unsigned threads;
  };
  // Of those that the A40 was measured with: sparse ones, and every step up to a full SM.
  constexpr std::array<Residence, 17> kResidences{{{1, 16},
                                                   {1, 32},
                                                   {1, 64},
                                                   {1, 96},
                                                   {1, 128},
                                                   {1, 160},
                                                   {2, 96},
                                                   {2, 128},
                                                   {2, 192},
                                                   {2, 256},
                                                   {2, 320},
                                                   {2, 384},
                                                   {2, 512},
                                                   {2, 640},
                                                   {2, 768},
                                                   {2, 896},
                                                   {2, 1024}}};
  const unsigned count = stream_count(bench);
  const host::Module module(kStreamPtx);
  Buffer<double> a(count), b(count), c(count), d(count);
  for (Buffer<double>* array : {&a, &b, &c, &d}) array->clear();
  std::vector<Measurement> rows;
  for (const auto& [blocks, threads] : kResidences) {
    for (const Stream& stream : kStreams) {
      Launch launch{module.kernel(fmt::format("stream_{}", stream.name).c_str()),
                    {count / threads + 1, 1, 1},
                    {threads, 1, 1}};
      launch.dynamic_shared_bytes = shared_bytes_for(bench, launch.kernel, blocks);
      const bool writes_only = stream.name == kStreams[0].name;
      const double us = median_us(bench, [&] {
        if (stream.arrays == 4) {
          launch(a.address(), b.address(), c.address(), d.address(), count);
        } else if (writes_only) {
          launch(a.address(), count);
        } else {
          launch(a.address(), b.address(), count);
        }
      });
      rows.push_back({fmt::format("{} {} x {}", stream.name, threads, blocks),
                      stream.arrays * 8.0 * count / us * 1e-3, "GB/s"});
    }
  }
  return rows;
}

std::vector<Measurement> measure_read(const Bench& bench) {
  constexpr unsigned kBlock = 256;
  const unsigned count = stream_count(bench) / kBlock * kBlock;
  const host::Module module(kStreamPtx);
  Buffer<double> a(count), b(count);
  for (Buffer<double>* array : {&a, &b}) array->clear();
  const auto bandwidth = [&](const char* kernel, double bytes) {
    const Launch launch{module.kernel(kernel), {count / kBlock, 1, 1}, {kBlock, 1, 1}};
    return bytes * count / median_us(bench, [&] { launch(a.address(), b.address(), count); }) * 1e-3;
  };
  return {{"read stream", bandwidth("stream_read", 8), "GB/s"},
          {"read and write, as the copy", bandwidth("stream_scale", 16), "GB/s"}};
}

std::vector<Measurement> measure_latency(const Bench& bench) {
  const double largest_kb = bench.trial ? 64 : 128 * 1024;
  const host::Module module(kCachePtx);
  const Launch launch{module.kernel("chase"), {1, 1, 1}, {1, 1, 1}};
  const Buffer<std::uint64_t> end(8);
  std::vector<Measurement> rows;
  for (double kb = 8; kb <= largest_kb; kb *= 1.25) {
    const auto lines = static_cast<std::uint64_t>(kb * 1024 / kChaseLine);
    const Buffer<std::uint64_t> buffer(lines * kChaseLine / sizeof(std::uint64_t));
    std::vector<std::uint64_t> words(buffer.size());
    const std::vector<std::uint64_t> order = chase_order(lines);
    for (std::uint64_t i = 0; i < lines; ++i) {
      words[i * kChaseLine / sizeof(std::uint64_t)] = buffer.address() + order[i] * kChaseLine;
    }
    check(cuMemcpyHtoD(buffer.address(), words.data(), words.size() * sizeof(std::uint64_t)), "cuMemcpyHtoD");
    // Every line at least once: a repeat must not find in a cache what a longer chain would have pushed out.
    const auto loads = static_cast<unsigned>(std::max<std::uint64_t>(kChaseLoads, (lines + 31) / 32 * 32));
    const double us = median_us(bench, [&] { launch(buffer.address(), end.address(), loads); });
    rows.push_back({fmt::format("{:.0f} kB", kb), us * bench.clock_mhz() / loads, "cycles"});
  }
  return rows;
}

std::vector<Measurement> measure_cache(const Bench& bench) {
  const double largest_kb = bench.trial ? 32 : 280 * 1024;
  const unsigned blocks = bench.card.multiprocessors();
  const host::Module module(kCachePtx);
  const Launch launch{module.kernel("sum_products"), {blocks, 1, 1}, {kCacheBlock, 1, 1}};
  Buffer<float> result(kCacheBlock);
  result.clear();
  std::vector<Measurement> rows;
  for (double kb = 16; kb <= largest_kb; kb *= 1.25) {
    auto [count, turns] = cache_shape(kb);
    if (bench.trial) turns = 2;
    Buffer<float> buffer(std::size_t{count} * 2);
    buffer.clear();
    const double us = median_us(bench, [&, values = count, passes = turns] {
      launch(result.address(), buffer.address(), values, passes, 0);
    });
    rows.push_back(
        {fmt::format("{:.0f} kB", kb), 2.0 * count * sizeof(float) * turns * blocks / us * 1e-3, "GB/s"});
  }
  return rows;
}

// Rates of the suite's chains of multiply-adds: the difference of a long and a short run.
std::vector<Measurement> measure_rate(const Bench& bench) {
  constexpr unsigned kThreads = 512;
  constexpr double kPerIteration = 8 * 8;  // kernels/fma.cu: chains, and steps of each
  const unsigned multiprocessors = bench.card.multiprocessors();
  const int brief = bench.trial ? 1 : 512;
  const host::Module module(kFmaPtx);
  const Buffer<double> out(std::size_t{2} * multiprocessors * kThreads);
  std::vector<Measurement> rows;
  const auto add = [&](const char* what, const char* kernel, auto a, auto b, double operations,
                       const char* unit) {
    const Launch launch{module.kernel(kernel), {2 * multiprocessors, 1, 1}, {kThreads, 1, 1}};
    const auto run_us = [&](int iterations) {
      return median_us(bench, [&] { launch(out.address(), a, b, iterations); });
    };
    const double us = run_us(5 * brief) - run_us(brief);
    const double done = operations * kPerIteration * 4 * brief * 2 * kThreads;  // an SM
    rows.push_back({what, done / (us * bench.clock_mhz()), unit});
  };
  add("fp32 FMA", "fma_fp32", -0.9375F, 0.3F, 2, "FLOP/clk/SM");
  add("fp16x2 FMA", "fma_fp16", -0.9375F, 0.25F, 4, "FLOP/clk/SM");
  add("int32 MAD", "fma_int32", 1664525, 1013904223, 2, "IOP/clk/SM");
  add("fp64 FMA", "fma_fp64", -0.9375, 0.3, 2, "FLOP/clk/SM");
  return rows;
}

constexpr double kChain = 64;  // kernels/depend.cu: instructions a turn

// What depend.cu leaves after so many turns on one warp.
std::vector<std::uint64_t> run_chain(const host::Module& module, const char* kernel, unsigned threads,
                                     unsigned turns) {
  const Buffer<std::uint64_t> out(4);
  const Launch launch{module.kernel(kernel), {1, 1, 1}, {threads, 1, 1}};
  launch(out.address(), 0.75F, 0.5F, turns);
  return out.download();
}

std::vector<Measurement> measure_depend(const Bench& bench) {
  const unsigned turns = bench.trial ? 4 : 1024;
  const host::Module module(kDependPtx);
  std::vector<Measurement> rows;
  for (const char* what :
       {"fp32_fma", "fp32_add", "fp64_fma", "int32_mad", "fp16x2_fma", "rsqrt", "shuffle", "shared"}) {
    const std::string kernel = fmt::format("depend_{}", what);
    std::vector<std::uint64_t> cycles;
    for (int repeat = 0; repeat < 5; ++repeat)
      cycles.push_back(run_chain(module, kernel.c_str(), 32, turns)[0]);
    std::ranges::sort(cycles);
    rows.push_back({what, static_cast<double>(cycles[2]) / (kChain * turns), "cycles"});
  }
  return rows;
}

}  // namespace

double Bench::clock_mhz() const {
  const host::Module module(kDependPtx);
  // Long against the steps of %globaltimer, which are up to a microsecond.
  const std::vector<std::uint64_t> out = run_chain(module, "clock_rate", 1, trial ? 16 : 16384);
  return static_cast<double>(out[0]) / static_cast<double>(out[2]) * 1000;
}

const std::vector<CardSet>& card_sets() {
  static const std::vector<CardSet> sets{{"sgemm", measure_sgemm},  {"stream", measure_stream},
                                         {"read", measure_read},    {"latency", measure_latency},
                                         {"cache", measure_cache},  {"rate", measure_rate},
                                         {"depend", measure_depend}};
  return sets;
}

}  // namespace doppel::truth
