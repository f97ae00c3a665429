// SPDX-License-Identifier: Apache-2.0
// The sets of sets.h as measurements on the card of this process, and the rates and latencies of a few
// instructions.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "card.h"

namespace doppel::truth {

struct Measurement {
  std::string what;  // as the row of the prediction is called, where there is one
  double value = 0;
  std::string unit;
};

// What all sets need: the card, and how large they may be.
struct Bench {
  const host::Card& card;
  bool trial = false;  // sizes that show that it works, and measure nothing

  double clock_mhz() const;  // of the SMs, now
};

struct CardSet {
  const char* name;
  std::function<std::vector<Measurement>(const Bench&)> run;  // throws host::CudaError
};
const std::vector<CardSet>& card_sets();

}  // namespace doppel::truth
