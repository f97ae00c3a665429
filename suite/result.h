// SPDX-License-Identifier: Apache-2.0
// What a test of the suite says: one figure, and whether the card's answer was right.
#pragma once

#include <string>

namespace doppel::suite {

struct Result {
  double value = 0;
  std::string unit;
  double time_us = 0;    // of the card, for the work that value counts
  bool correct = false;  // the card's answer against the host's
  std::string detail;    // sizes and settings
  // A figure of the same work, of the same size, measured on a real card elsewhere; 0: none.
  double published = 0;
  std::string published_card;  // the card that it was measured on
  std::string published_note;  // its source
};

}  // namespace doppel::suite
