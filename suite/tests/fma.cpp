// SPDX-License-Identifier: Apache-2.0
// Multiply-add rates, in grids so large that how a launch begins and ends hardly counts.
#include <cmath>

#include "half.h"
#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr unsigned kThreads = 512;
constexpr int kChains = 8;
constexpr int kStepsPerIteration = 8;

// How much is timed. Halves take a host without them long.
struct Size {
  unsigned blocks_per_multiprocessor;
  int iterations;
};
constexpr Size kSize{64, 128};
constexpr Size kSizeOfHalves{32, 24};
constexpr int kChecked = 16;  // iterations of the one block whose answers are looked at

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
template <class Element, class Scalar>
Result rate(const host::Card& card, const char* kernel_name, Scalar a, Scalar b, int lanes_per_operation,
            const char* unit, Size size) {
  const host::Module module(kFmaPtx);
  const CUfunction kernel = module.kernel(kernel_name);
  const unsigned blocks = card.multiprocessors() * size.blocks_per_multiprocessor;
  const host::Buffer<Element> out(std::size_t{blocks} * kThreads);
  Result result;
  result.time_us =
      timed_us([&] { host::launch(kernel, {blocks}, {kThreads}, out.address(), a, b, size.iterations); });
  const double operations = 2.0 * lanes_per_operation * kChains * kStepsPerIteration * size.iterations *
                            static_cast<double>(blocks) * kThreads;
  result.value = operations / result.time_us * 1e-3;
  result.unit = unit;
  result.kernel = kernel_name;
  result.detail = "blocks of 512 threads, 8 chains a thread, a multiply-add counted as 2";
  return result;
}

template <class Element, class Scalar, class Matches>
bool check(const char* kernel_name, Scalar a, Scalar b, Matches matches) {
  const host::Module module(kFmaPtx);
  const host::Buffer<Element> out(kThreads);
  host::launch(module.kernel(kernel_name), {1}, {kThreads}, out.address(), a, b, kChecked);
  const std::vector<Element> stored = out.download();
  for (std::size_t i = 0; i < stored.size(); ++i) {
    if (!matches(stored[i], static_cast<unsigned>(i % 32))) return false;
  }
  return true;
}

// The 32 different answers, one a lane, so that the host computes each once.
template <class T, class Fma, class Add>
auto lane_answers(Fma fma, Add add) {
  std::array<T, 32> answers{};
  for (unsigned lane = 0; lane < 32; ++lane) answers[lane] = expected<T>(lane, kChecked, fma, add);
  return answers;
}

constexpr double kA = -0.9375, kB = 0.3;
constexpr int kIntegerA = 1664525, kIntegerB = 1013904223;
constexpr float kHalfA = -0.9375F, kHalfB = 0.25F;

Result fp32(const host::Card& card) {
  return rate<float>(card, "fma_fp32", static_cast<float>(kA), static_cast<float>(kB), 1, "GFLOP/s", kSize);
}
bool fp32_is_right(const host::Card&) {
  constexpr auto kFactor = static_cast<float>(kA), kAdded = static_cast<float>(kB);
  const auto answers = lane_answers<float>([](float x) { return std::fma(x, kFactor, kAdded); },
                                           [](float x, float y) { return x + y; });
  return check<float>("fma_fp32", kFactor, kAdded,
                      [&](float stored, unsigned lane) { return stored == answers[lane]; });
}

Result fp64(const host::Card& card) { return rate<double>(card, "fma_fp64", kA, kB, 1, "GFLOP/s", kSize); }
bool fp64_is_right(const host::Card&) {
  const auto answers = lane_answers<double>([](double x) { return std::fma(x, kA, kB); },
                                            [](double x, double y) { return x + y; });
  return check<double>("fma_fp64", kA, kB,
                       [&](double stored, unsigned lane) { return stored == answers[lane]; });
}

Result int32(const host::Card& card) {
  return rate<unsigned>(card, "fma_int32", kIntegerA, kIntegerB, 1, "GIOP/s", kSize);
}
bool int32_is_right(const host::Card&) {
  const auto answers = lane_answers<unsigned>(
      [](unsigned x) { return x * static_cast<unsigned>(kIntegerA) + static_cast<unsigned>(kIntegerB); },
      [](unsigned x, unsigned y) { return x + y; });
  return check<unsigned>("fma_int32", kIntegerA, kIntegerB,
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
  return rate<unsigned>(card, "fma_fp16", kHalfA, kHalfB, 2, "GFLOP/s", kSizeOfHalves);
}
bool fp16_is_right(const host::Card&) {
  const auto answers = lane_answers<double>(
      [](double x) { return to_half(x * static_cast<double>(kHalfA) + static_cast<double>(kHalfB)); },
      [](double x, double y) { return to_half(x + y); });
  return check<unsigned>("fma_fp16", kHalfA, kHalfB, [&](unsigned stored, unsigned lane) {
    return half_of_bits(stored & 0xffffU) == answers[lane] && half_of_bits(stored >> 16) == answers[lane];
  });
}

constexpr std::array kTests{
    Test{"fma-fp32", "multiply-add rate, single precision", fp32, fp32_is_right},
    Test{"fma-fp16", "multiply-add rate, packed halves", fp16, fp16_is_right},
    Test{"fma-int32", "multiply-add rate, 32-bit integers", int32, int32_is_right},
    Test{"fma-fp64", "multiply-add rate, double precision", fp64, fp64_is_right},
};

}  // namespace

std::span<const Test> fma_tests() { return kTests; }

}  // namespace doppel::suite
