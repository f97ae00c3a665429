// SPDX-License-Identifier: Apache-2.0
// Two small applications: option prices and gravitation.
#include <algorithm>
#include <cmath>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

// A fixed sequence of numbers from low to high.
class Sequence {
 public:
  explicit Sequence(unsigned seed) : state_(seed) {}
  float next(float low, float high) {
    state_ = state_ * 1664525U + 1013904223U;
    return low + (high - low) * static_cast<float>(state_ >> 8U) / static_cast<float>(1U << 24U);
  }

 private:
  unsigned state_;
};

double normal(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

Result black_scholes(const host::Card& /*card*/) {
  constexpr unsigned kCount = 1U << 23U;
  constexpr float kRate = 0.02F;
  constexpr float kVolatility = 0.30F;
  constexpr double kTolerance = 2e-3;  // money; prices go to 30, the kernel's functions are approximate
  const host::Module module(kBlackScholesPtx);
  const CUfunction kernel = module.kernel("black_scholes");
  std::vector<float> price(kCount);
  std::vector<float> strike(kCount);
  std::vector<float> years(kCount);
  Sequence sequence(7);
  for (unsigned i = 0; i < kCount; ++i) {
    price[i] = sequence.next(5, 30);
    strike[i] = sequence.next(1, 100);
    years[i] = sequence.next(0.25F, 10);
  }
  const host::Buffer<float> on_card_price{std::span<const float>(price)};
  const host::Buffer<float> on_card_strike{std::span<const float>(strike)};
  const host::Buffer<float> on_card_years{std::span<const float>(years)};
  const host::Buffer<float> call(kCount);
  const host::Buffer<float> put(kCount);

  Result result;
  result.time_us = timed_us([&] {
    host::launch(kernel, {kCount / 256}, {256}, on_card_price.address(), on_card_strike.address(),
                 on_card_years.address(), call.address(), put.address(), kRate, kVolatility, kCount);
  });
  const std::vector<float> calls = call.download();
  const std::vector<float> puts = put.download();
  result.correct = true;
  for (unsigned i = 0; i < kCount; i += 61) {
    const double s = static_cast<double>(price[i]);
    const double x = static_cast<double>(strike[i]);
    const double t = static_cast<double>(years[i]);
    const double rate = static_cast<double>(kRate);
    const double volatility = static_cast<double>(kVolatility);
    const double d1 =
        (std::log(s / x) + (rate + volatility * volatility / 2) * t) / (volatility * std::sqrt(t));
    const double d2 = d1 - volatility * std::sqrt(t);
    const double discounted = x * std::exp(-rate * t);
    const double expected_call = s * normal(d1) - discounted * normal(d2);
    const double expected_put = expected_call + discounted - s;
    // Negated so that a NaN counts as wrong.
    if (!(std::fabs(static_cast<double>(calls[i]) - expected_call) <= kTolerance &&
          std::fabs(static_cast<double>(puts[i]) - expected_put) <= kTolerance)) {
      result.correct = false;
    }
  }
  result.kernel = "black_scholes";
  result.value = 2.0 * kCount / result.time_us;
  result.unit = "Moptions/s";
  result.detail = "2^23 calls and as many puts";
  return result;
}

Result nbody(const host::Card& /*card*/) {
  constexpr int kCount = 8192;
  constexpr int kThreads = 64;
  constexpr float kSoftening2 = 0.01F;
  constexpr double kOperationsPerPair = 20;  // the usual count for this kernel
  constexpr double kTolerance = 1e-4;
  const host::Module module(kNbodyPtx);
  const CUfunction kernel = module.kernel("nbody_acceleration");
  std::vector<std::array<float, 4>> bodies(kCount);
  Sequence sequence(11);
  for (std::array<float, 4>& body : bodies) {
    body = {sequence.next(-1, 1), sequence.next(-1, 1), sequence.next(-1, 1), sequence.next(0.5F, 1.5F)};
  }
  using Four = std::array<float, 4>;
  const host::Buffer<Four> on_card{std::span<const Four>(bodies)};
  const host::Buffer<Four> acceleration(kCount);

  Result result;
  result.time_us = timed_us([&] {
    host::launch(kernel, {kCount / kThreads}, {kThreads}, on_card.address(), acceleration.address(), kCount,
                 kSoftening2);
  });
  const std::vector<Four> stored = acceleration.download();
  result.correct = true;
  for (std::size_t i = 0; i < kCount; i += 251) {
    std::array<double, 3> expected{};
    double size = 0;  // sum of the pulls' sizes: the scale of the error
    for (const Four& there : bodies) {
      std::array<double, 3> d{};
      double distance2 = static_cast<double>(kSoftening2);
      for (std::size_t axis = 0; axis < 3; ++axis) {
        d[axis] = static_cast<double>(there[axis]) - static_cast<double>(bodies[i][axis]);
        distance2 += d[axis] * d[axis];
      }
      const double weight = static_cast<double>(there[3]) / (distance2 * std::sqrt(distance2));
      for (std::size_t axis = 0; axis < 3; ++axis) expected[axis] += d[axis] * weight;
      size += weight * std::sqrt(distance2);
    }
    for (std::size_t axis = 0; axis < 3; ++axis) {
      if (!(std::fabs(static_cast<double>(stored[i][axis]) - expected[axis]) <= kTolerance * size)) {
        result.correct = false;
      }
    }
  }
  result.kernel = "nbody_acceleration";
  result.value = kOperationsPerPair * kCount * kCount / result.time_us * 1e-3;
  result.unit = "GFLOP/s";
  result.detail = "8192 bodies, one step, 20 operations a pair";
  return result;
}

constexpr std::array kTests{
    Test{"black-scholes", "option prices", black_scholes},
    Test{"nbody", "gravitation of all on all", nbody},
};

}  // namespace

std::span<const Test> application_tests() { return kTests; }

}  // namespace doppel::suite
