// SPDX-License-Identifier: Apache-2.0
// The rules of 'choose it if': each compares the two cards by figures of the runs or of their files, and the
// larger figure decides. No rule knows a card.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "report/review/review.h"

namespace doppel::report::review {

// Whoever reads it does `work`; the geometric mean of the ratios of these tests decides. Names and groups, as
// on the suite's command line.
struct RunRule {
  const char* id;
  const char* work;  // "your programs compute in single precision"
  std::vector<std::string> tests;
  bool per_watt = false;  // of the figures by their watts
};
std::span<const RunRule> run_rules();

// A figure of the cards' files decides; of a unit that does not run yet, or of room.
struct FileRule {
  const char* id;
  const char* work;
  const char* what;  // "NVLink, both directions"
  const char* unit;
  double (*value)(const card::Card&);
  std::vector<std::string> keys;
};
std::span<const FileRule> file_rules();

// What a rule says of the two cards.
struct Decision {
  double ratio = 0;                // the second card's figure over the first's; 0: nothing to compare
  int better = -1;                 // index of the card; -1: neither, beyond the error
  int only = -1;                   // index of the one card that can do it at all; -1: both, or none
  std::vector<std::string> tests;  // that it rests on
};
Decision decide(const RunRule& rule, const Review& review);
Decision decide(const FileRule& rule, const Review& review);

}  // namespace doppel::report::review
