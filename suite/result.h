// SPDX-License-Identifier: Apache-2.0
// What a test of the suite says: one figure, and whether the card's answer was right.
#pragma once

#include <string>
#include <vector>

namespace doppel::suite {

// A figure of the same work, of the same size, measured on a real card elsewhere.
struct Published {
  double value;
  const char* card;  // as the driver names it
  const char* source;
};

struct Result {
  double value = 0;
  std::string unit;
  double time_us = 0;    // of the card, for the work that value counts
  bool correct = false;  // the card's answer against the host's
  std::string detail;    // sizes and settings
  std::string kernel;    // that was timed; empty: not one
  std::vector<Published> published;
};

}  // namespace doppel::suite
