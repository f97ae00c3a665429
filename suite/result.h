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
  double published = 0;  // a figure from elsewhere to print beside value; 0: none
  std::string published_note;
};

}  // namespace doppel::suite
