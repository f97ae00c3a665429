// SPDX-License-Identifier: Apache-2.0
// Options by simulation and by a tree, against closed forms and the host's own tree.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels.h"
#include "tests.h"
#include "timed.h"

namespace doppel::suite {

namespace {

constexpr double kPrice = 100;
constexpr double kRate = 0.03;
constexpr double kVolatility = 0.25;
constexpr double kYears = 1;

void simulate(const host::Module& module, const host::Buffer<float>& sums, unsigned blocks, unsigned draws,
              float strike) {
  constexpr auto kDrift = static_cast<float>((kRate - kVolatility * kVolatility / 2) * kYears);
  const auto deviation = static_cast<float>(kVolatility * std::sqrt(kYears));
  host::launch(module.kernel("monte_carlo"), {blocks}, {256}, sums.address(), draws,
               static_cast<float>(kPrice), strike, kDrift, deviation);
}

Result monte_carlo(const host::Card& card) {
  constexpr unsigned kDraws = 64;
  const host::Module module(kOptionsPtx);
  const unsigned blocks = card.multiprocessors() * 24;
  const host::Buffer<float> sums(std::size_t{blocks} * 256);
  Result result;
  result.time_us = timed_us([&] { simulate(module, sums, blocks, kDraws, 105.0F); });
  result.value = 4.0 * kDraws * static_cast<double>(sums.size()) / result.time_us;
  result.unit = "Mpaths/s";
  result.kernel = "monte_carlo";
  result.detail = "a European call, " + std::to_string(4 * kDraws) + " paths a thread, Philox and Box-Muller";
  return result;
}

bool simulates_right(const host::Card& /*card*/) {
  constexpr unsigned kBlocks = 16;
  constexpr unsigned kDraws = 32;
  constexpr double kPaths = 4.0 * kDraws * kBlocks * 256;
  constexpr double kStrike = 105;
  const host::Module module(kOptionsPtx);
  const host::Buffer<float> sums(std::size_t{kBlocks} * 256);
  simulate(module, sums, kBlocks, kDraws, static_cast<float>(kStrike));
  const std::vector<float> stored = sums.download();
  const double mean = std::accumulate(stored.begin(), stored.end(), 0.0) / kPaths * std::exp(-kRate * kYears);
  const double d1 =
      (std::log(kPrice / kStrike) + (kRate + kVolatility * kVolatility / 2) * kYears) / kVolatility;
  const auto normal = [](double x) { return std::erfc(-x / std::sqrt(2.0)) / 2; };
  const double call = kPrice * normal(d1) - kStrike * std::exp(-kRate * kYears) * normal(d1 - kVolatility);
  // The payoffs' deviation is about 17: five times that of their mean.
  return std::fabs(mean - call) < 5 * 17 / std::sqrt(kPaths);
}

constexpr int kSteps = 512;  // kernels/options.cu

struct Tree {
  double up = std::exp(kVolatility * std::sqrt(kYears / kSteps));
  double chance = (std::exp(kRate * kYears / kSteps) - 1 / up) / (up - 1 / up);
  double discount = std::exp(-kRate * kYears / kSteps);
};

void climb(const host::Module& module, const host::Buffer<float>& strikes,
           const host::Buffer<float>& values) {
  const Tree tree;
  host::launch(module.kernel("binomial"), {static_cast<unsigned>(strikes.size())}, {kSteps},
               strikes.address(), values.address(), static_cast<float>(kPrice),
               static_cast<float>(std::log2(tree.up)), static_cast<float>(tree.discount * tree.chance),
               static_cast<float>(tree.discount * (1 - tree.chance)));
}

Result binomial(const host::Card& card) {
  const host::Module module(kOptionsPtx);
  const std::size_t options = std::size_t{card.multiprocessors()} * 24;
  host::Buffer<float> strikes(options);
  strikes.clear();
  const host::Buffer<float> values(options);
  Result result;
  result.time_us = timed_us([&] { climb(module, strikes, values); });
  result.value = static_cast<double>(options) / result.time_us * 1e3;
  result.unit = "options/ms";
  result.kernel = "binomial";
  result.detail = "American puts, trees of 512 steps";
  return result;
}

bool climbs_right(const host::Card& /*card*/) {
  const host::Module module(kOptionsPtx);
  const std::vector<float> strike = {80, 95, 100, 110, 130};
  const host::Buffer<float> strikes{std::span<const float>(strike)};
  const host::Buffer<float> values(strike.size());
  climb(module, strikes, values);
  const std::vector<float> stored = values.download();
  const Tree tree;
  for (std::size_t option = 0; option < strike.size(); ++option) {
    const auto exercised = [&](int ups, int steps) {
      return std::max(static_cast<double>(strike[option]) - kPrice * std::pow(tree.up, 2 * ups - steps), 0.0);
    };
    std::vector<double> value(kSteps + 1);
    for (int i = 0; i <= kSteps; ++i) value[static_cast<std::size_t>(i)] = exercised(i, kSteps);
    for (int step = kSteps - 1; step >= 0; --step) {
      for (int i = 0; i <= step; ++i) {
        const auto at = static_cast<std::size_t>(i);
        const double waited = tree.discount * (tree.chance * value[at + 1] + (1 - tree.chance) * value[at]);
        value[at] = std::max(waited, exercised(i, step));
      }
    }
    if (!(std::fabs(static_cast<double>(stored[option]) - value[0]) < 5e-3)) return false;
  }
  return true;
}

constexpr std::array kTests{
    Test{"monte-carlo", "option prices by simulation", monte_carlo, simulates_right},
    Test{"binomial", "option prices by trees", binomial, climbs_right},
};

}  // namespace

std::span<const Test> finance_tests() { return kTests; }

}  // namespace doppel::suite
