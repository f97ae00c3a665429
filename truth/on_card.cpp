// SPDX-License-Identifier: Apache-2.0
// doppel_truth_on_card [--trial] [SET...]: runs the kernels of the truth sets on the card behind the system's
// libcuda.so.1 and prints, as CSV, what its own events and clocks say.
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "card_sets.h"

namespace {

using doppel::truth::CardSet;

void print_head(const doppel::host::Card& card) {
  int version = 0;
  doppel::host::check(cuDriverGetVersion(&version), "cuDriverGetVersion");
  fmt::print("# {}: {} SMs, compute capability {}.{}, {} MiB of L2; driver of CUDA {}.{}; medians\n",
             card.name(), card.multiprocessors(),
             card.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR),
             card.attribute(CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR),
             card.attribute(CU_DEVICE_ATTRIBUTE_L2_CACHE_SIZE) >> 20, version / 1000, version % 1000 / 10);
  fmt::print("# clock_mhz: of the SMs, measured after the set\nset,row,measured,unit,clock_mhz\n");
}

int run(const std::vector<std::string>& chosen, bool trial) {
  const doppel::host::Card card;
  const doppel::truth::Bench bench{card, trial};
  print_head(card);
  for (int i = 0; i < (trial ? 1 : 20); ++i) bench.clock_mhz();  // out of the card's idle clocks
  int status = 0;
  for (const CardSet& set : doppel::truth::card_sets()) {
    if (!chosen.empty() && std::ranges::find(chosen, set.name) == chosen.end()) continue;
    try {
      const auto rows = set.run(bench);
      const double clock_mhz = bench.clock_mhz();
      for (const auto& row : rows)
        fmt::print("{},\"{}\",{:.6g},{},{:.0f}\n", set.name, row.what, row.value, row.unit, clock_mhz);
    } catch (const std::exception& failure) {
      fmt::print(stderr, "doppel_truth_on_card: {}: {}\n", set.name, failure.what());
      status = 1;
    }
    std::fflush(stdout);
  }
  return status;
}

}  // namespace

int main(int count, char** arguments) {
  bool trial = false;
  std::vector<std::string> chosen;
  for (int i = 1; i < count; ++i) {
    const std::string argument = arguments[i];
    if (argument == "--trial") {
      trial = true;
      continue;
    }
    if (std::ranges::none_of(doppel::truth::card_sets(),
                             [&](const CardSet& set) { return argument == set.name; })) {
      fmt::print(stderr, "doppel_truth_on_card: no set '{}'; there are", argument);
      for (const CardSet& set : doppel::truth::card_sets()) fmt::print(stderr, " {}", set.name);
      fmt::print(stderr, "\n");
      return 2;
    }
    chosen.push_back(argument);
  }
  try {
    return run(chosen, trial);
  } catch (const std::exception& failure) {
    fmt::print(stderr, "doppel_truth_on_card: {}\n", failure.what());
    return 1;
  }
}
