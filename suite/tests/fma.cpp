// SPDX-License-Identifier: Apache-2.0
// Multiply-add rates. Each rate is the difference of a long and a short run, so launch costs drop out.
#include <cmath>

#include "half.h"
#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kThreads = 512;
constexpr unsigned kBlocksPerMultiprocessor = 2;
constexpr int kChains = 8;
constexpr int kStepsPerIteration = 8;

// Iterations of the short and of the long run.
struct Lengths {
  int brief;
  int extended;
};
constexpr Lengths kLengths{32, 128};
constexpr Lengths kLengthsOfHalves{4, 12};  // halves take a host without them long

// What one thread of kernels/fma.cu stores, computed with fma and add given for its arithmetic.
template <class T, class Fma, class Add>
T expected(unsigned thread, int iterations, Fma fma, Add add) {
  T sum{};
  for (int i = 0; i < kChains; ++i) {
    T chain = static_cast<T>(static_cast<int>(thread % 32) + i);
    for (int step = 0; step < iterations * kStepsPerIteration; ++step) chain = fma(chain);
    sum = i == 0 ? chain : add(sum, chain);
  }
  return sum;
}

// Element is as stored by the kernel, Scalar as the parameters a and b are passed.
template <class Element, class Scalar, class Matches>
Result measure(const host::Card& card, const char* kernel_name, Scalar a, Scalar b, int lanes_per_operation,
               const char* unit, Lengths lengths, Matches matches) {
  const host::Module module(kFmaPtx);
  const CUfunction kernel = module.kernel(kernel_name);
  const unsigned blocks = card.multiprocessors() * kBlocksPerMultiprocessor;
  const host::Buffer<Element> out(std::size_t{blocks} * kThreads);
  const auto launch = [&](int iterations) {
    host::launch(kernel, {blocks}, {kThreads}, out.address(), a, b, iterations);
  };
  const auto run = [&](int iterations) { return timed_us([&] { launch(iterations); }); };
  const double short_us = run(lengths.brief);
  const double long_us = run(lengths.extended);

  Result result;
  result.correct = true;
  const std::vector<Element> stored = out.download();
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (!matches(stored[i], static_cast<unsigned>(i % 32))) result.correct = false;
  }
  const double operations = 2.0 * lanes_per_operation * kChains * kStepsPerIteration *
                            (lengths.extended - lengths.brief) * static_cast<double>(stored.size());
  result.time_us = long_us - short_us;
  result.value = operations / result.time_us * 1e-3;
  result.unit = unit;
  result.kernel = kernel_name;
  result.detail = "2 blocks of 512 threads an SM, 8 chains a thread, a multiply-add counted as 2";
  return result;
}

// The 32 different answers, one a lane, so that the host computes each once.
template <class T, class Fma, class Add>
auto lane_answers(int iterations, Fma fma, Add add) {
  std::array<T, 32> answers{};
  for (unsigned lane = 0; lane < 32; ++lane) answers[lane] = expected<T>(lane, iterations, fma, add);
  return answers;
}

Result fp32(const host::Card& card) {
  constexpr float kA = -0.9375F;
  constexpr float kB = 0.3F;
  const auto answers = lane_answers<float>(
      kLengths.extended, [](float x) { return std::fma(x, kA, kB); }, [](float x, float y) { return x + y; });
  return measure<float>(card, "fma_fp32", kA, kB, 1, "GFLOP/s", kLengths,
                        [&](float stored, unsigned lane) { return stored == answers[lane]; });
}

Result fp64(const host::Card& card) {
  constexpr double kA = -0.9375;
  constexpr double kB = 0.3;
  const auto answers = lane_answers<double>(
      kLengths.extended, [](double x) { return std::fma(x, kA, kB); },
      [](double x, double y) { return x + y; });
  return measure<double>(card, "fma_fp64", kA, kB, 1, "GFLOP/s", kLengths,
                         [&](double stored, unsigned lane) { return stored == answers[lane]; });
}

Result int32(const host::Card& card) {
  constexpr int kA = 1664525;
  constexpr int kB = 1013904223;
  const auto answers = lane_answers<unsigned>(
      kLengths.extended, [](unsigned x) { return x * static_cast<unsigned>(kA) + static_cast<unsigned>(kB); },
      [](unsigned x, unsigned y) { return x + y; });
  return measure<unsigned>(card, "fma_int32", kA, kB, 1, "GIOP/s", kLengths,
                           [&](unsigned stored, unsigned lane) { return stored == answers[lane]; });
}

double half_of_bits(unsigned bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1 : 1;
  const int exponent = static_cast<int>(bits >> 10 & 31U);
  const double fraction = bits & 1023U;
  if (exponent == 31) return fraction == 0 ? sign * HUGE_VAL : NAN;
  if (exponent == 0) return sign * std::ldexp(fraction, -24);
  return sign * std::ldexp(1024 + fraction, exponent - 25);
}

Result fp16(const host::Card& card) {
  constexpr float kA = -0.9375F;
  constexpr float kB = 0.25F;
  const auto answers = lane_answers<double>(
      kLengthsOfHalves.extended,
      [](double x) { return to_half(x * static_cast<double>(kA) + static_cast<double>(kB)); },
      [](double x, double y) { return to_half(x + y); });
  return measure<unsigned>(
      card, "fma_fp16", kA, kB, 2, "GFLOP/s", kLengthsOfHalves, [&](unsigned stored, unsigned lane) {
        return half_of_bits(stored & 0xffffU) == answers[lane] && half_of_bits(stored >> 16) == answers[lane];
      });
}

constexpr std::array kTests{
    Test{"fma-fp32", "multiply-add rate, single precision", fp32},
    Test{"fma-fp16", "multiply-add rate, packed halves", fp16},
    Test{"fma-int32", "multiply-add rate, 32-bit integers", int32},
    Test{"fma-fp64", "multiply-add rate, double precision", fp64},
};

}  // namespace

std::span<const Test> fma_tests() { return kTests; }

}  // namespace doppel::suite
